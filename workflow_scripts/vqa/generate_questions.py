"""Ask questions about the views of one shard: records, pictures with marks, and a gallery."""

import logging
from collections.abc import Iterator
from pathlib import Path

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.measurements import GroundTruthShard, MeasuredShard
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions, Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import QuestionSettings
from workflow_scripts.vqa.drawing import IMAGE_SUFFIXES, draw_annotations, save_jpeg
from workflow_scripts.vqa.gallery import draw_gallery
from workflow_scripts.vqa.pair_question_generator import (
    PairQuestionGenerator,
    ViewAndContext,
    generate_pair_questions,
    show_same_room,
)
from workflow_scripts.vqa.pointing import choose_marks
from workflow_scripts.vqa.question_generator import QuestionGenerator
from workflow_scripts.vqa.question_record import build_question_record
from workflow_scripts.vqa.sampling import DropCounts
from workflow_scripts.vqa.view_context import ViewContexts

log = logging.getLogger(__name__)


def generate_shard_questions(
    shard: ViewShard,
    view_contexts: ViewContexts,
    generator: QuestionGenerator,
    pair_generator: PairQuestionGenerator,
    *,
    images: Path,
    image_prefix: str,
    forms: tuple[Form, ...],
    seed: int,
) -> Iterator[Question]:
    """Yield the questions of every view in order, and save the pictures they are about.

    Questions about a view and the one before it, if both show the same room, follow its own. An
    image is saved to `images` only if a question needs it, and named `{image_prefix}/{file}` in
    records.
    """
    previous: ViewAndContext | None = None
    for row in progress(shard.views.itertuples(index=False), desc="views", total=len(shard)):
        rng = seeded(seed, "vqa", row.source, row.view_id)
        view_context = view_contexts.of(row.view)
        for (form, reason), count in view_context.dropped.items():
            generator.dropped["", form, reason] += count
        if not view_context.has_gravity:
            generator.dropped["", "", "view where up is not known"] += 1
        marks = choose_marks(view_context, forms, rng)
        for form, placed in marks.items():
            if len(view_context) > len(placed):
                num_unmarked = len(view_context) - len(placed)
                generator.dropped["", form, "no room for its mark"] += num_unmarked
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
            yield build_question_record(question, view_context, row, number, image=image, seed=seed)
        if (
            previous is not None
            and pair_generator.is_enabled
            and show_same_room(previous, (row, view_context))
        ):
            yield from generate_pair_questions(
                shard,
                pair_generator,
                previous,
                (row, view_context),
                images=images,
                prefix=image_prefix,
                forms=forms,
                seed=seed,
            )
        previous = row, view_context


def dropped_records(dropped: DropCounts, source: str) -> Iterator[DroppedQuestions]:
    """Yield the counts as records, sorted."""
    for (family, form, reason), count in sorted(dropped.items()):
        if count:
            yield DroppedQuestions(
                source=source, family=family, form=form, reason=reason, count=count
            )


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
    with atomic_write(images) as folder:
        folder.mkdir()
        questions = list(
            generate_shard_questions(
                shard,
                view_contexts,
                generator,
                pair_generator,
                images=folder,
                image_prefix=f"{images.resolve().parent.name}/{images.name}",
                forms=settings.forms,
                seed=seed,
            )
        )
        draw_gallery(questions, folder, picture)
    write_records(dropped, dropped_records(generator.dropped + pair_generator.dropped, source))
    write_records(out, questions)
    log.info("%d questions about %d views", len(questions), len(shard))


if __name__ == "__main__":
    run(main)
