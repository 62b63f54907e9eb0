"""Join the scores of all experiments into results/eval.csv, each row checked."""

from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.keypoints.scores import PoseRow
from workflow_scripts.common.records import EvalRow
from workflow_scripts.common.storage import whole


def checked_scores(path: Path) -> pd.DataFrame:
    """Read a table of scores; `UserError` names the file and the row that is none.

    Rows about keypoints (`PoseRow`) and about answers (`EvalRow`) may lie in one table; columns
    that only the other kind has are then empty.
    """
    rows = pd.read_csv(path, dtype={"experiment": str}, keep_default_na=True)
    for number, row in enumerate(rows.to_dict("records"), start=2):
        model, other = EvalRow, PoseRow
        if row.get("benchmark") == "pose":
            model, other = PoseRow, EvalRow
        foreign = set(other.model_fields) - set(model.model_fields)
        own = {key: value for key, value in row.items() if key not in foreign or pd.notna(value)}
        try:
            model.model_validate(own)
        except ValidationError as error:
            raise UserError(f"{path}, line {number}: not a row of scores: {error}") from error
    return rows


def main(*, scores: list[Path], out: Path) -> None:
    """Join tables of scores.

    Args:
        scores: One CSV file per experiment.
        out: CSV file to write.
    """
    joined = pd.concat([checked_scores(path) for path in scores], ignore_index=True)
    with whole(out) as partial:
        joined.to_csv(partial, index=False, float_format="%.6f")


if __name__ == "__main__":
    run(main)
