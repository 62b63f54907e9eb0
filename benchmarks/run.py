"""Run every benchmark and write what they print to benchmarks/figures.txt, which README quotes.

Run it on a quiet machine: `python -m benchmarks.run`.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("generator", "renderer", "pointclouds", "storage", "vqa")


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
    parts = [f"{os.cpu_count()} cores, {processor()}, Python {platform.python_version()}"]
    for name in BENCHMARKS:
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        parts.append(f"python -m benchmarks.{name}\n{done.stdout.rstrip()}")
        print(parts[-1], flush=True)
    text = "\n\n".join(parts) + "\n"
    (HERE / "figures.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
