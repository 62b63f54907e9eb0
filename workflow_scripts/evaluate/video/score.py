"""Score answers about scans, beside the same model without frames and the commonest answers.

Grounding, captions at a point and questions are scored by published definitions, each protocol by
its name, and by ours. Every sample has exactly one answer under every condition.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.scan_samples import ScanCondition, ScanPrediction, ScanSample
from workflow_scripts.common.storage import read_records
from workflow_scripts.config.evaluate import ScanScoreSettings
from workflow_scripts.config.scan_inputs import SampleSelection
from workflow_scripts.evaluate.score_table import LEARNED, ScoreRow, write_scores
from workflow_scripts.evaluate.video.dataset_scores import DataSet, rows_by_dataset
from workflow_scripts.evaluate.video.frame_picture import draw_frames
from workflow_scripts.evaluate.video.grounding_scores import selection_probability
from workflow_scripts.evaluate.video.majority import MAJORITY, majority_predictions
from workflow_scripts.evaluate.video.plan_picture import draw_plans
from workflow_scripts.evaluate.video.protocols import has_java
from workflow_scripts.evaluate.video.score_rows import RowTemplate, score_rows
from workflow_scripts.evaluate.video.scored_samples import (
    Scan,
    ScanProposals,
    read_predictions,
    read_predictions_by_experiment,
    read_proposals,
    read_samples,
    select_samples,
    with_proposals,
)
from workflow_scripts.evaluate.video.shown_samples import shown_samples

logger = logging.getLogger(__name__)


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
        settings: Split, tasks, resamples, whether metrics in Java are measured.
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
    every_sample = read_samples(samples, settings.split)
    scored = with_proposals(samples, select_samples(samples, every_sample, settings), known)
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
    not_scored = {one.sample_id for one in every_sample if not settings.takes(one)}
    others = read_predictions_by_experiment(compared, scored, not_scored)
    others.pop(experiment, None)
    if validation is not None and settings.split == "val":
        logger.warning("validation samples are scored themselves: nothing is chosen on them")
        validation = None
    probabilities = chosen_probabilities(validation, validation_image, known, settings)
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
    if frames is not None or plans is not None:
        shown = shown_samples(
            views, scored, answers[LEARNED], next(iter(probabilities.values()), None)
        )
        if frames is not None:
            draw_frames(frames, shown, experiment)
        if plans is not None:
            draw_plans(plans, shown, experiment)
    logger.info("%s: %d rows about %d samples", out, num_rows, len(scored))


def chosen_probabilities(
    path: Path | None,
    image: Sequence[Path],
    proposals: Mapping[Scan, ScanProposals],
    selection: SampleSelection,
) -> dict[str, float]:
    """Return the selection probability of each data set with validation samples that are answered.

    Without validation samples there is none: it is never chosen on the samples that are scored.
    """
    if path is None or not image:
        return {}
    samples = [one for one in read_records(path, ScanSample) if selection.takes(one)]
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
