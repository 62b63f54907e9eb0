"""Bring what README quotes up to date: the picture of the rules, figures, scores, the gallery.

Reads results/ of a finished run and benchmarks/figures.csv; writes README.md and results/gallery/.
After `make eval CONFIG=studies/named.yaml`, `python -m benchmarks.update_readme --study named` brings the
scores of that study up to date, and nothing else; so with `eyes`.
"""

import re
import subprocess
from pathlib import Path

import pandas as pd
from PIL import Image

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError

ROOT = Path(__file__).parents[1]
GALLERY = {
    "views": "results/views/procthor/0004.png",
    "scenes": "results/scenes/procthor/0001.png",
    "pointclouds": "results/pointclouds/procthor/0004.png",
    "vqa": "results/vqa/procthor/0004.png",
}
MAX_SIDE_PX = (1500, 1150)


def replace_block(text: str, name: str, content: str) -> str:
    """Return the text with the block of that name filled with new content."""
    pattern = rf"<!-- {name} -->.*?<!-- /{name} -->"
    block = f"<!-- {name} -->\n{content.strip()}\n<!-- /{name} -->"
    filled, count = re.subn(pattern, lambda _: block, text, flags=re.DOTALL)
    if count != 1:
        raise UserError(f"README.md: needs one block <!-- {name} --> ... <!-- /{name} -->")
    return filled


def rulegraph() -> str:
    """Return the graph of the rules in mermaid, without Snakemake's colours.

    Snakemake prints the arrows in the order of a set, so they are sorted.
    """
    done = subprocess.run(
        ["snakemake", "--rulegraph", "mermaid-js"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    nodes = [line for line in lines if re.match(r"id\d+\[", line)]
    arrows = [line for line in lines if re.match(r"id\d+ -->", line)]
    arrows.sort(key=lambda arrow: [int(number) for number in re.findall(r"\d+", arrow)])
    return "```mermaid\nflowchart LR\n  " + "\n  ".join(nodes + arrows) + "\n```"


def scores(run_name: str) -> str:
    """Return a table of the accuracies in results/eval.csv, which that run has written."""
    rows = pd.read_csv(ROOT / "results/eval.csv")
    asked = (rows["metric"] == "accuracy") & (rows["benchmark"] != "pose")
    rows = rows[asked].sort_values(["form", "family"])
    lines = [
        f"Accuracy of {run_name} on houses it has never seen (`results/eval.csv`):",
        "",
        "| family | form | n | houses | with the picture | without | grey picture "
        "| commonest answer | gain over without and grey, 95 % interval |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.itertuples():
        lines.append(
            f"| {row.family.replace('_', ' ')} | {row.form} | {row.n} | {row.num_scenes} "
            f"| {100 * row.value:.0f} % | {100 * row.blind:.0f} % "
            f"| {100 * row.blank:.0f} % | {100 * row.majority:.0f} % "
            f"| {100 * row.gain:+.0f} ({100 * row.gain_low:+.0f} to {100 * row.gain_high:+.0f}) |"
        )
    return "\n".join(lines)


def keypoints() -> str:
    """Return a table of the errors of 3D keypoints in results/eval.csv, by method and noise."""
    rows = pd.read_csv(ROOT / "results/eval.csv")
    everything = (rows["family"] == "all") & (rows["keypoint"] == "all") & (rows["views"] == "all")
    rows = rows[everything & (rows["metric"] == "mpjpe_mm")]
    named = rows["method"].where(rows["method"] != "learned", rows["experiment"])
    table = rows.assign(method=named).drop_duplicates(["method", "noise"])
    errors = table.pivot(index="method", columns="noise", values="value")
    errors = errors.sort_values(errors.columns[-1], ascending=False)
    lines = [
        "Mean error (MPJPE) in mm of the default run on unseen episodes, all cameras, under",
        "multiples of the published noise (`results/eval.csv`):",
        "",
        "| | " + " | ".join(errors.columns) + " |",
        "|---" * (1 + len(errors.columns)) + "|",
    ]
    for method, values in errors.iterrows():
        lines.append(f"| `{method}` | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    return "\n".join(lines)


def detections() -> str:
    """Return a table of the errors of keypoints found in pictures, in results/eval.csv."""
    rows = pd.read_csv(ROOT / "results/eval.csv")
    everything = (rows["keypoint"] == "all") & (rows["views"] == "all")
    rows = rows[everything & rows["method"].notna()]
    table = rows.pivot(index="method", columns="metric", values="value")
    median = rows[rows["metric"] == "median_mm"].set_index("method")
    frames, episodes = median["n"].iloc[0], median["num_houses"].iloc[0]
    lines = [
        "Errors in mm of `make eval CONFIG=studies/eyes.yaml` (`results/eval.csv`): "
        f"{episodes} unseen episodes, {frames:,} points,",
        "four cameras; a point is found where two cameras are sure of it:",
        "",
        "| triangulation | median, 95 % interval | mean | found |",
        "|---|---|---|---|",
    ]
    for method, values in table.sort_values("mpjpe_mm", ascending=False).iterrows():
        low, high = median.loc[method, ["ci_low", "ci_high"]]
        lines.append(
            f"| `{method}` | {values['median_mm']:.1f} ({low:.1f} to {high:.1f}) "
            f"| {values['mpjpe_mm']:.1f} | {100 * values['found']:.0f} % |"
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
        lines.append(f"| `{row.benchmark}` | {row.name} | {row.measured} | {row.beside} |")
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


def main(*, study: str = "") -> None:
    """Rewrite the blocks of README.md and the gallery.

    Args:
        study: Whose results these are (a name under studies/); empty for the default run.
    """
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    if study == "eyes":
        text = replace_block(text, study, detections())
    elif study:
        text = replace_block(text, study, scores(f"`make eval CONFIG=studies/{study}.yaml`"))
    else:
        text = replace_block(text, "rulegraph", rulegraph())
        text = replace_block(text, "figures", figures())
        text = replace_block(text, "scores", scores("the default run"))
        text = replace_block(text, "keypoints", keypoints())
        gallery()
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)
