"""The record of a question, and questions as a Parquet table, one row a `Question`."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from workflow_scripts.common.checksums import check_file, damaged
from workflow_scripts.common.records import Form, Record, Split


class Referent(Record):
    """An object that a question speaks of, and where it is in the picture."""

    instance: int
    object_id: str
    category: str
    phrase: str = Field(description="how the question names it: 'the red mark', 'the sofa'")
    mark: str = Field(default="", description="colour of its mark or box, '' if it has none")
    pixel: tuple[float, float] | None = Field(default=None, description="u, v of the mark")
    box: tuple[float, float, float, float] | None = Field(
        default=None, description="x0, y0, x1, y1 of the visible part in pixels"
    )
    rle: str = Field(default="", description="COCO run lengths of its mask, '' if not needed")


AnswerType = Literal[
    "choice",
    "multiple_choice",
    "metres",
    "square_metres",
    "degrees",
    "count",
    "clock",
    "point",
    "box",
]
# Rooms are no answers that metrics of questions apply to: their own scorer reads them.
StoredAnswerType = AnswerType | Literal["layout"]


class Question(Record):
    """One line of `results/vqa/{source}/{shard}.jsonl`: a question with structured truth.

    `truth` is in SI units (metres, square metres), degrees, a count or an hour of the clock for
    numbers; one of `choices` for a choice, a letter whose place in `choices` is that of its text
    in `options` for a multiple choice; and "(u, v)" or "(u0, v0, u1, v1)", as shares of the
    picture's width and height, for places.
    """

    schema_version: Literal[2] = 2
    question_id: str
    source: str
    scene_id: str
    split: Split
    view: int
    view_id: str
    image: str = Field(description="path relative to results/vqa")
    images: list[str] = Field(
        default=[], description="the single pictures that `image` shows side by side, if several"
    )
    width_px: int = Field(default=0, description="of the picture that pixels are counted in")
    height_px: int = 0
    family: str
    form: Form
    kind: Literal["yes_no", "which", "multiple_choice", "open"] = "open"
    question: str
    answer: str
    answer_type: StoredAnswerType
    choices: list[str] = Field(description="the possible truths of a choice, else empty")
    options: list[str] = Field(default=[], description="texts of the letters of multiple choice")
    truth: str | float
    unit: str = Field(default="", description="unit of the answer's text: cm, m, in, ft, deg, ...")
    tolerance: float = Field(
        default=0.0, description="how far the text's rounding may be from the truth"
    )
    margin: float = Field(description="how far the truth is from turning over, in the unit named")
    margin_unit: Literal["m", "m2", "px", "ratio", "deg", "count", ""]
    sigma: float = Field(default=0.0, description="standard deviation, in `margin_unit`")
    frame: Literal["picture", "camera", "gravity", "object", ""] = Field(
        default="", description="frame that the answer holds in"
    )
    evidence: dict[str, float] = Field(default={}, description="measured quantities behind it")
    evidence_source: Literal["truth", "measured"] = "truth"
    difficulty: Literal["easy", "medium", "hard"] = "medium"
    reasoning: str = Field(default="", description="steps from the evidence to the answer")
    template: str = Field(
        default="", description="the question before a model put it in other words, '' if none did"
    )
    seed: int = 0
    referents: list[Referent]


Reasoning = Literal["none", "stored", "written", "tagged"]


def training_answer(question: Question, reasoning: Reasoning = "none") -> str:
    """Return what a model is taught to say to a question (`answer_with_steps`)."""
    return answer_with_steps(question.answer, question.reasoning, reasoning)


def answer_with_steps(answer: str, steps: str, reasoning: Reasoning) -> str:
    """Return an answer, after its steps where they are wanted.

    `written` puts them before "Answer: ...", `tagged` between <think> and </think> before
    <answer>...</answer>. A question without steps is answered in the same form.
    """
    if reasoning == "written":
        return f"{steps}\nAnswer: {answer}" if steps else f"Answer: {answer}"
    if reasoning == "tagged":
        return f"<think>{steps}</think>\n<answer>{answer}</answer>"
    return answer


_REFERENT = pa.struct(
    [
        ("instance", pa.int64()),
        ("object_id", pa.string()),
        ("category", pa.string()),
        ("phrase", pa.string()),
        ("mark", pa.string()),
        ("pixel", pa.list_(pa.float64())),
        ("box", pa.list_(pa.float64())),
        ("rle", pa.string()),
    ]
)
# `truth` is a text or a number, and a Parquet column has one type: texts stand in `truth`,
# numbers in `truth_value`, the other one is null.
SCHEMA = pa.schema(
    [
        ("schema_version", pa.int64()),
        ("question_id", pa.string()),
        ("source", pa.string()),
        ("scene_id", pa.string()),
        ("split", pa.string()),
        ("view", pa.int64()),
        ("view_id", pa.string()),
        ("image", pa.string()),
        ("images", pa.list_(pa.string())),
        ("width_px", pa.int64()),
        ("height_px", pa.int64()),
        ("family", pa.string()),
        ("form", pa.string()),
        ("kind", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("answer_type", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("options", pa.list_(pa.string())),
        ("truth", pa.string()),
        ("truth_value", pa.float64()),
        ("unit", pa.string()),
        ("tolerance", pa.float64()),
        ("margin", pa.float64()),
        ("margin_unit", pa.string()),
        ("sigma", pa.float64()),
        ("frame", pa.string()),
        ("evidence", pa.map_(pa.string(), pa.float64())),
        ("evidence_source", pa.string()),
        ("difficulty", pa.string()),
        ("reasoning", pa.string()),
        ("template", pa.string()),
        ("seed", pa.int64()),
        ("referents", pa.list_(_REFERENT)),
    ]
)


# Few enough that reading one row decodes little, many enough that the file's index stays small.
ROWS_PER_GROUP = 4096
# Metadata of the file: a digest of its rows, and how its answers are taught.
DIGEST_KEY, REASONING_KEY = b"content_sha256", b"reasoning"


class QuestionTableWriter:
    """Write questions to a Parquet file batch by batch; use as a context manager.

    The file's metadata hold a digest of all rows, so that nobody has to read them to know whether
    they are others, and how answers are taught (`reasoning`).
    """

    def __init__(self, path: Path, *, reasoning: Reasoning = "none") -> None:
        # Pages carry a checksum: whoever reads a row notices damage without reading the file.
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd", write_page_checksum=True)
        self._reasoning = reasoning
        self._digest = hashlib.sha256(reasoning.encode())

    def add(self, questions: Iterable[Question]) -> None:
        """Append questions as row groups of their own; nothing is written for none."""
        rows = []
        for question in questions:
            self._digest.update(question.model_dump_json().encode())
            row = question.model_dump()
            is_number = not isinstance(question.truth, str)
            row["truth_value"] = row["truth"] if is_number else None
            row["truth"] = None if is_number else row["truth"]
            row["evidence"] = list(row["evidence"].items())
            rows.append(row)
        if rows:
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            self._writer.write_table(table, row_group_size=ROWS_PER_GROUP)

    def __enter__(self) -> "QuestionTableWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.add_key_value_metadata(
            {DIGEST_KEY: self._digest.hexdigest(), REASONING_KEY: self._reasoning}
        )
        self._writer.close()


def merge_truth(row: dict[str, Any]) -> dict[str, Any]:
    """Put the two columns of the truth of a stored row together, if it has them, in place."""
    if "truth_value" in row:
        number = row.pop("truth_value")
        row["truth"] = row["truth"] if number is None else number
    return row


def read_questions(path: Path, *, families: Sequence[str] = ()) -> Iterator[Question]:
    """Yield the questions of a Parquet table in order; `UserError` if it is damaged.

    `families` keeps those of these families; without any, every question is kept.
    """
    check_file(path)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    if families and row["family"] not in families:
                        continue
                    merge_truth(row)
                    row["evidence"] = dict(row["evidence"])
                    yield Question.model_validate(row)
    except (OSError, pa.ArrowInvalid) as error:
        raise damaged(path, f"cannot be read as a table of questions: {error}") from error
