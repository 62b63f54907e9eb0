"""Score reconstructed rooms, beside the same model without eyes, retrieval and measured boxes.

Every reply is brought into the world frame, whatever its format and frame; a room that cannot be
read has missed all of its objects.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.seeds import rng
from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.reconstruction.baselines import MeasuredBoxes, Retrieval
from workflow_scripts.evaluate.reconstruction.categories import CategoryNames
from workflow_scripts.evaluate.reconstruction.language_metrics import (
    KnownPhrases,
    LanguageMetrics,
)
from workflow_scripts.evaluate.reconstruction.method_scores import Key, MethodScore, score_method
from workflow_scripts.evaluate.reconstruction.plan_picture import draw_plans
from workflow_scripts.evaluate.reconstruction.room_pair import (
    PredictedRoom,
    RoomPair,
    TrueRoom,
    read_prediction,
    read_replies,
    true_room,
)
from workflow_scripts.evaluate.reconstruction.room_values import ALL, VISIBLE, Content
from workflow_scripts.evaluate.reconstruction.score_rows import RowTemplate, score_rows
from workflow_scripts.evaluate.reconstruction.sentence_embedder import SentenceEmbedder
from workflow_scripts.evaluate.score_table import LEARNED, write_scores
from workflow_scripts.experiments.reconstruction import ReconstructionScoreSettings
from workflow_scripts.layouts.answer_format import noun
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms

logger = logging.getLogger(__name__)
CONDITIONS = {LEARNED: "image", "blind": "blind", "blank": "blank"}
COLUMNS = ("question_id", "source", "view_id", "image")


@dataclass(frozen=True)
class ScoredRoom:
    """A question about a room: its id, the picture that was shown, and the truth."""

    question_id: str
    image: str
    true: TrueRoom


def read_records(paths: Sequence[Path]) -> dict[tuple[str, str], RoomRecord]:
    """Return the records of tables by source and view id."""
    records: dict[tuple[str, str], RoomRecord] = {}
    for path in paths:
        for record in read_rooms(path):
            key = (record.source, record.view_id)
            if key in records:
                raise UserError(
                    f"{path}: view {record.view_id} is there twice; remove the tables of rooms "
                    "and run their rules again"
                )
            records[key] = record
    return records


def scored_rooms(
    questions: Path, records: dict[tuple[str, str], RoomRecord], names: CategoryNames
) -> list[ScoredRoom]:
    """Return the rooms that a table of questions is about, in its order."""
    rooms = []
    seen: set[str] = set()
    for row in QuestionTable(questions, columns=COLUMNS):
        record = records.get((row["source"], row["view_id"]))
        if record is None:
            raise UserError(
                f"{questions}: {row['question_id']} is about view {row['view_id']}, of which no "
                "table of rooms has a record; run the rules of stage vqa again"
            )
        if row["question_id"] in seen:
            raise UserError(f"{questions}: {row['question_id']} is there twice; make it again")
        seen.add(row["question_id"])
        rooms.append(ScoredRoom(row["question_id"], row["image"], true_room(record, names)))
    if not rooms:
        raise UserError(
            f"{questions}: no rooms to score. More houses, or a larger share for the scored split "
            "(config: sources, splits), give some."
        )
    return rooms


def read_condition(
    paths: Sequence[Path],
    rooms: Sequence[ScoredRoom],
    settings: ReconstructionScoreSettings,
    names: CategoryNames,
) -> list[RoomPair]:
    """Return the rooms beside what a model wrote about them under a condition."""
    replies = read_replies(paths, [room.question_id for room in rooms])
    pairs = []
    reasons: Counter[str] = Counter()
    for room in rooms:
        reply = replies[room.question_id]
        predicted = read_prediction(
            reply.text, settings.layout, room.true.record, names, reason=reply.reason
        )
        pairs.append(RoomPair(room.true, predicted))
        if not predicted.is_read:
            reasons[predicted.reason] += 1
    for reason, count in reasons.most_common(5):
        logger.warning("%s: %d replies cannot be read: %s", paths[0], count, reason)
    return pairs


def baselines(
    rooms: Sequence[ScoredRoom],
    records: Sequence[RoomRecord],
    measured: Sequence[Path],
    settings: ReconstructionScoreSettings,
    names: CategoryNames,
) -> dict[str, list[RoomPair]]:
    """Return the answers that need no model; a baseline that lacks a room is left out."""
    policies = {room.true.record.policy for room in rooms}
    training = [
        record for record in records if record.split == "train" and record.policy in policies
    ]
    retrieval = Retrieval(training)
    boxes = MeasuredBoxes(measured)
    answers: dict[str, list[PredictedRoom | None]] = {
        "retrieval": [retrieval.answer(room.true.record, names, settings.layout) for room in rooms],
        "measured": [boxes.answer(room.true.record, names, settings.layout) for room in rooms],
    }
    known = {}
    for name, values in answers.items():
        pairs = [
            RoomPair(room.true, value)
            for room, value in zip(rooms, values, strict=True)
            if value is not None
        ]
        if len(pairs) == len(rooms):
            known[name] = pairs
        else:
            count = len(rooms) - len(pairs)
            logger.warning("baseline %s is left out: %d rooms have none", name, count)
    return known


def language_metrics(
    records: Sequence[RoomRecord], settings: ReconstructionScoreSettings
) -> LanguageMetrics | None:
    """Return what measures phrases; None where objects are not called by phrases."""
    if not settings.layout.phrases:
        return None
    known = KnownPhrases.of(
        (item.phrase or noun(item.category), item.category, item.asset_id)
        for record in records
        for item in record.objects
    )
    embedder = SentenceEmbedder(Path(settings.embedder)) if settings.embedder else None
    return LanguageMetrics(known, embedder)


def main(
    *,
    questions: Path,
    rooms: list[Path],
    image: list[Path],
    blind: list[Path],
    blank: list[Path],
    experiment: str,
    seed: int,
    out: Path,
    settings: ReconstructionScoreSettings,
    measured: tuple[Path, ...] = (),
    images: Path = Path("results/vqa"),
    plans: Path | None = None,
) -> None:
    """Score what an experiment wrote about rooms.

    Args:
        questions: Parquet table of the prompts that were answered.
        rooms: Tables of room records of every shard, of all splits.
        image: Predictions of the model that saw the pictures.
        blind: Predictions of the same model asked without pictures.
        blank: Predictions of the same model shown grey pictures.
        experiment: Name of the experiment.
        seed: The workflow's seed.
        out: Parquet file to write, with a CSV file beside it.
        settings: Format of the replies, split, resamples, which metrics.
        measured: Tables of measured objects of the shards, each with its gravity table beside it.
        images: Folder that the pictures of questions are relative to.
        plans: Picture to draw: some rooms from above, true and predicted.
    """
    records = read_records(rooms)
    names = CategoryNames(records.values())
    scored = scored_rooms(questions, records, names)
    methods = {
        method: read_condition(paths, scored, settings, names)
        for method, paths in zip(CONDITIONS, (image, blind, blank), strict=True)
    }
    written = [pair.predicted for pairs in methods.values() for pair in pairs]
    has_yaws = settings.layout.format != "object_list" or "yaw" in settings.layout.fields
    content = Content.of(written, yaws=has_yaws)
    methods |= baselines(scored, list(records.values()), measured, settings, names)
    headline = VISIBLE if settings.layout.objects == "visible" else ALL
    resample = SceneBootstrap(
        [room.true.house for room in scored],
        resamples=settings.bootstrap_samples,
        rng=rng(seed, "bootstrap", "rooms"),
    )
    language = language_metrics(list(records.values()), settings)
    scores: dict[str, dict[Key, MethodScore]] = {
        method: score_method(
            pairs,
            content,
            resample,
            detection_groups=sorted({headline, VISIBLE}),
            published=settings.published_metrics,
            language=language,
        )
        for method, pairs in progress(methods.items(), desc="methods", total=len(methods))
    }
    categories = {
        box.label: box.label
        for room in scored
        for box, is_seen in zip(room.true.layout.boxes, room.true.visible, strict=True)
        if is_seen
    }
    template = RowTemplate(experiment, settings.split, headline)
    num_rows = write_scores(out, score_rows(scores, resample, template, categories))
    if plans is not None:
        draw_plans(plans, methods[LEARNED], [images / room.image for room in scored], experiment)
    logger.info("%s: %d rows about %d rooms", out, num_rows, len(scored))


if __name__ == "__main__":
    run(main)
