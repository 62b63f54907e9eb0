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
import numpy as np
import pandas as pd
from PIL import Image
from pydantic import TypeAdapter

from workflow_scripts.common.cli import run
from workflow_scripts.common.cloud_shard import CloudShard
from workflow_scripts.common.question_table import count_questions
from workflow_scripts.common.records import (
    Caption,
    DroppedQuestions,
    Episode,
    Record,
    Scene,
    SceneRecord,
    SkippedItem,
)
from workflow_scripts.common.storage import (
    open_shard,
    read_json,
    read_records,
    read_table,
    write_text,
)
from workflow_scripts.evaluate.eval_items import OWN_QUESTIONS
from workflow_scripts.evaluate.metrics import FRACTION, METRICS
from workflow_scripts.evaluate.score_table import ALL, LEARNED, read_eval, read_scores
from workflow_scripts.evaluate.video.budget_charts import budget_charts
from workflow_scripts.sources import SOURCES
from workflow_scripts.sources.readers.photo_records import Photo

logger = logging.getLogger(__name__)
TEMPLATE = "report.html.j2"
SECTIONS = "report_sections"
MAX_WIDTH_PX = 1600
STAGES = ("scenes", "views", "captions", "vqa", "benchmarks")
PICTURES = {
    "views": "Rooms: posed views, their objects, depth and instances",
    "scenes": "Plans of the houses, seen from above",
    "depth": "Depth in meters",
    "pointclouds": "Point clouds fused from a scene's views",
    "captions": "Captions beside what they describe",
    "vqa": "Questions on pictures, with their answers",
}


class ReportedExperiment(Record):
    """What the report shows of an experiment."""

    name: str
    section: str | None
    scores: list[Path]
    metrics: Path | None
    pictures: dict[str, Path]


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
) -> dict[str, int]:
    """Return how much of everything there is, for the head of the page.

    A shard is read at a time, and of questions only how many there are.
    """
    scene_counts = Counter({"houses": 0, "rooms": 0, "episodes": 0, "photos": 0})
    for scene in (scene for path in scenes for scene in read_scenes(path)):
        if isinstance(scene, Scene) and scene.house:
            scene_counts["houses"] += 1
            scene_counts["rooms"] += len(scene.house["rooms"])
        scene_counts["episodes"] += isinstance(scene, Episode) and not scene.skipped
        scene_counts["photos"] += isinstance(scene, Photo) and not scene.skipped
    tables = [path.with_suffix("").with_suffix(".views.parquet") for path in views]
    objects = [path.with_suffix("").with_suffix(".objects.parquet") for path in views]
    return {
        **{name: count for name, count in scene_counts.items() if count},
        "objects": sum(int((read_table(path)["kind"] == "object").sum()) for path in objects),
        "views": sum(len(read_table(path)) for path in tables),
        "points": sum(CloudShard.open(path).num_points for path in clouds),
        "questions": sum(map(count_questions, questions)),
    }


def skipped_counts(
    scenes: list[Path], skipped: list[Path], captions: list[Path], dropped: list[Path]
) -> list[tuple[str, str, int]]:
    """Return (stage, reason, count) of everything that was skipped, stage by stage.

    What was skipped with its scene counts once, as a scene.
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
        stage = "benchmarks" if path.parent.name == "benchmarks" else "views"
        for row in read_records(path, SkippedItem):
            if unusable.get(row.scene_id) != row.reason:
                reasons[stage][row.reason] += 1
    for path in captions:
        for caption in read_records(path, Caption):
            if caption.status in ("refused", "failed"):
                reasons["captions"][f"{caption.status}: {caption.reason}"] += 1
    for path in dropped:
        for dropped_row in read_records(path, DroppedQuestions):
            reasons["vqa"][dropped_row.reason] += dropped_row.count
    return [
        (stage, reason, count)
        for stage, stage_reasons in reasons.items()
        for reason, count in stage_reasons.most_common()
    ]


def depth_errors(tables: list[Path]) -> list[dict[str, Any]]:
    """Return the error of each depth estimator against the simulator, over views that have both.

    Means over views; of the scale the median, for one view without a floor can be far off.
    """
    tables_by_shard = [read_table(path).assign(source=path.parent.name) for path in tables]
    compared = [table.dropna(subset=["abs_rel"]) for table in tables_by_shard]
    rows = pd.concat(compared) if compared else pd.DataFrame()
    if rows.empty:
        return []
    return [
        {
            "source": source,
            "estimator": estimator,
            "cameras": ", ".join(sorted(set(group["intrinsics_source"]))),
            "views": len(group),
            "abs_rel": group["abs_rel"].mean(),
            "delta1": group["delta1"].mean(),
            "rmse_m": group["rmse_m"].mean(),
            "median_scale": group["median_scale"].median(),
        }
        for (source, estimator), group in rows.groupby(["source", "backend"])
    ]


def charts(scores: pd.DataFrame, experiment: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of an experiment's charts by title: our questions, then each benchmark.

    A chart has the headline metrics that are fractions; metrics in other units have none.
    """
    fractions = [name for name, metric in METRICS.items() if metric.unit == FRACTION]
    chosen = scores[
        (scores["experiment"] == experiment)
        & scores["is_headline"]
        & scores["metric"].isin(fractions)
    ]
    return {
        experiment if benchmark == OWN_QUESTIONS else f"{experiment} on {benchmark}": (
            rows.sort_values(["form", "family", "metric"]).to_dict("records")
        )
        for benchmark, rows in chosen.groupby("benchmark", sort=False)
    }


def learned_rows(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the headline rows that say what was learned, those with the clearest gain first.

    Of questions a row for each family and form, of everything else the row over all families;
    `is_learned` says whether the 95 % intervals of the gains over the baseline and over the most
    common answer are above 0; `margin_low` is the lower of the two.
    """
    has_form = ~scores["form"].isin(["", ALL])
    is_detail = np.where(has_form, scores["family"] != ALL, scores["family"] == ALL)
    chosen = scores[
        is_detail & (scores["form"] != ALL) & (scores["method"] == LEARNED) & scores["gain"].notna()
    ]
    margin_low = chosen[["gain_low", "majority_gain_low"]].min(axis=1)
    chosen = chosen.assign(margin_low=margin_low, is_learned=margin_low > 0)
    order = ["experiment", "benchmark", "is_learned", "margin_low"]
    ordered = chosen.sort_values(order, ascending=[True, True, False, False], kind="stable")
    records: list[dict[str, Any]] = ordered.to_dict("records")
    return records


def without_reply(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows that say which share of all questions of a benchmark has no reply."""
    is_overall = (scores["family"] == ALL) & (scores["form"] == ALL)
    rows = scores[is_overall & (scores["metric"] == "no_reply_rate")]
    return [dict(row) for row in rows.to_dict("records")]


def format_number(value: float, digits: int = 3) -> str:
    """Format a number for the table; a dash where there is none."""
    return "–" if isinstance(value, float) and math.isnan(value) else f"{value:.{digits}f}"


def experiment_section(experiment: ReportedExperiment) -> dict[str, Any]:
    """Return what the template of an experiment's section reads."""
    scores = pd.concat([read_scores(path) for path in experiment.scores], ignore_index=True)
    return {
        "name": experiment.name,
        "template": f"{SECTIONS}/{experiment.section}" if experiment.section else None,
        "scores": scores.to_dict("records"),
        "charts": charts(scores, experiment.name),
        "without_reply": without_reply(scores),
        "pictures": [
            embed_picture(path, f"{experiment.name}: {label}")
            for label, path in experiment.pictures.items()
        ],
        "metrics": _summary(read_json(experiment.metrics)) if experiment.metrics else None,
    }


def _summary(metrics: dict[str, Any]) -> str:
    """Return the single values of a metrics.json; its curves are shown as pictures."""
    return ", ".join(
        f"{name} {value}" for name, value in metrics.items() if isinstance(value, str | float | int)
    )


def main(
    *,
    eval_table: Path,
    experiments: str,
    scenes: list[Path],
    views: list[Path],
    pointclouds: list[Path],
    questions: list[Path],
    captions: list[Path],
    skipped: list[Path],
    curves: list[Path],
    pictures: list[Path],
    out: Path,
    dropped: tuple[Path, ...] = (),
    depth: tuple[Path, ...] = (),
) -> None:
    """Write the report.

    Args:
        eval_table: results/eval.csv.
        experiments: JSON list of the experiments: name, section (a file in report_sections/, or
            null), scores (paths), metrics (path of metrics.json, or null), pictures (paths by
            label).
        scenes: Shards of scenes.
        views: Shards of views.
        pointclouds: Shards of point clouds.
        questions: Parquet tables of questions, one per split.
        captions: Shards of captions.
        skipped: Items that the views stage and imported benchmarks skipped.
        curves: Pictures of training curves.
        pictures: Pictures of the stages; the folder above the source names the stage.
        out: HTML file to write.
        dropped: Questions that the vqa stage dropped.
        depth: Statistics of estimated depth, `results/depth/{source}/{shard}.parquet`.
    """
    reported = TypeAdapter(list[ReportedExperiment]).validate_json(experiments)
    sections = {
        title: [
            embed_picture(path, f"{path.parent.name} {path.stem}")
            for path in pictures
            if stage in path.parts[:-1]
        ]
        for stage, title in PICTURES.items()
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["format_number"] = format_number
    scores = read_eval(eval_table)
    page = environment.get_template(TEMPLATE).render(
        counts=counts(scenes, views, pointclouds, questions),
        sections=[(title, embedded) for title, embedded in sections.items() if embedded],
        curves=[
            embed_picture(path, f"{path.parent.name} {path.stem.removesuffix('curves').strip('.')}")
            for path in curves
        ],
        definitions=list(METRICS.values()),
        experiments=[experiment_section(experiment) for experiment in reported],
        scores=scores.to_dict("records"),
        learned=learned_rows(scores),
        budget_charts=budget_charts(scores),
        skipped_counts=skipped_counts(scenes, skipped, captions, list(dropped)),
        depth_errors=depth_errors(list(depth)),
        provenance=sorted(dict(open_shard(views[0]).attrs).items()),
    )
    write_text(out, page)
    logger.info("%s: %.1f MB", out, len(page) / 1e6)


if __name__ == "__main__":
    run(main)
