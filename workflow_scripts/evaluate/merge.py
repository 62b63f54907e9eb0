"""Join the scores of all experiments into results/eval.csv, each row checked."""

from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import EvalRow
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.models.keypoints.score_row import KeypointScoreRow


def read_scores(path: Path) -> pd.DataFrame:
    """Read a table of scores; `UserError` names the file and the row that is none.

    Rows about keypoints (`KeypointScoreRow`) and about answers (`EvalRow`) may lie in one table; columns
    that only the other kind has are then empty.
    """
    rows = pd.read_csv(path, dtype={"experiment": str}, keep_default_na=True)
    for number, row in enumerate(rows.to_dict("records"), start=2):
        model, other = EvalRow, KeypointScoreRow
        if row.get("benchmark") == "pose":
            model, other = KeypointScoreRow, EvalRow
        other_columns = set(other.model_fields) - set(model.model_fields)
        row_values = {
            key: value for key, value in row.items() if key not in other_columns or pd.notna(value)
        }
        try:
            model.model_validate(row_values)
        except ValidationError as error:
            raise UserError(f"{path}, line {number}: not a row of scores: {error}") from error
    return rows


def main(*, scores: list[Path], out: Path) -> None:
    """Join tables of scores.

    Args:
        scores: One CSV file per experiment.
        out: CSV file to write.
    """
    joined = pd.concat([read_scores(path) for path in scores], ignore_index=True)
    with atomic_write(out) as partial:
        joined.to_csv(partial, index=False, float_format="%.6f")


if __name__ == "__main__":
    run(main)
