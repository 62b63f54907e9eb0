"""Score reconstructed rooms, beside a blind run, retrieval and measured boxes.

Every reply is brought into the world frame, whatever its format and frame; a room that cannot be
read has missed all of its objects.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.seeds import rng
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.reconstruction.baselines import MeasuredBoxes, Retrieval
from workflow_scripts.evaluate.reconstruction.categories import CategoryNames
from workflow_scripts.evaluate.reconstruction.comparison import compared_rows
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
from workflow_scripts.evaluate.reconstruction.room_tables import RoomTables, view_key
from workflow_scripts.evaluate.reconstruction.room_values import ALL, VISIBLE, Content
from workflow_scripts.evaluate.reconstruction.score_rows import RowTemplate, score_rows
from workflow_scripts.evaluate.reconstruction.sentence_embedder import SentenceEmbedder
from workflow_scripts.evaluate.score_table import LEARNED, write_scores
from workflow_scripts.experiments.reconstruction import ReconstructionScoreSettings

logger = logging.getLogger(__name__)
CONDITIONS = {LEARNED: "image", "blind": "blind", "blank": "blank"}
COLUMNS = ("question_id", "source", "view_id", "image", "referents")


@dataclass(frozen=True)
class ScoredRoom:
    """A question about a room: its id, the picture that was shown, and the truth."""

    question_id: str
    image: str
    true: TrueRoom


def read_questions(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table of questions; `UserError` for a question that occurs twice."""
    rows = list(QuestionTable(path, columns=COLUMNS))
    counts = Counter(row["question_id"] for row in rows)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise UserError(f"{path}: {twice[0]} occurs twice; remove it and run its rule again")
    if not rows:
        raise UserError(
            f"{path}: no rooms to score. More houses, or a larger share for the scored split "
            "(config: sources, splits), give some."
        )
    return rows


def scored_rooms(
    path: Path,
    questions: Sequence[Mapping[str, Any]],
    tables: RoomTables,
    settings: LayoutTextSettings,
) -> list[ScoredRoom]:
    """Return the rooms that a table of questions is about, in its order."""
    rooms = []
    for row in questions:
        record = tables.scored.get((row["source"], row["view_id"]))
        if record is None:
            raise UserError(
                f"{path}: {row['question_id']} is about view {row['view_id']}, of which no "
                "table of rooms has a record; run the rules of stage vqa again"
            )
        marked = {item["object_id"] for item in row["referents"] if item["mark"]}
        true = true_room(record, tables.names, settings, marked=marked)
        rooms.append(ScoredRoom(row["question_id"], row["image"], true))
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
    tables: RoomTables,
    measured: Sequence[Path],
    settings: LayoutTextSettings,
) -> dict[str, list[RoomPair]]:
    """Return the answers that need no model; a baseline that lacks a room is left out."""
    records = [room.true.record for room in rooms]
    policies = {record.policy for record in records}
    alike = [view for view in tables.training if view.policy in policies]
    retrieval = Retrieval(alike or tables.training)
    boxes = MeasuredBoxes(measured, {view_key(record) for record in records})
    answers: dict[str, list[PredictedRoom | None]] = {
        "retrieval": retrieval.answers(records, tables.names, settings),
        "measured": [boxes.answer(record, tables.names, settings) for record in records],
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
    tables: RoomTables, settings: ReconstructionScoreSettings
) -> LanguageMetrics | None:
    """Return what measures phrases; None where objects are not called by phrases.

    With an embedder, an asset that a program names is called by its caption.
    """
    names_assets = settings.layout.format == "r2d3" and settings.embedder is not None
    if not settings.layout.phrases and not names_assets:
        return None
    known = KnownPhrases.of(tables.phrases.elements())
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
    compared: tuple[Path, ...] = (),
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
        compared: What other experiments answered to their pictures; the gain over each is a row.
        images: Folder that the pictures of questions are relative to.
        plans: Picture to draw: some rooms from above, true and predicted.
    """
    rows = read_questions(questions)
    tables = RoomTables(rooms, {(row["source"], row["view_id"]) for row in rows})
    scored = scored_rooms(questions, rows, tables, settings.layout)
    methods = {
        method: read_condition(paths, scored, settings, tables.names)
        for method, paths in zip(CONDITIONS, (image, blind, blank), strict=True)
    }
    written = [pair.predicted for pairs in methods.values() for pair in pairs]
    content = Content.of(written)
    methods |= baselines(scored, tables, measured, settings.layout)
    headline = [VISIBLE, ALL] if settings.layout.objects == "all" else [VISIBLE]
    resample = SceneBootstrap(
        [room.true.house for room in scored],
        resamples=settings.bootstrap_samples,
        rng=rng(seed, "bootstrap", "rooms"),
    )
    language = language_metrics(tables, settings)
    scores: dict[str, dict[Key, MethodScore]] = {
        method: score_method(
            pairs,
            content,
            resample,
            detection_groups=headline,
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
    beside = compared_rows(
        compared,
        [room.question_id for room in scored],
        methods[LEARNED],
        content,
        tables.names,
        template,
        settings,
        seed,
    )
    num_rows = write_scores(out, chain(score_rows(scores, resample, template, categories), beside))
    if plans is not None:
        draw_plans(plans, methods[LEARNED], [images / room.image for room in scored], experiment)
    logger.info("%s: %d rows about %d rooms", out, num_rows, len(scored))


if __name__ == "__main__":
    run(main)
