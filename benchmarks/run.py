"""Run every benchmark and write benchmarks/figures.csv, from which README's table is made.

Run it on a quiet machine: `python -m benchmarks.run`.
"""

import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import COLUMNS, FILE_VARIABLE

HERE = Path(__file__).parent
BENCHMARKS = (
    "generator",
    "renderer",
    "pointclouds",
    "objects",
    "storage",
    "vqa",
    "questions",
    "pose",
    "robots",
    "cluster",
)


def processor() -> str:
    """Return the name of the processor."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor()


def main() -> None:
    """Run the benchmarks one after the other; a failing one stops everything."""
    kept = HERE / "figures.csv"
    machine = f"{os.cpu_count()} cores, {processor()}, Python {platform.python_version()}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / kept.name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS, ("machine", machine, "", "")])
        for name in BENCHMARKS:
            print(f"\npython -m benchmarks.{name}", flush=True)
            subprocess.run(
                [sys.executable, "-m", f"benchmarks.{name}"],
                cwd=HERE.parent,
                env={**os.environ, FILE_VARIABLE: str(path)},
                check=True,
            )
        shutil.copy(path, kept)


if __name__ == "__main__":
    main()
