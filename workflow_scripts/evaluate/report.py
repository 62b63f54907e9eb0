"""Write results/report.html: one self-contained page that shows what a run made and scored."""

import base64
import io
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import zarr
from PIL import Image

from workflow_scripts.common.cli import run
from workflow_scripts.common.records import (
    Caption,
    DroppedQuestions,
    Episode,
    Scene,
    SceneRecord,
    SkippedItem,
)
from workflow_scripts.common.storage import read_json, read_records, read_table, write_text
from workflow_scripts.evaluate.eval_items import OWN_QUESTIONS
from workflow_scripts.evaluate.merge import read_scores
from workflow_scripts.evaluate.metrics import METRICS
from workflow_scripts.sources import SOURCES
from workflow_scripts.sources.readers.photo_records import Photo

logger = logging.getLogger(__name__)
TEMPLATE = "report.html.j2"
MAX_WIDTH_PX = 1600
HEADLINE_METRICS = ("accuracy", "success_25pct", "clock_within_1h", "within_15deg", "point_inside")
STAGES = ("scenes", "views", "captions", "vqa", "benchmarks")
PICTURES = {
    "views": "Rooms: posed views, their objects, depth and instances",
    "scenes": "Plans of the houses, seen from above",
    "depth": "Depth in metres",
    "pointclouds": "Point clouds fused from a scene's views",
    "captions": "Captions beside what they describe",
    "evaluate": "Keypoints: true and estimated, and errors of the learned model and the baselines",
    "vqa": "Questions on pictures, with their answers",
}


@dataclass(frozen=True)
class Picture:
    """A picture inside the page."""

    caption: str
    data_url: str


def embed_picture(path: Path, caption: str) -> Picture:
    """Read a picture, shrink it to the page's width and make it part of the page."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    if picture.width > MAX_WIDTH_PX:
        height = round(picture.height * MAX_WIDTH_PX / picture.width)
        picture = picture.resize((MAX_WIDTH_PX, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88, subsampling=0)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return Picture(caption, f"data:image/jpeg;base64,{encoded}")


def read_scenes(path: Path) -> Sequence[SceneRecord]:
    """Read a shard of scenes with the record of its source, `results/scenes/{source}/...`."""
    return read_records(path, SOURCES[path.parent.name].record)


def counts(
    scenes: list[Path], views: list[Path], clouds: list[Path], questions: list[Path]
) -> dict:
    """Return how much of everything there is, for the head of the page."""
    records = [scene for path in scenes for scene in read_scenes(path)]
    usable = [scene for scene in records if isinstance(scene, Scene) and scene.house]
    episodes = [scene for scene in records if isinstance(scene, Episode) and not scene.skipped]
    photos = [scene for scene in records if isinstance(scene, Photo) and not scene.skipped]
    tables = [read_table(path.with_suffix("").with_suffix(".views.parquet")) for path in views]
    objects = [read_table(path.with_suffix("").with_suffix(".objects.parquet")) for path in views]
    question_tables = [read_table(path) for path in questions]
    scene_counts = {
        "houses": len(usable),
        "rooms": sum(len(scene.house["rooms"]) for scene in usable if scene.house),
        "episodes": len(episodes),
        "photos": len(photos),
    }
    return {
        **{name: number for name, number in scene_counts.items() if number},
        "objects": sum(int((table["kind"] == "object").sum()) for table in objects),
        "views": sum(len(table) for table in tables),
        "points": sum(zarr.open_group(path, mode="r")["point_m"].shape[0] for path in clouds),
        "questions": sum(len(table) for table in question_tables),
    }


def skipped_counts(
    scenes: list[Path], skipped: list[Path], captions: list[Path], dropped: list[Path]
) -> list[tuple[str, str, int]]:
    """Return (where, reason, how many) of everything that was left out, stage by stage.

    What was left out with its scene counts once, as a scene.
    """
    reasons: dict[str, Counter[str]] = {name: Counter() for name in STAGES}
    unusable = {}
    for path in scenes:
        for scene in read_scenes(path):
            if scene.skipped:
                reasons["scenes"][scene.skipped] += 1
                unusable[scene.scene_id] = scene.skipped
    for path in skipped:
        # results/views/... or results/evaluate/benchmarks/...
        where = "benchmarks" if path.parent.name == "benchmarks" else "views"
        for row in read_records(path, SkippedItem):
            if unusable.get(row.scene_id) != row.reason:
                reasons[where][row.reason] += 1
    for path in captions:
        for caption in read_records(path, Caption):
            if caption.status in ("refused", "failed"):
                reasons["captions"][f"{caption.status}: {caption.reason}"] += 1
    for path in dropped:
        for dropped_row in read_records(path, DroppedQuestions):
            reasons["vqa"][dropped_row.reason] += dropped_row.count
    return [
        (stage, reason, number)
        for stage, found in reasons.items()
        for reason, number in found.most_common()
    ]


def depth_errors(tables: list[Path]) -> list[dict[str, Any]]:
    """Return how far each estimator is from the simulator's depth, over views that have both.

    Means over views; of the scale the median, for one view without a floor can be far off.
    """
    rows = [read_table(path).assign(source=path.parent.name) for path in tables]
    compared = [part.dropna(subset=["abs_rel"]) for part in rows]
    known = pd.concat(compared) if compared else pd.DataFrame()
    if known.empty:
        return []
    return [
        {
            "source": source,
            "estimator": estimator,
            "cameras": ", ".join(sorted(set(part["intrinsics_source"]))),
            "views": len(part),
            "abs_rel": part["abs_rel"].mean(),
            "delta1": part["delta1"].mean(),
            "rmse_m": part["rmse_m"].mean(),
            "median_scale": part["median_scale"].median(),
        }
        for (source, estimator), part in known.groupby(["source", "backend"])
    ]


def charts(scores: pd.DataFrame, experiment: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of an experiment's charts by title: our questions, then each benchmark.

    Scores without a share to draw, such as keypoints' errors in centimetres, have no chart.
    """
    experiment_scores = scores[scores["experiment"] == experiment]
    rows = {
        experiment if name == OWN_QUESTIONS else f"{experiment} on {name}": chart_rows(
            part, experiment
        )
        for name, part in experiment_scores.groupby("benchmark", sort=False)
    }
    return {title: found for title, found in rows.items() if found}


def chart_rows(scores: pd.DataFrame, experiment: str) -> list[dict[str, Any]]:
    """Return the headline rows of an experiment: shares between 0 and 1 with interval and blind."""
    chosen = scores[(scores["experiment"] == experiment) & scores["metric"].isin(HEADLINE_METRICS)]
    return chosen.sort_values(["form", "family", "metric"]).to_dict("records")


def format_number(value: float, digits: int = 3) -> str:
    """Format a number for the table; a dash where there is none."""
    return "–" if isinstance(value, float) and math.isnan(value) else f"{value:.{digits}f}"


def main(
    *,
    scores: Path,
    scenes: list[Path],
    views: list[Path],
    pointclouds: list[Path],
    questions: list[Path],
    captions: list[Path],
    skipped: list[Path],
    experiments: list[str],
    metrics: list[Path],
    curves: list[Path],
    pictures: list[Path],
    out: Path,
    dropped: tuple[Path, ...] = (),
    depth: tuple[Path, ...] = (),
) -> None:
    """Write the report.

    Args:
        scores: results/eval.csv.
        scenes: Shards of scenes.
        views: Shards of views.
        pointclouds: Shards of point clouds.
        questions: Parquet tables of questions, one per split.
        captions: Shards of captions.
        skipped: What the views stage and imported benchmarks left out.
        experiments: Names of the experiments, in the order of `metrics`.
        metrics: metrics.json of each experiment.
        curves: Pictures of training curves.
        pictures: Pictures of the stages; the folder above the source names the stage.
        out: HTML file to write.
        dropped: What the vqa stage did not ask.
        depth: Statistics of estimated depth, `results/depth/{source}/{shard}.parquet`.
    """
    table = read_scores(scores)
    sections = [
        (
            title,
            [
                embed_picture(path, f"{path.parent.name} {path.stem}")
                for path in pictures
                if stage in path.parts[:-1]
            ],
        )
        for stage, title in PICTURES.items()
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = format_number
    page = environment.get_template(TEMPLATE).render(
        counts=counts(scenes, views, pointclouds, questions),
        sections=[
            (title, section_pictures) for title, section_pictures in sections if section_pictures
        ],
        curves=[
            embed_picture(path, f"{path.parent.name} {path.stem.removesuffix('curves').strip('.')}")
            for path in curves
        ],
        definitions=list(METRICS.values()),
        experiments=[
            {"name": name, "metrics": read_json(path), "charts": charts(table, name)}
            for name, path in zip(experiments, metrics, strict=True)
        ],
        scores=table.to_dict("records"),
        skipped_counts=skipped_counts(scenes, skipped, captions, list(dropped)),
        depth_errors=depth_errors(list(depth)),
        provenance=sorted(dict(zarr.open_group(views[0], mode="r").attrs).items()),
    )
    write_text(out, page)
    logger.info("%s: %.1f MB", out, len(page) / 1e6)


if __name__ == "__main__":
    run(main)
