"""Score answers about scans, beside the same model without frames and the commonest answers.

Grounding, captions at a point and questions are scored by published definitions, each protocol by
its name, and by ours. Every sample has exactly one answer under every condition.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.scan_samples import ScanCondition, ScanPrediction, ScanSample
from workflow_scripts.common.storage import read_records
from workflow_scripts.config.evaluate import ScanScoreSettings
from workflow_scripts.evaluate.score_table import LEARNED, ScoreRow, write_scores
from workflow_scripts.evaluate.video.grounding_scores import (
    grounding_scores,
    selection_probability,
)
from workflow_scripts.evaluate.video.majority import majority_predictions
from workflow_scripts.evaluate.video.protocols import has_java
from workflow_scripts.evaluate.video.question_scores import is_typed, question_scores
from workflow_scripts.evaluate.video.rotation_scores import rotation_scores
from workflow_scripts.evaluate.video.sample_scores import (
    SampleScores,
    mean_scores,
    spread_scores,
)
from workflow_scripts.evaluate.video.score_rows import BLIND, MAJORITY, RowTemplate, score_rows
from workflow_scripts.evaluate.video.scored_samples import (
    Scan,
    ScanProposals,
    ScoredSamples,
    read_predictions,
    read_predictions_by_experiment,
    read_proposals,
    read_samples,
    with_proposals,
)
from workflow_scripts.evaluate.video.text_scores import answer_scores, caption_scores

logger = logging.getLogger(__name__)
Measure = Callable[[ScoredSamples, Sequence[ScanPrediction]], dict[str, SampleScores]]
ROTATIONS: tuple[ScanCondition, ...] = ("rotated90", "rotated180", "rotated270")


def score_predictions(
    scored: ScoredSamples,
    predictions: Sequence[ScanPrediction],
    *,
    probability: float | None,
    java: bool = False,
) -> dict[str, SampleScores]:
    """Return every metric of answers to samples of one data set, by name.

    Captions are one corpus, and so are answers in words.

    Args:
        scored: The samples.
        predictions: The answer to each.
        probability: Selection probability of proposals that was chosen on validation samples.
        java: Whether metrics that need Java are measured.
    """
    measures: dict[str, Measure] = {
        "grounding": lambda part, answers: grounding_scores(part, answers, probability),
        "captioning": lambda part, answers: caption_scores(part, answers, java=java),
        "typed": question_scores,
        "text": lambda part, answers: answer_scores(part, answers, java=java),
    }
    parts: dict[str, list[int]] = {}
    for row, sample in enumerate(scored.samples):
        parts.setdefault(_measured_as(sample), []).append(row)
    scores = mean_scores(
        {
            "no_reply_rate": [float(bool(one.reason)) for one in predictions],
            "frames_shown": _counts([one.num_frames for one in predictions]),
            "visual_tokens": _counts([one.num_visual_tokens for one in predictions]),
        }
    )
    for kind, rows in parts.items():
        measured = measures[kind](scored.part(rows), [predictions[row] for row in rows])
        scores |= spread_scores(measured, np.array(rows), len(scored))
    return scores


def _measured_as(sample: ScanSample) -> str:
    if sample.task != "question":
        return sample.task
    return "typed" if is_typed(sample) else "text"


def _counts(values: Sequence[int]) -> np.ndarray:
    """Return counts as numbers, NaN where nobody counted."""
    counts = np.array(values, dtype=np.float64)
    return np.where(counts > 0, counts, np.nan)


@dataclass(frozen=True)
class DataSet:
    """The samples of one data set, what was answered to them, and what is chosen beforehand.

    Attributes:
        scored: The samples.
        answers: The answers to each: `learned`, `blind`, rotations, `majority`.
        compared: Those of other experiments by name.
        probability: Selection probability of proposals, None if nothing was there to choose it on.
    """

    scored: ScoredSamples
    answers: Mapping[str, Sequence[ScanPrediction]]
    compared: Mapping[str, Sequence[ScanPrediction]]
    probability: float | None

    def methods(self, *, java: bool) -> dict[str, dict[str, SampleScores]]:
        """Return the metrics of the model, and of it without frames and of common answers."""
        scores = {
            name: self._scores(answers, java=java and name in (LEARNED, BLIND))
            for name, answers in progress(self.answers.items(), desc="conditions")
        }
        if all(name in scores for name in ROTATIONS):
            names = (LEARNED, *ROTATIONS)
            scores[LEARNED] |= rotation_scores(
                self.scored,
                [self.answers[name] for name in names],
                [scores[name] for name in names],
            )
        if self.probability is not None:
            grounding = [sample.task == "grounding" for sample in self.scored.samples]
            values = np.where(grounding, self.probability, np.nan)
            scores[LEARNED] |= mean_scores({"selection_probability": values})
        return {name: scores[name] for name in (LEARNED, BLIND, MAJORITY) if name in scores}

    def others(self) -> dict[str, dict[str, SampleScores]]:
        """Return the metrics of other experiments by name."""
        return {name: self._scores(answers, java=False) for name, answers in self.compared.items()}

    def _scores(self, answers: Sequence[ScanPrediction], *, java: bool) -> dict[str, SampleScores]:
        return score_predictions(self.scored, answers, probability=self.probability, java=java)


def rows_by_dataset(samples: Sequence[ScanSample]) -> dict[str, list[int]]:
    """Return the numbers of the samples of each data set."""
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        rows.setdefault(sample.dataset, []).append(row)
    return rows


def main(
    *,
    samples: Path,
    proposals: list[Path],
    image: list[Path],
    experiment: str,
    seed: int,
    out: Path,
    settings: ScanScoreSettings,
    blind: tuple[Path, ...] = (),
    rotated90: tuple[Path, ...] = (),
    rotated180: tuple[Path, ...] = (),
    rotated270: tuple[Path, ...] = (),
    compared: tuple[Path, ...] = (),
    training: Path | None = None,
    validation: Path | None = None,
    validation_image: tuple[Path, ...] = (),
    views: tuple[Path, ...] = (),
    frames: Path | None = None,
    plans: Path | None = None,
) -> None:
    """Score what an experiment answered about scans.

    Args:
        samples: JSON lines of the samples of the scored split.
        proposals: Tables of proposals of every shard, in the folder of their source.
        image: Answers of the model that saw the frames.
        experiment: Name of the experiment.
        seed: The workflow's seed.
        out: Parquet file to write, with a CSV file beside it.
        settings: Split, resamples, whether metrics in Java are measured.
        blind: Answers of the same model without frames.
        rotated90: Its answers about the scans turned by 90 degrees; rotations count if all are
            given.
        rotated180: By 180 degrees.
        rotated270: By 270 degrees.
        compared: Answers of other experiments that saw the frames; the gain over each is a row.
        training: JSON lines of the training samples, for the commonest answers.
        validation: JSON lines of validation samples, on which the selection probability of
            proposals is chosen.
        validation_image: Answers of the model to them.
        views: View shards of the scans, for pictures.
        frames: Picture to draw: frames with true and predicted boxes.
        plans: Picture to draw: scans from above with them.
    """
    if settings.java_metrics and not has_java():
        raise UserError(
            "evaluate.java_metrics: true, but Java or pycocoevalcap is missing; install Java and "
            "'pip install pycocoevalcap==1.2', or set it to false"
        )
    known = read_proposals(proposals)
    scored = with_proposals(samples, read_samples(samples, settings.split), known)
    given: dict[ScanCondition, Sequence[Path]] = {
        **{"image": image, "blind": blind, "rotated90": rotated90},
        **{"rotated180": rotated180, "rotated270": rotated270},
    }
    answers: dict[str, list[ScanPrediction]] = {}
    for condition, paths in given.items():
        if paths:
            name = LEARNED if condition == "image" else condition
            answers[name] = read_predictions(paths, scored, condition)
            _warn_of_missing_replies(paths, answers[name])
    if training is not None:
        learned_from = read_records(training, ScanSample)
        answers[MAJORITY] = majority_predictions(scored, learned_from, known)
    others = read_predictions_by_experiment(compared, scored)
    others.pop(experiment, None)
    probabilities = chosen_probabilities(validation, validation_image, known)
    if not probabilities and any(sample.task == "grounding" for sample in scored.samples):
        logger.warning("no validation samples: F1 only at the published selection probabilities")
    template = RowTemplate(experiment, settings.split, settings.bootstrap_samples, seed)
    table: list[ScoreRow] = []
    for dataset, numbers in rows_by_dataset(scored.samples).items():
        part = DataSet(
            scored.part(numbers),
            {name: [all_of[row] for row in numbers] for name, all_of in answers.items()},
            {name: [all_of[row] for row in numbers] for name, all_of in others.items()},
            probabilities.get(dataset),
        )
        methods = part.methods(java=settings.java_metrics)
        table += score_rows(part.scored, methods, part.others(), template)
    num_rows = write_scores(out, table)
    logger.info("%s: %d rows about %d samples", out, num_rows, len(scored))


def chosen_probabilities(
    path: Path | None, image: Sequence[Path], proposals: Mapping[Scan, ScanProposals]
) -> dict[str, float]:
    """Return the selection probability of each data set with validation samples that are answered.

    Without validation samples there is none: it is never chosen on the samples that are scored.
    """
    if path is None or not image:
        return {}
    samples = read_records(path, ScanSample)
    scored = with_proposals(path, samples, proposals)
    predictions = read_predictions(image, scored, "image")
    chosen = {}
    for dataset, rows in rows_by_dataset(samples).items():
        probability = selection_probability(scored.part(rows), [predictions[row] for row in rows])
        if probability is not None:
            chosen[dataset] = probability
            logger.info("%s: boxes are taken up to a probability of %g", dataset, probability)
    return chosen


def _warn_of_missing_replies(paths: Sequence[Path], answers: Sequence[ScanPrediction]) -> None:
    reasons = [answer.reason for answer in answers if answer.reason]
    if reasons:
        where = ", ".join(map(str, paths))
        count, common = len(reasons), most_common_reasons(reasons)
        logger.warning("%s: %d of %d have no answer; %s", where, count, len(answers), common)


if __name__ == "__main__":
    run(main)
