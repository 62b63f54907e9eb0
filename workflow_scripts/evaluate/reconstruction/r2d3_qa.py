"""Score answers to questions of R2D3 and SAT, by the published definitions and corrected.

    python -m workflow_scripts.evaluate.reconstruction.r2d3_qa --answers answers.jsonl --out qa.csv

A line of the file is `{"metric": "ReasoningAccuracy", "type": "...", "answer": "...", "prediction":
"..."}`; `wrong` may list the wrong options. What is wrong with the published metrics, each beside
its corrected twin (`corrected_{metric}`):

- QAAccuracy repairs the beginnings of replies by a list that grew with one model (here "ight" to
  "right" alone) and asks for the same text in lower case. Corrected: the same words, but for case,
  signs, articles and a leading "the answer is".
- QA_Accuracy_choice takes the first word for the letter. Corrected: the letter in brackets, before
  a sign, or alone.
- ReasoningAccuracy is right if one text contains the other, so that an empty reply is right. Its
  variant for questions with wrong options (VSR) is wrong if the reply contains one of them, and
  has the accuracy of a random choice beside it. Corrected: the answer's words stand in the reply
  in a row, and no wrong option does.
- ReconQAAcc compares places of centimetres within 0.1; its class is right where the reply does not
  say of a present object that it is not. Corrected: within 10 % of the distance from the camera,
  25 cm at least.
- PreciseAcc is right within 100 cm; its mean distance leaves out what cannot be read. Corrected:
  also within 100 cm, and what cannot be read is wrong; the distance is a median over all, infinite
  for those.

A model's state is not kept: the same file has the same scores, however often it is scored.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, validation_problems
from workflow_scripts.common.records import Record
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.text_files import read_text
from workflow_scripts.evaluate.reconstruction.categories import normalised_phrase
from workflow_scripts.geometry.cameras import FloatArray

log = logging.getLogger(__name__)
PRECISE_CM = 100.0
RECON_ATOL_CM = 0.1
RECON_SHARE, RECON_LEAST_CM = 0.1, 25.0
ABSENT = ("no", "not present")
Metric = Literal[
    "QAAccuracy", "QA_Accuracy_choice", "ReasoningAccuracy", "ReconQAAcc", "PreciseAcc"
]
_NUMBER = r"[-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?"
_PLACE = re.compile(rf"[(\[]\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*[)\]]")
_LETTER = re.compile(r"\s*(?:[(\[]([A-Za-z])[)\]]|([A-Za-z])(?=[.):,\s]|$))")
_LEADING = re.compile(r"(?:the )?(?:correct )?answer(?: is)?:?\s+", re.IGNORECASE)


class QaAnswer(Record):
    """A line of a file of answers."""

    metric: Metric
    type: str = Field(default="all", description="data set or type of the question")
    answer: str
    prediction: str
    wrong: tuple[str, ...] = Field(default=(), description="the wrong options")


def qa_accuracy(prediction: str, answer: str) -> float:
    """Return the published QAAccuracy of one reply."""
    text = prediction.strip().lower()
    if text.startswith("ight"):
        text = f"r{text}"
    return float(text == answer.strip().lower())


def qa_accuracy_choice(prediction: str, answer: str) -> float:
    """Return the published QA_Accuracy_choice: the first word is the letter."""
    words = prediction.split()
    return float(bool(words) and words[0] == answer.strip())


def reasoning_accuracy(prediction: str, answer: str) -> float:
    """Return the published ReasoningAccuracy: either text contains the other."""
    text, truth = prediction.strip().lower(), answer.strip().lower()
    return float(truth in text or text in truth)


def reasoning_accuracy_vsr(prediction: str, answer: str, wrong: Iterable[str]) -> float:
    """Return the published ReasoningAccuracy of VSR: a wrong option in the reply is wrong."""
    text = prediction.strip().lower()
    has_wrong = any(option.strip().lower() in text for option in wrong)
    return 0.0 if has_wrong else reasoning_accuracy(prediction, answer)


def recon_qa_class(prediction: str, answer: str) -> float:
    """Return the published class accuracy of ReconQAAcc: is presence or absence right."""
    return float(_is_absent(prediction) == _is_absent(answer))


def recon_qa_accuracy(prediction: str, answer: str) -> float:
    """Return the published ReconQAAcc: of an absent object that it is, else the place in cm."""
    truth = read_place(answer)
    if truth is None:
        return float(_is_absent(prediction))
    place = read_place(prediction)
    return float(place is not None and np.allclose(place, truth, atol=RECON_ATOL_CM))


def precise_accuracy(prediction: str, answer: str) -> float:
    """Return the published PreciseAcc: within 100 cm; NaN where no place can be read."""
    distance = distance_cm(prediction, answer)
    return float(distance < PRECISE_CM) if np.isfinite(distance) else float("nan")


def distance_cm(prediction: str, answer: str) -> float:
    """Return the distance of a reply's place from the true one; infinite where there is none."""
    place, truth = read_place(prediction), read_place(answer)
    if place is None or truth is None:
        return float("inf")
    return float(np.linalg.norm(place - truth))


def corrected_qa_accuracy(prediction: str, answer: str) -> float:
    """Return whether the words are the same."""
    words = normalised_phrase(_LEADING.sub("", prediction, count=1))
    return float(bool(words) and words == normalised_phrase(answer))


def corrected_choice(prediction: str, answer: str) -> float:
    """Return whether the letter is the same."""
    match = _LETTER.match(_LEADING.sub("", prediction, count=1))
    letter = (match[1] or match[2]) if match else ""
    return float(letter.upper() == answer.strip().strip("()").upper() != "")


def corrected_reasoning(prediction: str, answer: str, wrong: Iterable[str] = ()) -> float:
    """Return whether the reply says the answer and none of the wrong options."""
    text = f" {normalised_phrase(prediction)} "
    truth = normalised_phrase(answer)
    # A wrong option that is part of the answer ("left" of "left by 10 degrees") says nothing.
    others = {normalised_phrase(option) for option in wrong} - {truth, ""}
    rest = text.replace(f" {truth} ", "  ") if truth else text
    said = bool(truth) and f" {truth} " in text
    return float(said and not any(f" {option} " in rest for option in others))


def corrected_recon(prediction: str, answer: str) -> float:
    """Return whether the place is right to a tenth of its distance, or the absence is."""
    truth = read_place(answer)
    if truth is None:
        return float(_is_absent(prediction))
    limit = max(RECON_LEAST_CM, RECON_SHARE * float(np.linalg.norm(truth)))
    return float(distance_cm(prediction, answer) <= limit)


def corrected_precise(prediction: str, answer: str) -> float:
    """Return whether the place is within 100 cm; what cannot be read is not."""
    return float(distance_cm(prediction, answer) < PRECISE_CM)


def read_place(text: str) -> FloatArray | None:
    """Return the first "(x, y, z)" of a text; None without one."""
    match = _PLACE.search(text)
    return None if match is None else np.array([float(number) for number in match.groups()])


def _is_absent(text: str) -> bool:
    words = normalised_phrase(text)
    return words.startswith("no ") or words in ABSENT or "not present" in words


PUBLISHED: Mapping[Metric, Callable[[str, str], float]] = {
    "QAAccuracy": qa_accuracy,
    "QA_Accuracy_choice": qa_accuracy_choice,
    "ReasoningAccuracy": reasoning_accuracy,
    "ReconQAAcc": recon_qa_accuracy,
    "PreciseAcc": precise_accuracy,
}
CORRECTED: Mapping[Metric, Callable[[str, str], float]] = {
    "QAAccuracy": corrected_qa_accuracy,
    "QA_Accuracy_choice": corrected_choice,
    "ReconQAAcc": corrected_recon,
    "PreciseAcc": corrected_precise,
}


def score_answers(answers: Iterable[QaAnswer], *, published: bool = True) -> pd.DataFrame:
    """Return metric, type, n and value: each type, and all of them."""
    rows: list[tuple[str, str, float]] = []
    distances = []
    for row in answers:
        text, truth = row.prediction, row.answer
        if row.metric == "ReasoningAccuracy":
            value = corrected_reasoning(text, truth, row.wrong)
        else:
            value = CORRECTED[row.metric](text, truth)
        rows.append((f"corrected_{row.metric}", row.type, value))
        if row.metric == "PreciseAcc":
            distances.append(("corrected_PreciseDistance_cm", row.type, distance_cm(text, truth)))
        if published:
            rows.append((row.metric, row.type, PUBLISHED[row.metric](text, truth)))
            rows += _published_beside(row)
    parts = []
    for values, statistic in ((rows, "mean"), (distances, "median")):
        frame = pd.DataFrame(values, columns=["metric", "type", "value"])
        for grouped in (frame, frame.assign(type="all")):
            groups = grouped.groupby(["metric", "type"], sort=False)["value"]
            parts.append(groups.agg(n="count", value=statistic).reset_index())
    joined = pd.concat(parts).drop_duplicates(["metric", "type"])
    return joined.sort_values(["metric", "type"]).reset_index(drop=True)


def _published_beside(row: QaAnswer) -> list[tuple[str, str, float]]:
    """Return what is published beside the metric of an answer: metric, type and value."""
    text, truth = row.prediction, row.answer
    if row.metric == "ReasoningAccuracy" and row.wrong:
        chance = 1 / (1 + len(row.wrong))
        vsr = reasoning_accuracy_vsr(text, truth, row.wrong)
        return [
            ("ReasoningAccuracyVSR", row.type, vsr),
            ("RandomChoiceAccuracy", row.type, chance),
        ]
    if row.metric == "ReconQAAcc":
        return [("ReconQAClassAcc", row.type, recon_qa_class(text, truth))]
    if row.metric == "PreciseAcc" and np.isfinite(distance_cm(text, truth)):
        return [("PreciseDistance_cm", row.type, distance_cm(text, truth))]
    return []


def read_answers(path: Path) -> list[QaAnswer]:
    """Read a file of answers; `UserError` names the line and what does not fit."""
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            try:
                rows.append(QaAnswer.model_validate_json(line))
            except ValidationError as error:
                problems = "; ".join(validation_problems(error))
                raise UserError(f"{path}, line {number}: no answer: {problems:.300}") from None
    if not rows:
        raise UserError(f"{path}: no answers to score; it needs a JSON object a line")
    return rows


def main(*, answers: Path, out: Path, published: bool = True) -> None:
    """Score answers to questions of R2D3.

    Args:
        answers: JSON lines with metric, answer, prediction, and perhaps type and wrong.
        out: CSV file to write.
        published: Whether the published metrics stand beside the corrected ones.
    """
    rows = read_answers(answers)
    scores = score_answers(rows, published=published)
    with atomic_write(out) as partial:
        scores.to_csv(partial, index=False, float_format="%.6f")
    log.info("%s: %d scores of %d answers", out, len(scores), len(rows))


if __name__ == "__main__":
    run(main)
