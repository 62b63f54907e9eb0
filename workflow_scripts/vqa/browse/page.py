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
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import Dropped
from workflow_scripts.common.storage import read_records, write_text
from workflow_scripts.common.views import ViewShard
from workflow_scripts.vqa.browse.balance import Balance, reasons
from workflow_scripts.vqa.browse.choose import candidate, chosen
from workflow_scripts.vqa.browse.clouds import EDGES, cloud
from workflow_scripts.vqa.export.pictures import by_picture, picture_bytes

log = logging.getLogger(__name__)

TEMPLATE = "page.html.j2"
MAX_SIDE_PX = 640
JPEG_QUALITY = 85


def pictures(tables: list[Path]) -> Iterator[list[Question]]:
    """Yield the questions of every picture of every split."""
    return chain.from_iterable(by_picture(table) for table in tables)


def embedded(images: Path, name: str) -> tuple[str, int, int]:
    """Return a picture as a data address, shrunk if it is large, and its size as drawn."""
    try:
        with Image.open(io.BytesIO(picture_bytes(images, name))) as opened:
            picture = opened.convert("RGB")
    except OSError as error:
        raise UserError(
            f"{images / name}: not a picture: {error}. Run the rule 'ask_shard' of its shard again."
        ) from error
    size = picture.size
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}", *size


def shown(question: Question) -> dict[str, Any]:
    """Return what the page says about a question."""
    names = ("question_id", "family", "form", "kind", "answer_type", "question", "answer")
    more = ("choices", "options", "truth", "unit", "tolerance", "margin", "margin_unit", "sigma")
    return {
        **{name: getattr(question, name) for name in (*names, *more)},
        "frame": question.frame,
        "difficulty": question.difficulty,
        "reasoning": question.reasoning,
        "evidence": question.evidence,
        "measured": question.evidence_source != "truth",
        "objects": [
            {
                "instance": one.instance,
                "phrase": one.phrase,
                "category": one.category,
                "mark": one.mark,
                "box": one.box,
            }
            for one in question.referents
        ],
    }


def card(questions: list[Question], images: Path, cloud_name: str | None) -> dict[str, Any]:
    """Return what the page shows of one picture."""
    first = questions[0]
    address, width, height = embedded(images, first.image)
    return {
        "image": address,
        "name": first.image,
        "source": first.source,
        "scene": first.scene_id,
        "split": first.split,
        "width": first.width_px or width,
        "height": first.height_px or height,
        "cloud": cloud_name,
        "questions": [shown(question) for question in questions],
    }


def shard_of(question: Question, views: dict[tuple[str, str], Path]) -> Path | None:
    """Return the shard of views that a question's picture comes from, None if not given."""
    source, folder = Path(question.image).parts[:2]
    return views.get((source, folder.removesuffix(".images")))


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
    num_pictures: int = 60,
    seed: int = 7,
) -> None:
    """Write the page.

    Args:
        questions: Parquet tables of questions, one a split.
        dropped: what was not asked and why.
        views: shards of views, `results/views/{source}/{shard}.zarr`, for the clouds.
        images: folder that the questions' pictures are relative to.
        out: HTML file to write.
        num_pictures: how many pictures are shown.
        seed: seed of the workflow.
    """
    balance = Balance()
    candidates = []
    for asked in progress(pictures(questions), desc="count"):
        candidates.append(candidate(asked))
        for question in asked:
            balance.add(question)
    wanted = set(chosen(candidates, how_many=num_pictures, seed=seed))
    paths = {(path.parent.name, path.stem): path for path in views}
    cards, clouds = [], {}
    for asked in progress(pictures(questions), desc="pictures"):
        first = asked[0]
        if first.image not in wanted:
            continue
        path = shard_of(first, paths)
        name = None if path is None or first.images else f"{first.source}/{first.view_id}"
        if path is not None and name is not None and name not in clouds:
            found = cloud(ViewShard.open(path), first.view)
            clouds[name] = None if found is None else dataclasses.asdict(found)
        cards.append(card(asked, images, name))
    cells = balance.cells
    forms = sorted({cell.form for cell in cells})
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
        cells=cells,
        forms=forms,
        reasons=reasons(
            chain.from_iterable(read_records(path, Dropped) for path in dropped), forms
        ),
        cards=script_json(cards),
        clouds=script_json(clouds),
        edges=script_json(EDGES),
    )
    write_text(out, page)
    log.info("%s: %d of %d pictures", out, len(cards), len(candidates))


if __name__ == "__main__":
    run(main)
