"""Ask questions about the views of one shard: records, pictures with marks, and a gallery."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.measurements import GroundTruthShard, MeasuredShard
from workflow_scripts.common.quantity_text import Units
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions, Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.vqa.drawing import IMAGE_SUFFIXES, draw_annotations, save_jpeg
from workflow_scripts.vqa.families import NAMES
from workflow_scripts.vqa.gallery import draw_gallery
from workflow_scripts.vqa.pair_question_generator import (
    PairQuestionGenerator,
    ViewAndContext,
    generate_pair_questions,
    show_same_room,
)
from workflow_scripts.vqa.pointing import choose_marks
from workflow_scripts.vqa.question_generator import AnswerStyle, QuestionConfig, QuestionGenerator
from workflow_scripts.vqa.question_record import build_question_record
from workflow_scripts.vqa.question_types.base import Margins
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

    Those about a view and the one before it, if both show one room, follow those of the view.

    A picture is saved to `images` only if a question needs it; records call it
    `{image_prefix}/{file}`.
    """
    before: ViewAndContext | None = None
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
                generator.dropped["", form, "no room for its mark"] += len(view_context) - len(
                    placed
                )
        generated = generator.generate(view_context, marks, forms, split=row.split, rng=rng)
        if not generated:
            generator.dropped["", "", "view without a question"] += 1
        used = {IMAGE_SUFFIXES[question.form]: question.form for question in generated}
        if used:
            rgb = shard.rgb(row.view)
        for suffix, form in used.items():
            drawn = draw_annotations(rgb, view_context, form, marks.get(form, {}))
            save_jpeg(images / f"{row.view_id}{suffix}.jpg", drawn)
        for number, one in enumerate(generated):
            image = f"{image_prefix}/{row.view_id}{IMAGE_SUFFIXES[one.form]}.jpg"
            yield build_question_record(one, view_context, row, number, image=image, seed=seed)
        if (
            before is not None
            and pair_generator.is_enabled
            and show_same_room(before, (row, view_context))
        ):
            yield from generate_pair_questions(
                shard,
                pair_generator,
                before,
                (row, view_context),
                images=images,
                prefix=image_prefix,
                forms=forms,
                seed=seed,
            )
        before = row, view_context


def dropped_records(
    dropped: Counter[tuple[str, str, str]], source: str
) -> Iterator[DroppedQuestions]:
    """Yield the counts as records, sorted."""
    for (family, form, reason), count in sorted(dropped.items()):
        if count:
            yield DroppedQuestions(
                source=source, family=family, form=form, reason=reason, count=count
            )


def check_families(names: Sequence[str]) -> None:
    """Raise `UserError` for a family that does not exist."""
    for name in names:
        if name not in NAMES:
            raise UserError(
                f"vqa: {name!r} is no family of questions; {allowed_values(name, NAMES)}"
            )


def main(
    *,
    views: Path,
    out: Path,
    images: Path,
    dropped: Path,
    picture: Path,
    clouds: Path | None = None,
    families: tuple[str, ...] = (),
    weights: tuple[str, ...] = (),
    forms: tuple[Form, ...] = ("named", "marked"),
    questions_per_view: int = 24,
    questions_per_pair: int = 0,
    num_phrasings: int | None = None,
    units: Units = "metric",
    multiple_choice: bool = True,
    min_pixels: int = 150,
    min_fraction_visible: float = 0.3,
    margin_m: float = 0.15,
    margin_ratio: float = 0.15,
    margin_picture: float = 0.05,
    margin_deg: float = 10.0,
    margin_sigmas: float = 2.0,
    answer_style: AnswerStyle = "short",
    reasoning: bool = False,
    seed: int = 7,
) -> None:
    """Ask questions about a shard of views.

    Args:
        views: the shard, `results/views/{source}/{shard}.zarr`.
        out: questions, one record a line.
        images: folder for the pictures; records name them relative to its grandparent.
        dropped: what was not asked and why, counted, one record a line.
        picture: gallery of some views with their questions.
        clouds: cloud shard whose measurements are asked about; without it, ground truth.
        families: families that are asked; none given: all.
        weights: how often families are asked, as name=number; 1 for the others.
        forms: objects are named, pointed at with coloured marks or boxes, or region tags.
        questions_per_view: at most so many questions about a view.
        questions_per_pair: at most so many about two views of a room, shown side by side.
        num_phrasings: only the first so many phrasings of a question are used.
        units: of lengths in answers; mixed draws a quarter imperial.
        multiple_choice: also ask with four options.
        min_pixels: an object with fewer pixels is not asked about.
        min_fraction_visible: an object hidden more than this is not asked about.
        margin_m: positions closer than this have no clear order.
        margin_ratio: sizes whose ratio is nearer to 1 than this have no clear order.
        margin_picture: places in the picture closer than this share of its shorter side have
            no clear order.
        margin_deg: directions closer than this have no clear order.
        margin_sigmas: nor has what is nearer to a tie than so many standard deviations.
        answer_style: the bare answer, or a sentence that begins with it or holds it.
        reasoning: write the steps from the measured numbers to each answer beside it.
        seed: seed of the workflow.
    """
    if not forms:
        raise UserError("--forms is empty; give named, marked, boxed or region")
    weight_of = read_weights(weights)
    check_families([*families, *weight_of])
    shard = ViewShard.open(views)
    source = str(shard.group.attrs["source"])
    view_contexts = ViewContexts(
        shard,
        GroundTruthShard(shard) if clouds is None else MeasuredShard(shard, clouds),
        min_pixels=min_pixels,
        min_fraction_visible=min_fraction_visible,
        from_truth=clouds is None,
    )
    margins = Margins(
        metres=margin_m,
        ratio=margin_ratio,
        picture=margin_picture,
        degrees=margin_deg,
        sigmas=margin_sigmas,
    )
    config = QuestionConfig(
        families=frozenset(families) or None,
        weights=weight_of,
        questions_per_view=questions_per_view,
        answer_style=answer_style,
        units=units,
        num_phrasings=num_phrasings,
        multiple_choice=multiple_choice,
        reasoning=reasoning,
    )
    generator = QuestionGenerator(margins=margins, config=config)
    pairs = PairQuestionGenerator(
        margins=margins, config=config, questions_per_pair=questions_per_pair
    )
    with atomic_write(images) as folder:
        folder.mkdir()
        questions = list(
            generate_shard_questions(
                shard,
                view_contexts,
                generator,
                pairs,
                images=folder,
                image_prefix=f"{images.resolve().parent.name}/{images.name}",
                forms=forms,
                seed=seed,
            )
        )
        draw_gallery(questions, folder, picture)
    write_records(dropped, dropped_records(generator.dropped + pairs.dropped, source))
    write_records(out, questions)
    log.info("%d questions about %d views", len(questions), len(shard))


def read_weights(weights: Sequence[str]) -> dict[str, float]:
    """Read "name=number" pairs."""
    found = {}
    for text in weights:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise UserError(f"--weights {text!r}: must be name=number") from None
    return found


if __name__ == "__main__":
    run(main)
