"""Ask questions about the views of one shard: records, pictures with marks, and a gallery."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.measurements import GroundTruthShard, MeasuredShard
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions, Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import atomic_write, read_table, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import QuestionSettings
from workflow_scripts.vqa.answer_options import NumericTruth, add_options
from workflow_scripts.vqa.category_options import add_category_options
from workflow_scripts.vqa.drawing import IMAGE_SUFFIXES, draw_annotations, save_jpeg
from workflow_scripts.vqa.drop_records import drop_records
from workflow_scripts.vqa.gallery import draw_gallery
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.pair_question_generator import (
    PairQuestionGenerator,
    ViewAndContext,
    generate_pair_questions,
    show_same_room,
)
from workflow_scripts.vqa.pointing import MIN_SIDE_PX, choose_marks, is_large_enough
from workflow_scripts.vqa.question_generator import QuestionGenerator
from workflow_scripts.vqa.question_record import build_question_record
from workflow_scripts.vqa.sampling import DropCounts
from workflow_scripts.vqa.view_context import ViewContext, ViewContexts
from workflow_scripts.vqa.view_overlap import overlap_problem

log = logging.getLogger(__name__)
NOT_CHOSEN = "frame of a scan that was not chosen"
TOO_SMALL = f"object narrower or lower than {MIN_SIDE_PX} px"


def generate_shard_questions(
    shard: ViewShard,
    rows: pd.DataFrame,
    view_contexts: ViewContexts,
    generator: QuestionGenerator,
    pair_generator: PairQuestionGenerator,
    *,
    images: Path,
    image_prefix: str,
    forms: tuple[Form, ...],
    seed: int,
    truths: dict[str, NumericTruth],
) -> Iterator[Question]:
    """Yield the questions of some views in order, and save the pictures they are about.

    `rows` are those views' rows of the shard's views table.

    Multiple choices of numbers and of what a thing is come without their options; `truths` takes
    the right values of the numbers by question id.

    Questions about a view and the one before it, if both show the same room, follow its own. An
    image is saved to `images` only if a question needs it, and named `{image_prefix}/{file}` in
    records.
    """
    previous: ViewAndContext | None = None
    errors = ItemErrors()
    count = 0
    for row in progress(rows.itertuples(index=False), desc="views", total=len(rows)):
        try:
            view_context = view_contexts.of(row.view)
            questions = list(
                generate_view_questions(
                    shard,
                    row,
                    view_context,
                    generator,
                    images=images,
                    image_prefix=image_prefix,
                    forms=forms,
                    seed=seed,
                    truths=truths,
                )
            )
            if (
                previous is not None
                and pair_generator.is_enabled
                and show_same_room(previous, (row, view_context))
            ):
                reason = overlap_problem(shard, previous[1], view_context)
                if reason:
                    pair_generator.dropped["", "", reason] += 1
                else:
                    questions += generate_pair_questions(
                        shard,
                        pair_generator,
                        previous,
                        (row, view_context),
                        images=images,
                        prefix=image_prefix,
                        forms=forms,
                        seed=seed,
                    )
        except Exception as error:
            generator.dropped["", "", f"view left out: {errors.reason(error, row.view_id)}"] += 1
            previous = None
            continue
        yield from questions
        count += len(questions)
        previous = row, view_context
    errors.require_some(count)


def generate_view_questions(
    shard: ViewShard,
    row: Any,
    view_context: ViewContext,
    generator: QuestionGenerator,
    *,
    images: Path,
    image_prefix: str,
    forms: tuple[Form, ...],
    seed: int,
    truths: dict[str, NumericTruth],
) -> Iterator[Question]:
    """Yield the questions about one view (a row of the views table), and save its pictures."""
    rng = seeded(seed, "vqa", row.source, row.view_id)
    for (form, reason), count in view_context.dropped.items():
        generator.dropped["", form, reason] += count
    if not view_context.has_gravity:
        generator.dropped["", "", "view where up is not known"] += 1
    marks = choose_marks(view_context, forms, rng)
    for form, placed in marks.items():
        unmarked = set(range(len(view_context))) - set(placed.values())
        small = {row for row in unmarked if not is_large_enough(view_context, row)}
        small = set() if form == "region" else small
        generator.dropped["", form, TOO_SMALL] += len(small)
        generator.dropped["", form, "no room for its mark"] += len(unmarked - small)
    generated = generator.generate(view_context, marks, forms, split=row.split, rng=rng)
    if not generated:
        generator.dropped["", "", "view without a question"] += 1
    used = {IMAGE_SUFFIXES[question.form]: question.form for question in generated}
    if used:
        rgb = shard.rgb(row.view)
    for suffix, form in used.items():
        drawn = draw_annotations(rgb, view_context, form, marks.get(form, {}))
        save_jpeg(images / f"{row.view_id}{suffix}.jpg", drawn)
    for number, question in enumerate(generated):
        image = f"{image_prefix}/{row.view_id}{IMAGE_SUFFIXES[question.form]}.jpg"
        record = build_question_record(question, view_context, row, number, image=image, seed=seed)
        if question.numeric_truth is not None:
            truths[record.question_id] = question.numeric_truth
        yield record


def remove_unused_images(folder: Path, questions: Iterable[Question]) -> None:
    """Remove the pictures that no question is about."""
    used = {Path(name).name for one in questions for name in (one.image, *one.images)}
    for path in folder.iterdir():
        if path.name not in used:
            path.unlink()


def dropped_records(dropped: DropCounts, source: str) -> list[DroppedQuestions]:
    """Return the counts as records, sorted."""
    return drop_records({(source, *key): count for key, count in dropped.items()})


def main(
    *,
    views: Path,
    out: Path,
    images: Path,
    dropped: Path,
    picture: Path,
    settings: QuestionSettings,
    seed: int,
    clouds: Path | None = None,
    frames: Path | None = None,
    with_reasoning: bool = False,
) -> None:
    """Ask questions about a shard of views.

    Args:
        views: the shard, `results/views/{source}/{shard}.zarr`.
        out: questions, one record a line.
        images: folder for the pictures; records name them relative to its grandparent.
        dropped: what was not asked and why, counted, one record a line.
        picture: gallery of some views with their questions.
        settings: what is asked, how often and in which words.
        seed: seed of the workflow.
        clouds: cloud shard whose measurements are asked about; without it, ground truth.
        frames: the chosen frames of scans, `{shard}.frames.parquet`; only about these is asked.
        with_reasoning: write the steps from the measured numbers to each answer beside it.
    """
    shard = ViewShard.open(views)
    source = str(shard.group.attrs["source"])
    view_contexts = ViewContexts(
        shard,
        GroundTruthShard(shard) if clouds is None else MeasuredShard(shard, clouds),
        min_pixels=settings.min_pixels,
        min_fraction_visible=settings.min_fraction_visible,
        from_truth=clouds is None,
    )
    generator = QuestionGenerator(settings, reasoning=with_reasoning)
    pair_generator = PairQuestionGenerator(settings, reasoning=with_reasoning)
    truths: dict[str, NumericTruth] = {}
    rows = shard.views
    if frames is not None:
        rows = rows[rows.view.isin(read_table(frames).view)]
        generator.dropped["", "", NOT_CHOSEN] += len(shard) - len(rows)
    with atomic_write(images, checksum=True) as folder:
        folder.mkdir()
        questions = list(
            generate_shard_questions(
                shard,
                rows,
                view_contexts,
                generator,
                pair_generator,
                images=folder,
                image_prefix=f"{images.resolve().parent.name}/{images.name}",
                forms=settings.forms,
                seed=seed,
                truths=truths,
            )
        )
        questions = add_options(
            questions,
            truths,
            generator.plausible,
            Margins.of_settings(settings),
            generator.dropped,
            seeded(seed, "vqa options", source, *shard.views["scene_id"].iloc[:1]),
        )
        questions = add_category_options(
            questions,
            generator.plausible_categories,
            generator.dropped,
            seeded(seed, "vqa category options", source, *shard.views["scene_id"].iloc[:1]),
        )
        remove_unused_images(folder, questions)
        draw_gallery(questions, folder, picture)
    write_records(dropped, dropped_records(generator.dropped + pair_generator.dropped, source))
    write_records(out, questions)
    log.info("%d questions about %d views", len(questions), len(rows))


if __name__ == "__main__":
    run(main)
