"""What other experiments wrote about the same rooms, and the scores beside theirs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import iterate_records
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.reconstruction.categories import CategoryNames
from workflow_scripts.evaluate.reconstruction.method_scores import score_method
from workflow_scripts.evaluate.reconstruction.room_pair import (
    PredictedRoom,
    RoomPair,
    read_prediction,
)
from workflow_scripts.evaluate.reconstruction.room_values import Content
from workflow_scripts.evaluate.reconstruction.score_rows import RowTemplate, comparison_rows
from workflow_scripts.evaluate.score_table import ScoreRow
from workflow_scripts.experiments.reconstruction import ReconstructionScoreSettings


def read_compared(paths: Sequence[Path], names: Sequence[str]) -> dict[str, dict[str, Prediction]]:
    """Return the replies of experiments by their names and the ids of questions.

    Raises `UserError` for an experiment without replies.
    """
    replies: dict[str, dict[str, Prediction]] = {name: {} for name in names}
    for path in paths:
        for row in iterate_records(path, Prediction):
            replies.setdefault(row.experiment, {})[row.question_id] = row
    for name in names:
        if not replies[name]:
            raise UserError(
                f"{', '.join(map(str, paths))}: no answers of experiment {name}, which "
                "compare_with names; remove them and run their rule again"
            )
    return replies


def compared_rows(
    paths: Sequence[Path],
    question_ids: Sequence[str],
    ours: Sequence[RoomPair],
    content: Content,
    names: CategoryNames,
    template: RowTemplate,
    settings: ReconstructionScoreSettings,
    seed: int,
) -> Iterator[ScoreRow]:
    """Yield the headline scores beside those of every compared experiment.

    Both are scored on the rooms that both were asked about, by the truth of this experiment, so
    that the same objects count as visible.

    Args:
        paths: What the compared experiments answered to their pictures.
        question_ids: The rooms of `ours`.
        ours: What this experiment wrote of each room.
        content: What its answers say of objects.
        names: Categories and assets.
        template: What all rows of this experiment have in common.
        settings: Layouts of the compared experiments by name, resamples.
        seed: Seed of the workflow.
    """
    replies = read_compared(paths, tuple(settings.compared_layouts)) if paths else {}
    for name, layout in settings.compared_layouts.items():
        beside = [
            (own, RoomPair(own.true, _prediction(replies[name][key], layout, own, names)))
            for key, own in zip(question_ids, ours, strict=True)
            if key in replies[name]
        ]
        if not beside:
            raise UserError(
                f"compare_with: {name} was asked about none of the rooms of {template.experiment}"
            )
        own_pairs, other_pairs = zip(*beside, strict=True)
        resample = SceneBootstrap(
            [pair.true.house for pair in own_pairs],
            resamples=settings.bootstrap_samples,
            rng=rng(seed, "bootstrap", "rooms"),
        )
        other_content = Content.of(pair.predicted for pair in other_pairs)
        groups = list(template.headline_groups)
        own_scores, other_scores = (
            score_method(pairs, said, resample, detection_groups=groups, published=False)
            for pairs, said in ((own_pairs, content), (other_pairs, other_content))
        )
        yield from comparison_rows(own_scores, other_scores, name, resample, template)


def _prediction(
    reply: Prediction, layout: LayoutTextSettings, own: RoomPair, names: CategoryNames
) -> PredictedRoom:
    return read_prediction(reply.text, layout, own.true.record, names, reason=reply.reason)
