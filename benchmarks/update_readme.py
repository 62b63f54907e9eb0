"""Bring the numbers of README.md and docs/results.md up to date, and the gallery.

Reads results/ of a finished run and benchmarks/figures.csv; writes README.md, docs/results.md and
results/gallery/. After `make eval CONFIG=studies/named.yaml`,
`python -m benchmarks.update_readme --study named` brings the scores of that study up to date, and
nothing else; `detector`, `rooms` and `scans` likewise.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from PIL import Image

from benchmarks import room_tables, scan_tables
from benchmarks.results_page import PAGE, replace_block
from benchmarks.rule_costs import cost_table, peak_memory_mb, run_length_s
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.metrics import FRACTION, METRICS
from workflow_scripts.evaluate.score_table import ALL, LEARNED, read_eval, read_scores

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
GALLERY = {
    "views": "results/views/procthor/0002.png",
    "scenes": "results/scenes/procthor/0001.png",
    "pointclouds": "results/pointclouds/procthor/0002.png",
    "vqa": "results/vqa/procthor/0002.png",
    "rooms": "results/evaluate/rooms/rebuilt.png",
}
MAX_SIDE_PX = (1500, 1150)
# Of rooms the README shows the scores of these objects.
VISIBLE = "visible"


def runtime() -> str:
    """Return how long the run took, and the memory of its largest job."""
    return (
        f"On {os.cpu_count()} cores it takes about {run_length_s() / 60:.0f} minutes and "
        f"{peak_memory_mb() / 1000:.1f} GB once the environment is there."
    )


def headline() -> str:
    """Return a table of the scores over all families and tasks in results/eval.csv."""
    rows = read_eval(RESULTS / "eval.csv")
    is_room = (rows["benchmark"] == room_tables.BENCHMARK) & (rows["family"] == VISIBLE)
    is_whole = (
        (rows["benchmark"] != room_tables.BENCHMARK)
        & (rows["family"] == ALL)
        & (rows["form"] != ALL)
    )
    rows = rows[(is_room | is_whole) & (rows["method"] == LEARNED)]
    is_shown = (rows["benchmark"] != scan_tables.BENCHMARK) | rows["metric"].isin(scan_tables.SHOWN)
    rows = rows[is_shown]
    lines = [
        "| experiment | scored on | metric | n | scenes | score | baseline | gain, 95 % interval |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.itertuples():
        scored_on = f"questions, {row.form}" if row.form else "patches of pictures"
        if row.benchmark == scan_tables.BENCHMARK:
            scored_on = "samples about scans"
        if row.benchmark == room_tables.BENCHMARK:
            scored_on = "visible objects of rooms"
        if row.noise:
            scored_on = f"keypoints, noise {row.noise}"
        baseline = f"{format_value(row.metric, row.baseline_value)} (`{row.baseline}`)"
        lines.append(
            f"| `{row.experiment}` | {scored_on} | `{row.metric}` | {row.n:,} | {row.num_scenes} "
            f"| {format_value(row.metric, row.value)} | {baseline} | {format_gain(row)} |"
        )
    return "\n".join(lines)


def format_value(metric: str, value: float) -> str:
    """Return a value of a metric as text: fractions in per cent."""
    if METRICS[metric].unit == FRACTION:
        return f"{100 * value:.0f} %"
    return f"{value:.1f} {METRICS[metric].unit}"


def format_gain(row: tuple) -> str:  # type: ignore[type-arg]
    """Return a gain with its interval, in per cent of fractions."""
    scale, digits = (100, 0) if METRICS[row.metric].unit == FRACTION else (1, 1)
    gain, low, high = (scale * value for value in (row.gain, row.gain_low, row.gain_high))
    return f"{gain:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def scores_of_run() -> pd.DataFrame:
    """Return every score in results/evaluate/ of the experiments that results/eval.csv names."""
    names = read_eval(RESULTS / "eval.csv")["experiment"].unique()
    paths = [RESULTS / f"evaluate/{name}/scores.parquet" for name in names]
    # The tiny base has a row of its own there, and no experiment's folder.
    tables = [read_scores(path) for path in paths if path.exists()]
    return pd.concat(tables, ignore_index=True)


def answers(run_name: str) -> str:
    """Return a table of the accuracies in results/eval.csv, which that run has written."""
    rows = read_eval(RESULTS / "eval.csv")
    rows = rows[(rows["metric"] == "accuracy")].sort_values(["form", "family"])
    lines = [
        f"Accuracy of {run_name} on unseen scenes (`results/eval.csv`):",
        "",
        "| family | form | n | scenes | score | blind | blank | majority | gain, 95 % interval |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.itertuples():
        values = (row.value, row.blind, row.blank, row.majority)
        percent = " | ".join(format_value("accuracy", value) for value in values)
        lines.append(
            f"| {row.family.replace('_', ' ')} | {row.form} | {row.n} | {row.num_scenes} "
            f"| {percent} | {format_gain(row)} |"
        )
    return "\n".join(lines)


def keypoints() -> str:
    """Return a table of the errors of 3D keypoints by method and noise."""
    rows = scores_of_run()
    rows = rows[
        (rows["metric"] == "mpjpe_mm")
        & (rows["family"] == ALL)
        & (rows["keypoint"] == ALL)
        & (rows["views"] == "all")
    ]
    method = rows["method"].where(rows["method"] != LEARNED, rows["experiment"])
    table = rows.assign(method=method).drop_duplicates(["method", "noise"])
    errors = table.pivot(index="method", columns="noise", values="value")
    errors = errors.sort_values(errors.columns[-1], ascending=False)
    lines = [
        "Mean error (`mpjpe_mm`) of the default run on unseen episodes, all cameras, under",
        "multiples of the published noise (`results/evaluate/*/scores.csv`):",
        "",
        "| | " + " | ".join(errors.columns) + " |",
        "|---" * (1 + len(errors.columns)) + "|",
    ]
    for name, values in errors.iterrows():
        lines.append(f"| `{name}` | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    return "\n".join(lines)


def detected_keypoints() -> str:
    """Return a table of the errors of keypoints detected in images."""
    rows = scores_of_run()
    rows = rows[(rows["keypoint"] == ALL) & (rows["views"] == "all")]
    rows = rows[rows["metric"] != "parameters"].drop_duplicates(["method", "metric"])
    table = rows.pivot(index="method", columns="metric", values="value")
    median = rows[rows["metric"] == "median_mm"].set_index("method")
    points, episodes = median["n"].iloc[0], median["num_scenes"].iloc[0]
    lines = [
        "Errors in mm of `make eval CONFIG=studies/detector.yaml` "
        f"(`results/evaluate/*/scores.csv`): {episodes} unseen episodes, {points:,} points,",
        "four cameras; a point has an estimate where two cameras detect it with confidence:",
        "",
        "| triangulation | median, 95 % interval | mean | estimated |",
        "|---|---|---|---|",
    ]
    for name, values in table.sort_values("mpjpe_mm", ascending=False).iterrows():
        low, high = median.loc[name, ["ci_low", "ci_high"]]
        lines.append(
            f"| `{name}` | {values['median_mm']:.1f} ({low:.1f} to {high:.1f}) "
            f"| {values['mpjpe_mm']:.1f} | {100 * values['estimated_fraction']:.0f} % |"
        )
    return "\n".join(lines)


def figures() -> str:
    """Return a table of benchmarks/figures.csv, the machine above it."""
    rows = pd.read_csv(ROOT / "benchmarks/figures.csv", dtype=str, keep_default_na=False)
    machine = rows[rows["benchmark"] == "machine"]
    lines = [
        f"Measured on {machine['name'].iloc[0]}; one alone: `python -m benchmarks.run renderer`.",
        "",
        "| benchmark | figure | measured | beside it |",
        "|---|---|---|---|",
    ]
    for row in rows[rows["benchmark"] != "machine"].itertuples():
        lines.append(f"| `{row.benchmark}` | {row.name} | {row.measured} | {row.reference} |")
    return "\n".join(lines)


def gallery() -> None:
    """Copy pictures of the run, small enough for a page."""
    for name, source in GALLERY.items():
        with Image.open(ROOT / source) as image:
            picture = image.convert("RGB")
        picture.thumbnail(MAX_SIDE_PX, Image.Resampling.LANCZOS)
        target = ROOT / f"results/gallery/{name}.jpg"
        target.parent.mkdir(exist_ok=True)
        picture.save(target, quality=85)


# Blocks by the study whose results they show; "" is the default run.
BLOCKS: dict[str, dict[str, tuple[Path, Callable[[], str]]]] = {
    "": {
        "runtime": (ROOT / "README.md", runtime),
        "headline": (ROOT / "README.md", headline),
        "scores": (PAGE, lambda: answers("the default run")),
        "keypoints": (PAGE, keypoints),
        "costs": (PAGE, cost_table),
        "figures": (PAGE, figures),
    },
    "named": {"named": (PAGE, lambda: answers("`make eval CONFIG=studies/named.yaml`"))},
    "detector": {"detector": (PAGE, detected_keypoints)},
    "rooms": {
        "rooms": (
            ROOT / "docs/reconstruction.md",
            lambda: room_tables.room_scores(read_eval(RESULTS / "eval.csv")),
        )
    },
    "scans": {
        "scans": (
            ROOT / "docs/video.md",
            lambda: scan_tables.scan_scores(read_eval(RESULTS / "eval.csv")),
        )
    },
}


def main(*, study: str = "") -> None:
    """Rewrite the tables of README.md and docs/results.md, and the gallery.

    Args:
        study: Whose results these are (a name under studies/); empty for the default run.
    """
    if study not in BLOCKS:
        raise UserError(f"--study {study}: no table is about it; choose {', '.join(BLOCKS)[2:]}")
    for name, (page, content) in BLOCKS[study].items():
        text = replace_block(page.read_text(encoding="utf-8"), name, content())
        page.write_text(text, encoding="utf-8")
    if not study:
        gallery()


if __name__ == "__main__":
    run(main)
