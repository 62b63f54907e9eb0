"""Questions about scans as a reader of their words sees them (`vqa/solvable_questions.py`)."""

import re
from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.answer_balance import OPPOSITES
from workflow_scripts.vqa.solvable_questions import (
    QuestionSummary,
    SolvableHandling,
    SummarizedReferent,
    TextOnlyRow,
    TextOnlySurvey,
)

_OF_TWO = re.compile(r"the ([^,?:]+?),? (?:or|and) the ([^,?:]+?)(?:\?|, which)")
# A free text is one of the texts that are the answer somewhere.
_ANSWER_TYPES: dict[str, AnswerType] = {
    **{"text": "choice", "choice": "choice", "count": "count"},
    **{"metres": "metres", "square_metres": "square_metres", "centimetres": "metres"},
}


def summary_of(sample: ScanSample) -> QuestionSummary:
    """Return a question about a scan as `TextOnlySurvey` takes it.

    Its kind is what its words say of how it is answered: with one of two things that they name,
    or with one of two opposites. So an answer is only compared with those that could be given.
    """
    kind, choices = "", []
    pair = _OF_TWO.search(sample.text)
    truth = sample.truth
    if pair is not None and truth in pair.groups():
        kind, choices = "which", list(pair.groups())
    elif truth in OPPOSITES:
        kind = "/".join(sorted((str(truth), OPPOSITES[str(truth)])))
    return QuestionSummary(
        question_id=sample.sample_id,
        source=sample.source,
        scene_id=sample.scene_id,
        split=sample.split,
        family=sample.question_type,
        form="",
        kind=kind,
        question=f"{sample.situation} {sample.text}".strip(),
        answer_type=_ANSWER_TYPES[sample.answer_type],
        choices=choices,
        truth=truth,
        referents=[SummarizedReferent(phrase=name) for name in choices],
    )


def choose_samples(
    samples: Sequence[ScanSample], handling: SolvableHandling, *, seed: int
) -> tuple[np.ndarray, list[TextOnlyRow]]:
    """Return which samples are kept [n] bool, and what words alone score on the questions.

    Of generated questions, those that words answer are left out as `handling` says; the other
    samples are kept: descriptions, captions and published annotations.
    """
    is_kept = np.ones(len(samples), dtype=bool)
    rows = [
        row
        for row, sample in enumerate(samples)
        if sample.task == "question" and sample.dataset == "generated"
    ]
    survey = TextOnlySurvey(seed)
    for row in rows:
        survey.add(summary_of(samples[row]))
    is_kept[rows], scores = survey.choose(handling)
    return is_kept, scores
