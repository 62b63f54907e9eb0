"""Answers that look at nothing: for each type of question what training samples say most often."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from workflow_scripts.common.scan_samples import ScanPrediction, ScanSample
from workflow_scripts.evaluate.video.grounding_scores import MajorityObjects
from workflow_scripts.evaluate.video.question_scores import is_typed
from workflow_scripts.evaluate.video.scored_samples import Scan, ScanProposals, ScoredSamples

MAJORITY = "majority"
UNKNOWN = "no training sample of this type"


def majority_predictions(
    scored: ScoredSamples,
    training: Sequence[ScanSample],
    proposals: Mapping[Scan, ScanProposals],
) -> list[ScanPrediction]:
    """Return the commonest training answer to each sample, as predictions.

    Of objects it is how often each category, or none, is meant. A type of question that is not
    in training has no answer. Of equally common ones it is the text that sorts first.
    """
    texts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for sample in training:
        if sample.task != "grounding":
            texts[_kind(sample)][_answer(sample)] += 1
    objects = MajorityObjects(training, proposals)
    predictions = []
    for sample, candidates in zip(scored.samples, scored.proposals, strict=True):
        scores, text = None, ""
        if sample.task == "grounding":
            scores = objects.scores(sample, candidates)
        else:
            counts = texts[_kind(sample)]
            text = min(counts, key=lambda one: (-counts[one], one), default="")
        predictions.append(
            ScanPrediction(
                experiment=MAJORITY,
                condition="blind",
                sample_id=sample.sample_id,
                text=text,
                scores=scores or [],
                reason="" if scores or text else UNKNOWN,
            )
        )
    return predictions


def _kind(sample: ScanSample) -> tuple[str, str]:
    return sample.dataset, sample.question_type


def _answer(sample: ScanSample) -> str:
    """Return what is counted: a letter or number as it is scored, else the text that is taught."""
    return str(sample.truth) if is_typed(sample) else sample.answer
