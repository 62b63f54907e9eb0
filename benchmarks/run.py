"""Run every benchmark and write benchmarks/figures.csv, from which README's table is made.

Run it on a quiet machine: `python -m benchmarks.run`. Names run only those again, and keep the
other figures: `python -m benchmarks.run renderer storage`.
"""

import csv
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal, get_args

import tyro

from benchmarks.figures import COLUMNS, FILE_VARIABLE
from workflow_scripts.common.cli import run
from workflow_scripts.common.storage import atomic_write

HERE = Path(__file__).parent
Name = Literal[
    "generator",
    "renderer",
    "shared_light",
    "pointclouds",
    "frame_selection",
    "scan_fusion",
    "token_coordinates",
    "objects",
    "storage",
    "vqa",
    "questions",
    "tables",
    "rooms",
    "pose",
    "robots",
    "packing",
    "caption_metrics",
    "cluster",
]
# Modules that are not called as their benchmark.
MODULES: dict[Name, str] = {
    "generator": "house_generator",
    "objects": "object_measurement",
    "vqa": "question_accuracy",
    "questions": "question_rate",
    "tables": "question_tables",
    "rooms": "room_scores",
    "pose": "pose_training",
    "robots": "robot_simulator",
}
BENCHMARKS = get_args(Name)


def processor() -> str:
    """Return the name of the processor."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor()


def main(names: tyro.conf.Positional[tuple[Name, ...]] = (), /) -> None:
    """Run benchmarks one after the other; each one's figures are kept as it ends.

    Args:
        names: Which; none for all.
    """
    kept = HERE / "figures.csv"
    machine = f"{os.cpu_count()} cores, {processor()}, Python {platform.python_version()}"
    known = [row for row in _rows(kept) if row[0] in BENCHMARKS]
    for name in names or BENCHMARKS:
        measured = _measured(name)
        known = [row for row in known if row[0] != name] + measured
        known.sort(key=lambda row: BENCHMARKS.index(row[0]))
        with atomic_write(kept) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS, ("machine", machine, "", ""), *known])


def _rows(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def module_of(name: Name) -> str:
    """Return the module of a benchmark."""
    return f"benchmarks.{MODULES.get(name, name)}"


def _measured(name: Name) -> list[list[str]]:
    """Run a benchmark and return the rows of its figures."""
    print(f"\npython -m {module_of(name)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.csv"
        subprocess.run(
            [sys.executable, "-m", module_of(name)],
            cwd=HERE.parent,
            env={**os.environ, FILE_VARIABLE: str(path)},
            check=True,
        )
        return _rows(path)


if __name__ == "__main__":
    run(main)
