"""Write results/vqa/gallery.html: one self-contained page to look through the questions.

Pictures with the boxes of the objects asked about, the view's cloud to turn, the measured
evidence of every answer, filters, what was left out, and how the answers are balanced.
"""

import base64
import dataclasses
import io
import json
import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from PIL import Image

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.measurements import MeasuredShard
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records, write_text
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import GallerySettings
from workflow_scripts.sources.readers.photo_records import PhotoDropCount, count_photo_steps
from workflow_scripts.vqa.browse.balance import Balance, reasons
from workflow_scripts.vqa.browse.clouds import EDGES, cloud
from workflow_scripts.vqa.browse.select_images import make_candidate, select_images
from workflow_scripts.vqa.export.images import group_by_image, read_image_bytes

log = logging.getLogger(__name__)

TEMPLATE = "page.html.j2"
MAX_SIDE_PX = 640
JPEG_QUALITY = 85


def questions_by_image(tables: list[Path]) -> Iterator[list[Question]]:
    """Yield the questions of every picture of every split."""
    return chain.from_iterable(group_by_image(table) for table in tables)


def encode_image(images: Path, name: str) -> tuple[str, int, int]:
    """Return a picture as a data address, shrunk if it is large, and its size as drawn."""
    try:
        with Image.open(io.BytesIO(read_image_bytes(images, name))) as opened:
            picture = opened.convert("RGB")
    except OSError as error:
        raise UserError(
            f"{images / name}: not a picture: {error}. Run the rule 'generate_questions' of its "
            "shard again."
        ) from error
    size = picture.size
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}", *size


def question_entry(question: Question) -> dict[str, Any]:
    """Return what the page says about a question."""
    names = ("question_id", "family", "form", "kind", "answer_type", "question", "answer")
    more = ("choices", "options", "truth", "unit", "tolerance", "margin", "margin_unit", "sigma")
    return {
        **{name: getattr(question, name) for name in (*names, *more)},
        "frame": question.frame,
        "difficulty": question.difficulty,
        "reasoning": question.reasoning,
        "template": question.template,
        "evidence": question.evidence,
        "measured": question.evidence_source != "truth",
        "objects": [
            {
                "instance": referent.instance,
                "phrase": referent.phrase,
                "category": referent.category,
                "mark": referent.mark,
                "box": referent.box,
            }
            for referent in question.referents
        ],
    }


def card(questions: list[Question], images: Path, cloud_name: str | None) -> dict[str, Any]:
    """Return what the page shows of one picture."""
    first = questions[0]
    address, width, height = encode_image(images, first.image)
    return {
        "image": address,
        "name": first.image,
        "source": first.source,
        "scene": first.scene_id,
        "split": first.split,
        "width": first.width_px or width,
        "height": first.height_px or height,
        "cloud": cloud_name,
        "questions": [question_entry(question) for question in questions],
    }


class ViewClouds:
    """The clouds of views as the page shows them, each computed once.

    Depth and boxes are those that the answers follow from: estimated and measured ones where they
    exist, else the simulator's.
    """

    def __init__(self, views: list[Path], depth: list[Path], measured: list[Path]) -> None:
        depths, tables = by_shard(depth), by_shard(measured)
        self._shards = {
            key: (ViewShard.open(path, depth=depths.get(key)), tables.get(key))
            for key, path in by_shard(views).items()
        }
        self._measured = {
            key: MeasuredShard(shard, clouds)
            for key, (shard, clouds) in self._shards.items()
            if clouds is not None
        }
        self.found: dict[str, dict[str, Any] | None] = {}

    def name(self, question: Question) -> str | None:
        """Return the name of the cloud of a question's view, None if it has none."""
        source, folder = Path(question.image).parts[:2]
        key = (source, folder.removesuffix(".images"))
        if key not in self._shards or question.images:
            return None
        name = f"{question.source}/{question.view_id}"
        if name not in self.found:
            measured = self._measured[key].of(question.view) if key in self._measured else None
            view_cloud = cloud(self._shards[key][0], question.view, measured)
            self.found[name] = None if view_cloud is None else dataclasses.asdict(view_cloud)
        return name


def by_shard(paths: list[Path]) -> dict[tuple[str, str], Path]:
    """Return paths `.../{source}/{shard}.{ending}` by source and shard."""
    return {(path.parent.name, path.name.split(".")[0]): path for path in paths}


def script_json(content: Any) -> Markup:
    """Return JSON that is safe inside a script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def main(
    *,
    questions: list[Path],
    dropped: list[Path],
    views: list[Path],
    images: Path,
    out: Path,
    settings: GallerySettings,
    seed: int,
    depth: tuple[Path, ...] = (),
    measured: tuple[Path, ...] = (),
    photos: tuple[Path, ...] = (),
) -> None:
    """Write the page.

    Args:
        questions: Parquet tables of questions, one a split.
        dropped: what was not asked and why.
        views: shards of views, `results/views/{source}/{shard}.zarr`, for the clouds.
        images: folder that the questions' pictures are relative to.
        out: HTML file to write.
        settings: how many pictures are shown.
        seed: seed of the workflow.
        depth: groups with estimated depth, `results/depth/{source}/{shard}.zarr`; of other
            shards it is the views' own.
        measured: cloud shards, `results/pointclouds/{source}/{shard}.zarr`, whose measured boxes
            the answers follow from.
        photos: what every step lost of photos, `results/views/images/{shard}.dropped.jsonl`.
    """
    balance = Balance()
    candidates = []
    for image_questions in progress(questions_by_image(questions), desc="count"):
        candidates.append(make_candidate(image_questions))
        for question in image_questions:
            balance.add(question)
    wanted = set(select_images(candidates, num_images=settings.gallery_pictures, seed=seed))
    clouds = ViewClouds(views, list(depth), list(measured))
    cards = []
    for image_questions in progress(questions_by_image(questions), desc="pictures"):
        if image_questions[0].image in wanted:
            cards.append(card(image_questions, images, clouds.name(image_questions[0])))
    distributions = balance.distributions
    forms = sorted({distribution.form for distribution in distributions})
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATE).render(
        total=sum(balance.by_split.values()),
        num_pictures=len(candidates),
        by_split=sorted(balance.by_split.items()),
        distributions=distributions,
        forms=forms,
        reasons=reasons(
            chain.from_iterable(read_records(path, DroppedQuestions) for path in dropped), forms
        ),
        steps=count_photo_steps(
            chain.from_iterable(read_records(path, PhotoDropCount) for path in photos)
        ),
        cards=script_json(cards),
        clouds=script_json(clouds.found),
        edges=script_json(EDGES),
    )
    write_text(out, page)
    log.info("%s: %d of %d pictures", out, len(cards), len(candidates))


if __name__ == "__main__":
    run(main)
