"""Write the scores of rooms at all focal lengths side by side, with and without K in the prompt."""

import logging
import re
from pathlib import Path

import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.score_table import LEARNED, read_scores, write_csv

log = logging.getLogger(__name__)
COLUMNS = ("metric", "family", "value", "ci_low", "ci_high", "blind", "blank", "n", "num_scenes")
_FOLDER = re.compile(r"focal(\d{3})")


def focal_percent(path: Path) -> int:
    """Return the focal length in per cent that a table of scores is about: 100 for the usual."""
    match = _FOLDER.fullmatch(path.parent.name)
    return int(match[1]) if match else 100


def focal_rows(path: Path, given_intrinsics: tuple[str, ...]) -> pd.DataFrame:
    """Return the headline scores of the model of one table; `UserError` if there are none."""
    rows = read_scores(path)
    rows = rows[rows["is_headline"] & (rows["method"] == LEARNED)]
    if rows.empty:
        raise UserError(f"{path}: no headline score of a model")
    columns = [name for name in COLUMNS if name in rows.columns]
    table = rows[["experiment", *columns]].copy()
    table.insert(1, "intrinsics_in_prompt", table["experiment"].isin(given_intrinsics))
    table.insert(2, "focal_percent", focal_percent(path))
    return table


def main(*, scores: list[Path], out: Path, given_intrinsics: tuple[str, ...] = ()) -> None:
    """Write results/focal.csv.

    Args:
        scores: tables of scores of experiments, those in folders focal050 at other focal lengths.
        out: CSV file to write.
        given_intrinsics: experiments whose prompts say K when they are scored.
    """
    table = pd.concat([focal_rows(path, given_intrinsics) for path in scores], ignore_index=True)
    table = table.sort_values(["metric", "family", "experiment", "focal_percent"], kind="stable")
    write_csv(out, table)
    log.info("%s: %d rows", out, len(table))


if __name__ == "__main__":
    run(main)
