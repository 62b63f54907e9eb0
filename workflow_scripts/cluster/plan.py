"""Estimate a run from earlier runs: jobs, GPU-hours and wall-clock time.

The jobs of each rule come from a dry run, seconds from Snakemake's benchmark files. What is
assumed is printed below the table.
"""

import csv
import json
import logging
import math
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.shards import Shard, count_scenes
from workflow_scripts.common.storage import read_json, write_json, write_text
from workflow_scripts.experiments import EXPERIMENT_KINDS
from workflow_scripts.sources import SOURCES

logger = logging.getLogger(__name__)

EXAMPLE_JOBS = Path(__file__).with_name("example_jobs.tsv")
EXAMPLE_SCENES = 10_000
# Steps of a training are set in the configuration, whatever the number of scenes.
TRAINING_BENCHMARKS = "results/benchmarks/train/"
OVERHEAD_S = 60
ASSUMPTIONS = f"""\
Assumed: a job's seconds grow with its scenes (those of the first source that is on), except in
trainings, whose steps the configuration sets, and in jobs of other sources, which are as before;
rules run one after another, each with as many jobs at once as the profile's caps allow;
{OVERHEAD_S} s for each round of jobs until their end is noticed; no queue, no failures; GPUs,
processors, configuration as when measured. A training's seconds include its own wait in the queue.
"""


@dataclass(frozen=True)
class MeasuredJobs:
    """Earlier jobs of a rule: how many, mean seconds, mean scenes of one."""

    jobs: int
    seconds: float
    scenes: float


@dataclass(frozen=True)
class PlanRow:
    """A rule's line of the plan; hours are None where nothing was measured."""

    rule: str
    jobs: int
    slots: int
    seconds_per_job: float | None
    gpu_hours: float | None
    wall_hours: float | None


def write_rule_resources(
    workflow: Any, shards: Mapping[str, Mapping[str, Shard]], path: Path
) -> Path:
    """Write what the plan reads of a parsed workflow: benchmark files, GPUs, caps.

    `shards` are those of each source; the plan grows with the scenes of the first source.
    """
    settings = workflow.resource_settings
    scored = {f"score_{kind.name}": kind.scorer.scene_kind for kind in EXPERIMENT_KINDS.values()}
    rules: dict[str, Any] = {}
    for rule in workflow.rules:
        values = {name: resource.raw for name, resource in rule.resources.items()}
        cores = values["_cores"] if isinstance(values.get("_cores"), int) else 1
        if workflow.is_local(rule):
            slots = max(1, (settings.local_cores or settings.cores or 1) // max(1, cores))
        else:
            slots = settings.nodes or 1
        for name, cap in workflow.global_resources.items():
            wanted, limit = values.get(name), getattr(cap, "raw", cap)
            if not name.startswith("_") and isinstance(limit, int) and isinstance(wanted, int):
                slots = min(slots, max(1, limit // wanted)) if wanted else slots
        rules[rule.name] = {
            "benchmark": rule.benchmark.regex().pattern if rule.benchmark else None,
            "gpu": values["gpu"] if isinstance(values.get("gpu"), int) else 0,
            "slots": slots,
            "scene_kind": scored.get(rule.name),
        }
    source, source_shards = next(iter(shards.items()))
    plan = {
        "scenes": count_scenes(source_shards),
        "shards": len(source_shards),
        "source": source,
        "rules": rules,
    }
    write_json(path, plan)
    return path


def read_measured_jobs(
    rules: Mapping[str, Any], results: Path, source: str
) -> dict[str, MeasuredJobs]:
    """Read the benchmark files of earlier runs, and count the scenes that their jobs had.

    Jobs of other sources than the one whose scenes are counted have none: they do not grow. Where
    the path of a rule names no source, the rule's `scene_kind` may say which scenes it grows with.
    """
    shards = {
        path.stem: len(path.read_text(encoding="utf-8").splitlines())
        for path in sorted((results / "scenes" / source).glob("*.jsonl"))
    }
    total_scenes = sum(shards.values())
    files = [path.as_posix() for path in sorted((results / "benchmarks").rglob("*.tsv"))]
    counted_kind = SOURCES[source].scene_kind if source in SOURCES else None
    measured = {}
    for rule, rule_info in rules.items():
        if rule_info["benchmark"] is None:
            continue
        seconds, scenes = [], []
        for file in files:
            start = file.find("results/benchmarks/")
            match = re.fullmatch(rule_info["benchmark"].rstrip("$"), file[start:])
            job_seconds = read_seconds(Path(file)) if match else None
            if match is None or job_seconds is None:
                continue
            groups = match.groupdict()
            seconds.append(job_seconds)
            is_other = groups.get("source", source) != source
            if is_other or rule_info.get("scene_kind") not in (None, counted_kind):
                scenes.append(0)
            else:
                scenes.append(shards.get(groups["shard"], 0) if "shard" in groups else total_scenes)
        if seconds:
            number = len(seconds)
            measured[rule] = MeasuredJobs(number, sum(seconds) / number, sum(scenes) / number)
    return measured


def read_seconds(path: Path) -> float | None:
    """Return a benchmark's mean seconds, None if the file is incomplete."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row.get("s") for row in csv.DictReader(file, delimiter="\t")]
    try:
        seconds = [float(row) for row in rows if row is not None]
    except ValueError:
        return None
    return sum(seconds) / len(seconds) if seconds else None


def read_example(path: Path = EXAMPLE_JOBS) -> dict[str, MeasuredJobs]:
    """Read the shipped table of measured jobs."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    return {
        row["rule"]: MeasuredJobs(int(row["jobs"]), float(row["seconds"]), float(row["scenes"]))
        for row in csv.DictReader(lines, delimiter="\t")
    }


def write_example(measured: Mapping[str, MeasuredJobs], path: Path, comment: str) -> None:
    """Write a table like the shipped one."""
    lines = [f"# {comment}", "rule\tjobs\tseconds\tscenes"]
    lines += [
        f"{rule}\t{rule_info.jobs}\t{rule_info.seconds:.2f}\t{rule_info.scenes:g}"
        for rule, rule_info in measured.items()
    ]
    write_text(path, "\n".join(lines) + "\n")


def estimate(
    counts: Mapping[str, int],
    rules: Mapping[str, Any],
    measured: Mapping[str, MeasuredJobs],
    *,
    scenes: int,
    shards: int,
) -> list[PlanRow]:
    """Return a row for each rule that has jobs.

    A rule with a job for each shard has `scenes / shards` scenes in a job, any other has all.
    """
    rows = []
    for rule, jobs in counts.items():
        rule_info = rules.get(rule, {"gpu": 0, "slots": 1, "benchmark": None})
        slots = min(jobs, rule_info["slots"])
        if rule not in measured:
            rows.append(PlanRow(rule, jobs, slots, None, None, None))
            continue
        known = measured[rule]
        per_shard = "(?P<shard>" in (rule_info["benchmark"] or "")
        now = scenes / max(shards, 1) if per_shard else scenes
        is_training = (rule_info["benchmark"] or "").startswith(TRAINING_BENCHMARKS)
        grows = not is_training and known.scenes > 0
        seconds = known.seconds * (now / known.scenes if grows else 1)
        rounds = math.ceil(jobs / slots)
        rows.append(
            PlanRow(
                rule,
                jobs,
                slots,
                seconds,
                jobs * seconds * rule_info["gpu"] / 3600,
                rounds * (seconds + OVERHEAD_S) / 3600,
            )
        )
    return rows


def format_table(rows: Sequence[PlanRow], measured: Mapping[str, MeasuredJobs]) -> str:
    """Return the plan as text, sums last."""
    form = "{:<20} {:>6} {:>8} {:>12} {:>10} {:>11}  {}\n"
    names = ("rule", "jobs", "at once", "one job", "GPU-hours", "wall-clock", "from")
    text = form.format(*names)
    for row in rows:
        if row.seconds_per_job is None or row.gpu_hours is None or row.wall_hours is None:
            text += form.format(row.rule, row.jobs, row.slots, *3 * ("unknown",), "no benchmark")
            continue
        known = measured[row.rule]
        text += form.format(
            row.rule,
            row.jobs,
            row.slots,
            format_hours(row.seconds_per_job / 3600),
            f"{row.gpu_hours:.1f}",
            format_hours(row.wall_hours),
            f"{known.jobs} jobs of {known.seconds:.0f} s with {known.scenes:g} scenes",
        )
    unknown = sum(row.gpu_hours is None for row in rows)
    sums = f"{sum(row.gpu_hours or 0 for row in rows):.1f}"
    wall = format_hours(sum(row.wall_hours or 0 for row in rows))
    note = f"and {unknown} unknown rule{'s' * (unknown > 1)}" if unknown else ""
    return text + form.format("sum", sum(row.jobs for row in rows), "", "", sums, wall, note)


def format_hours(hours: float) -> str:
    """Write hours in the unit that reads best."""
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h"


def count_jobs(
    arguments: Sequence[str], *, config: Path | None = None, all_jobs: bool = False
) -> dict[str, int]:
    """Return the jobs of each rule in a dry run started as this Snakemake was."""
    words = [word for word in arguments if word not in ("plan", "--dry-run", "-n")]
    option = next((word for word in words if word in ("--configfile", "--configfiles")), None)
    if config and option:
        index = words.index(option) + 1
        while index < len(words) and not words[index].startswith("-"):
            index += 1  # the last file wins
        words.insert(index, str(config))
    elif config:
        words += ["--configfile", str(config)]
    words += ["--dry-run", "--nolock", "--quiet", "host", *(["--forceall"] if all_jobs else [])]
    command = [sys.executable, "-m", "snakemake", "all", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"the dry run failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return read_counts(done.stdout + done.stderr)


def read_counts(printed: str) -> dict[str, int]:
    """Read Snakemake's table of jobs; target rules and sums are left out."""
    counts: dict[str, int] = {}
    inside = False
    for line in printed.splitlines():
        words = line.split()
        if words == ["job", "count"]:
            inside = True
        elif inside and len(words) == 2 and words[1].isdigit():
            counts[words[0]] = int(words[1])
        elif inside and not words:
            inside = False
    return {rule: count for rule, count in counts.items() if rule not in ("all", "total")}


def main(*, rules: Path, arguments: str, results: Path = Path("results"), save: str = "") -> None:
    """Print the plan of what is left to do, and of an example with 10,000 scenes.

    Args:
        rules: JSON of the workflow's rules.
        arguments: The arguments of Snakemake, as JSON.
        results: Folder of earlier results.
        save: Write the measured jobs to this table and stop.
    """
    saved = read_json(rules)
    measured = read_measured_jobs(saved["rules"], results, saved["source"])
    if save:
        write_example(measured, Path(save), "Means of earlier jobs.")
        return
    words = json.loads(arguments)
    counts = count_jobs(words)
    rows = estimate(
        counts, saved["rules"], measured, scenes=saved["scenes"], shards=saved["shards"]
    )
    noun = f"{SOURCES[saved['source']].scene_kind}s"
    sys.stdout.write(f"\nThis configuration, {saved['scenes']} {noun}: what is left to do\n")
    sys.stdout.write(format_table(rows, measured) if rows else "nothing\n")
    example_settings = SOURCES[saved["source"]].example_settings
    if example_settings:
        config = rules.with_name("many_scenes.json")
        write_json(config, {"sources": {saved["source"]: dict(example_settings(EXAMPLE_SCENES))}})
        counts = count_jobs(words, config=config, all_jobs=True)
        example = read_example()
        shards = counts.get("sample_scenes", 1)
        rows = estimate(counts, saved["rules"], example, scenes=EXAMPLE_SCENES, shards=shards)
        sys.stdout.write(f"\nAn example, {EXAMPLE_SCENES} {noun}, from {EXAMPLE_JOBS.name}\n")
        sys.stdout.write(format_table(rows, example))
    sys.stdout.write("\n" + ASSUMPTIONS)


if __name__ == "__main__":
    run(main)
