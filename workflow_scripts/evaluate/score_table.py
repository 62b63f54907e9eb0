"""Tables of scores: the records, and how they are written and read.

`results/evaluate/{experiment}/scores.parquet` (and `.csv`) holds a `ScoreRow` for every score;
`results/eval.csv` holds the headline rows of all experiments, an `EvalRow` each. docs/results.md
lists the columns; it is made from the descriptions here.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import AfterValidator, Field, ValidationError

from workflow_scripts.common.checksums import read_checked_bytes
from workflow_scripts.common.errors import UserError, validation_problems
from workflow_scripts.common.records import Form, Record, Split, records_to_frame
from workflow_scripts.common.storage import atomic_write, read_table, write_table
from workflow_scripts.evaluate.metrics import METRICS

ALL = "all"
LEARNED = "learned"
# A row "against X" has a score beside that of experiment X.
AGAINST = "against "
NAN = float("nan")
DECIMALS = 6


def known_metric(name: str) -> str:
    """Return the name of a metric of the table; `ValueError` for any other."""
    if name not in METRICS:
        raise ValueError(f"{name} is not a metric; known are {', '.join(METRICS)}")
    return name


class EvalRow(Record):
    """One row of `results/eval.csv`: a headline metric of one experiment on one group of questions.

    Columns that a kind of experiment does not use are empty.
    """

    experiment: str = Field(
        description="name under `train.experiments`, or `tiny base` for the base that they share"
    )
    benchmark: str = Field(
        description="`vqa`: questions of this workflow; `keypoints`: 3D keypoints of "
        "demonstrations; `rooms`: reconstructed rooms; `scan_samples`: samples about scans of "
        "this workflow; `patches`: names of what patches of views show; or the name of a published "
        "benchmark or data set"
    )
    split: Split = Field(description="split that is scored")
    family: str = Field(
        description="family of questions, robot task, or category; `all`: all of them; of rooms "
        "also `visible` and `hidden` objects, and `target`: what an answer is to say; of scans the "
        "type of question"
    )
    form: Form | Literal["all", ""] = Field(
        default="", description="how questions refer to objects; `all`: all ways"
    )
    method: str = Field(
        default=LEARNED,
        description="`learned`: the experiment's model; for keypoints also each geometric "
        "baseline, and `cameras` for `unobservable_fraction`; for rooms also `retrieval` (the "
        "training room that fits best) and `measured` (boxes from true masks and depth); for rooms "
        "and scans also `against X`: the same score beside that of experiment X",
    )
    noise: str = Field(
        default="",
        description="noise of observed 2D keypoints: `exact`, `1x`, `2x` ... of the published "
        "noise, `detector`, `custom`, or `images` (detected in images)",
    )
    metric: Annotated[str, AfterValidator(known_metric)] = Field(
        description="name in the table of metrics"
    )
    n: int = Field(ge=1, description="questions, keypoints in frames, or rooms, that count")
    num_scenes: int = Field(ge=1, description="houses, photos, videos or episodes they come from")
    value: float = Field(description="the score")
    ci_low: float = Field(description="95 % bootstrap interval over scenes")
    ci_high: float = Field(description="upper end of the interval")
    blind: float = Field(default=NAN, description="score of the same model asked without the image")
    blank: float = Field(
        default=NAN, description="score of the same model shown a plain gray image"
    )
    majority: float = Field(
        default=NAN, description="score of the most common training answer of the family"
    )
    baseline: str = Field(
        default="",
        description="what `gain` is against: the better of blind and blank; for keypoints a "
        "geometric baseline; for rooms the better of blind and retrieval; for scans blind, or "
        "another experiment; for patches their commonest name",
    )
    baseline_value: float = Field(
        default=NAN, description="the baseline's score; for keypoints on the points of `gain`"
    )
    gain: float = Field(
        default=NAN,
        description="by how much the score beats the baseline, positive where it is better; for "
        "keypoints on the points that both estimate",
    )
    gain_low: float = Field(default=NAN, description="95 % interval of the gain, paired")
    gain_high: float = Field(default=NAN, description="upper end of the interval of the gain")
    majority_gain: float = Field(
        default=NAN,
        description="by how much the score beats `majority`, positive where it is better",
    )
    majority_gain_low: float = Field(default=NAN, description="95 % interval of it, paired")
    majority_gain_high: float = Field(
        default=NAN, description="upper end of the interval of the gain over `majority`"
    )


class ScoreRow(EvalRow):
    """One row of `results/evaluate/{experiment}/scores.parquet`: one metric of one group."""

    keypoint: str = Field(default="", description="keypoint; `all`: all of the task")
    views: str = Field(
        default="", description="views used: `all`, `without <camera>`, or `first <count>`"
    )
    is_headline: bool = Field(default=False, description="whether the row is in results/eval.csv")


def write_scores(path: Path, rows: Iterable[ScoreRow]) -> int:
    """Write rows as `path` (Parquet) and beside it as CSV; return how many there are."""
    frame = records_to_frame(rows, ScoreRow)
    write_csv(path.with_suffix(".csv"), frame)
    write_table(path, frame)
    return len(frame)


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table of scores as CSV with six decimals."""
    rounded = frame.round(DECIMALS)
    # Adding 0 turns the -0.0 of a rounded gain into 0.0.
    numbers = rounded.select_dtypes("float").columns
    rounded[numbers] += 0.0
    with atomic_write(path, checksum=True) as partial:
        rounded.to_csv(partial, index=False, float_format=f"%.{DECIMALS}f")


def read_scores(path: Path) -> pd.DataFrame:
    """Read and check the scores of an experiment, `scores.parquet`.

    Raises `UserError` that names the file and the first row that is none.
    """
    return _checked(path, read_table(path), ScoreRow)


def read_eval(path: Path) -> pd.DataFrame:
    """Read and check `results/eval.csv`; errors as in `read_scores`."""
    numbers = [name for name, field in EvalRow.model_fields.items() if field.annotation is float]
    texts = {name: str for name, field in EvalRow.model_fields.items() if name not in numbers}
    texts = {name: kind for name, kind in texts.items() if name not in ("n", "num_scenes")}
    frame = pd.read_csv(
        io.BytesIO(read_checked_bytes(path)),
        dtype=texts,
        keep_default_na=False,
        na_values={name: [""] for name in numbers},
    )
    return _checked(path, frame, EvalRow)


def _checked(path: Path, frame: pd.DataFrame, model: type[EvalRow]) -> pd.DataFrame:
    wanted, columns = list(model.model_fields), list(map(str, frame.columns))
    if columns != wanted:
        unknown = ", ".join(name for name in columns if name not in wanted) or "none"
        missing = ", ".join(name for name in wanted if name not in columns) or "none"
        raise UserError(
            f"{path}: no scores of this version (unknown columns: {unknown}; missing: {missing}); "
            "remove the file and run its rule again"
        )
    for number, row in enumerate(frame.to_dict("records"), start=1):
        try:
            model.model_validate(row)
        except ValidationError as error:
            problems = "; ".join(validation_problems(error))
            raise UserError(
                f"{path}, row {number}: not a row of scores: {problems}; remove the file and run "
                "its rule again"
            ) from None
    return frame
