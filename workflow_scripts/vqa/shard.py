"""Ask questions about the views of one shard: records, pictures with marks, and a gallery."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.marks import draw_marks
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import Dropped
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import whole, write_records
from workflow_scripts.common.views import ViewShard
from workflow_scripts.vqa.ask import AnswerStyle, Asked, Asker, Margins
from workflow_scripts.vqa.families.family import Comparison, Form
from workflow_scripts.vqa.gallery import draw_gallery
from workflow_scripts.vqa.sight import Sights, place_marks

log = logging.getLogger(__name__)

JPEG_QUALITY = 92


def save_jpeg(path: Path, rgb: np.ndarray) -> None:
    """Write a JPEG that keeps the colours of small marks (no chroma subsampling)."""
    Image.fromarray(rgb).save(path, quality=JPEG_QUALITY, subsampling=0)


def ask_shard(
    shard: ViewShard,
    asker: Asker,
    *,
    images: Path,
    image_prefix: str,
    forms: tuple[Form, ...],
    min_pixels: int,
    min_fraction_visible: float,
    seed: int,
) -> Iterator[Question]:
    """Yield the questions of every view in order, and save the pictures they are about.

    A picture is saved to `images` only if a question needs it; records call it
    `{image_prefix}/{file}`.
    """
    sights = Sights(shard, min_pixels=min_pixels, min_fraction_visible=min_fraction_visible)
    for row in progress(shard.views.itertuples(index=False), desc="views", total=len(shard)):
        rng = seeded(seed, "vqa", row.source, row.view_id)
        sight = sights.of(row.view)
        for (form, reason), count in sight.dropped.items():
            asker.dropped["", form, reason] += count
        marks = {}
        if "marked" in forms:
            marks = place_marks(
                sight.objects,
                width_px=sight.camera.width_px,
                height_px=sight.camera.height_px,
                rng=rng,
            )
            asker.dropped["", "marked", "no room for its mark"] += len(sight.objects) - len(marks)
        asked = asker.ask(sight, marks, forms, split=row.split, rng=rng)
        if not asked:
            asker.dropped["", "", "view without a question"] += 1
        files = {"named": f"{row.view_id}.jpg", "marked": f"{row.view_id}-marked.jpg"}
        used = {one.form for one in asked}
        if used:
            rgb = shard.rgb(row.view)
        if "named" in used:
            save_jpeg(images / files["named"], rgb)
        if "marked" in used:
            placed = [(colour, seen.mark_px) for colour, seen in marks.items()]
            save_jpeg(images / files["marked"], draw_marks(rgb, placed))
        for number, one in enumerate(asked):
            yield _record(one, row, number, f"{image_prefix}/{files[one.form]}")


def _record(asked: Asked, row: Any, number: int, image: str) -> Question:
    family = asked.family
    return Question(
        question_id=f"{row.source}-{row.view_id}-{number:02d}",
        source=row.source,
        scene_id=row.scene_id,
        split=row.split,
        view=row.view,
        view_id=row.view_id,
        image=image,
        family=family.name,
        form=asked.form,
        question=asked.question,
        answer=asked.answer,
        answer_type="choice" if asked.choices else "metres",
        choices=list(asked.choices),
        truth=asked.truth,
        margin=asked.margin,
        margin_unit=family.unit if isinstance(family, Comparison) else "m",
        referents=list(asked.referents),
    )


def dropped_records(dropped: Counter[tuple[str, str, str]], source: str) -> Iterator[Dropped]:
    """Yield the counts as records, sorted."""
    for (family, form, reason), count in sorted(dropped.items()):
        if count:
            yield Dropped(source=source, family=family, form=form, reason=reason, count=count)


def main(
    *,
    views: Path,
    out: Path,
    images: Path,
    dropped: Path,
    picture: Path,
    forms: tuple[Form, ...] = ("named", "marked"),
    questions_per_view: int = 24,
    min_pixels: int = 150,
    min_fraction_visible: float = 0.3,
    margin_m: float = 0.15,
    margin_ratio: float = 0.15,
    margin_picture: float = 0.05,
    answer_style: AnswerStyle = "short",
    seed: int = 7,
) -> None:
    """Ask questions about a shard of views.

    Args:
        views: the shard, `results/views/{source}/{shard}.zarr`.
        out: questions, one record a line.
        images: folder for the pictures; records name them relative to its grandparent.
        dropped: what was not asked and why, counted, one record a line.
        picture: gallery of some views with their questions.
        forms: objects are named, or pointed at with coloured marks.
        questions_per_view: at most so many questions about a view.
        min_pixels: an object with fewer pixels is not asked about.
        min_fraction_visible: an object hidden more than this is not asked about.
        margin_m: positions closer than this have no clear order.
        margin_ratio: sizes whose ratio is nearer to 1 than this have no clear order.
        margin_picture: places in the picture closer than this share of its shorter side have
            no clear order.
        answer_style: the bare answer, or a sentence that begins with it or holds it.
        seed: seed of the workflow.
    """
    if not forms:
        raise UserError("--forms is empty; give named, marked or both")
    shard = ViewShard.open(views)
    source = str(shard.group.attrs["source"])
    asker = Asker(
        margins=Margins(metres=margin_m, ratio=margin_ratio, picture=margin_picture),
        questions_per_view=questions_per_view,
        answer_style=answer_style,
    )
    with whole(images) as folder:
        folder.mkdir()
        questions = list(
            ask_shard(
                shard,
                asker,
                images=folder,
                image_prefix=f"{images.resolve().parent.name}/{images.name}",
                forms=forms,
                min_pixels=min_pixels,
                min_fraction_visible=min_fraction_visible,
                seed=seed,
            )
        )
        draw_gallery(questions, folder, picture)
    write_records(dropped, dropped_records(asker.dropped, source))
    write_records(out, questions)
    log.info("%d questions about %d views", len(questions), len(shard))


if __name__ == "__main__":
    run(main)
