"""What every rule of a run took, from the benchmark files that Snakemake writes, and its imports.

Run `python -m benchmarks.rule_costs` after a run; `benchmarks.update_readme` puts the table into
docs/results.md. CPU seconds are those that Snakemake sampled over a job and its processes. What a
job spends in imports is measured here: the CPU seconds of importing its command, best of three.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments import EXPERIMENT_KINDS

ROOT = Path(__file__).parents[1]
BENCHMARK_FILES = ROOT / "results/benchmarks"
REPEAT = 3


@dataclass(frozen=True)
class RuleCost:
    """What the jobs of a rule took together; memory is that of the largest."""

    rule: str
    jobs: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    imports_s: float


def modules_by_rule() -> dict[str, str]:
    """Return the module of the command of every rule."""
    modules = {}
    for path in (ROOT / "rules").glob("*.smk"):
        parts = re.split(r"^ *rule (\w+):$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if match := re.search(r"python -m (workflow_scripts[\w.]+)", text):
                modules[name] = match.group(1)
    for kind in EXPERIMENT_KINDS.values():
        modules[f"score_{kind.name}"] = kind.scorer.module
        for predictor in kind.predictors:
            modules[predictor.rule] = predictor.module
        for rule in kind.training.rules if kind.training else ():
            assert kind.training
            modules[rule.name] = kind.training.module
    return modules


@cache
def import_cpu_s(module: str) -> float:
    """Return the least CPU seconds that a process needs to import a module."""
    seconds = []
    for _ in range(REPEAT):
        process = subprocess.Popen([sys.executable, "-c", f"import {module}"], cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise UserError(f"{module}: cannot be imported")
        seconds.append(used.ru_utime + used.ru_stime)
    return min(seconds)


def read_jobs(folder: Path = BENCHMARK_FILES) -> pd.DataFrame:
    """Return a row for each job of a run: rule, s, cpu_time, max_rss, and end_s of its file."""
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
        rule = path.relative_to(folder).with_suffix("").parts[1]
        values = table[["s", "cpu_time", "max_rss"]].iloc[0]
        rows.append({"rule": rule, "end_s": path.stat().st_mtime, **values})
    if not rows:
        raise UserError(f"{folder}: no benchmark files; run the workflow first")
    return pd.DataFrame(rows)


def run_length_s(folder: Path = BENCHMARK_FILES) -> float:
    """Return the seconds from the start of a run's first job to the end of its last.

    That is how long a run took that was not interrupted.
    """
    jobs = read_jobs(folder)
    return float(jobs["end_s"].max() - (jobs["end_s"] - jobs["s"]).min())


def peak_memory_mb(folder: Path = BENCHMARK_FILES) -> float:
    """Return the memory of the largest job."""
    return float(read_jobs(folder)["max_rss"].max())


def read_costs(folder: Path) -> list[RuleCost]:
    """Return the costs of the rules of a run, the costliest first."""
    modules = modules_by_rule()
    costs = [
        RuleCost(
            rule=str(rule),
            jobs=len(group),
            cpu_s=float(group["cpu_time"].sum()),
            wall_s=float(group["s"].sum()),
            peak_mb=float(group["max_rss"].max()),
            imports_s=import_cpu_s(modules[str(rule)]) if str(rule) in modules else 0.0,
        )
        for rule, group in read_jobs(folder).groupby("rule")
    ]
    return sorted(costs, key=lambda cost: -cost.cpu_s)


def cost_table(folder: Path = BENCHMARK_FILES) -> str:
    """Return the costs of a run as a Markdown table, with their sum."""
    costs = read_costs(folder)
    jobs, cpu_s = (sum(getattr(cost, name) for cost in costs) for name in ("jobs", "cpu_s"))
    imports_s = sum(cost.jobs * cost.imports_s for cost in costs)
    lines = [
        f"CPU seconds by rule of the default run: {jobs} jobs, {cpu_s:,.0f} CPU seconds, of which "
        f"{imports_s:,.0f} are imports",
        "(`results/benchmarks/`; `python -m benchmarks.rule_costs`):",
        "",
        "| rule | jobs | CPU s | share | s of the clock | peak memory | imports, CPU s a job |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for cost in costs:
        lines.append(
            f"| `{cost.rule}` | {cost.jobs} | {cost.cpu_s:,.1f} | {cost.cpu_s / cpu_s:.0%} "
            f"| {cost.wall_s:,.1f} | {cost.peak_mb:,.0f} MB | {cost.imports_s:.2f} |"
        )
    return "\n".join(lines)


def main(*, folder: Path = BENCHMARK_FILES) -> None:
    """Print what every rule of a run took.

    Args:
        folder: `results/benchmarks` of the run.
    """
    print(cost_table(folder))


if __name__ == "__main__":
    run(main)
