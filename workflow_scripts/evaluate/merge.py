"""Join the headline scores of all experiments into results/eval.csv."""

from pathlib import Path

import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.evaluate.metrics import METRICS
from workflow_scripts.evaluate.score_table import (
    ALL,
    LEARNED,
    EvalRow,
    read_scores,
    write_csv,
)


def headline_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the headline rows of tables of scores, in the order of results/eval.csv.

    Experiments and their benchmarks keep their order; of each, what is over all families comes
    first, then family by family, metric by metric, the learned model before its baselines.
    """
    rows = scores[scores["is_headline"]]
    order = pd.DataFrame(
        {
            "experiment": rows["experiment"].map(_positions(rows["experiment"])),
            "benchmark": rows["benchmark"].map(_positions(rows["benchmark"])),
            "is_one_family": rows["family"] != ALL,
            "family": rows["family"],
            "is_one_form": rows["form"] != ALL,
            "form": rows["form"],
            "metric": rows["metric"].map({name: index for index, name in enumerate(METRICS)}),
            "is_baseline": rows["method"] != LEARNED,
        },
        index=rows.index,
    )
    ordered = order.sort_values(list(order.columns), kind="stable").index
    return rows.loc[ordered, list(EvalRow.model_fields)].reset_index(drop=True)


def _positions(names: pd.Series) -> dict[str, int]:
    return {name: position for position, name in enumerate(names.unique())}


def main(*, scores: list[Path], out: Path) -> None:
    """Join the headline scores of experiments.

    Args:
        scores: Tables of scores, in the order in which experiments and their benchmarks appear.
        out: CSV file to write.
    """
    joined = pd.concat([read_scores(path) for path in scores], ignore_index=True)
    write_csv(out, headline_rows(joined))


if __name__ == "__main__":
    run(main)
