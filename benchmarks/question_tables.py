"""Memory and time of what reads all questions, on a synthetic split, and how they grow.

Run `python -m benchmarks.question_tables`. Each command runs in a process of its own, whose CPU
seconds and peak memory are those that the system counts. Nothing is rendered. About ten gigabytes
lie in a temporary folder meanwhile; `--num-questions 300000` takes a tenth of it and of the time.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.figures import Figure, report_figures
from testing.vqa.synthetic_tables import SyntheticHouses
from workflow_scripts.common.cli import run
from workflow_scripts.common.storage import remove, write_records

Command = Literal["first batch", "predict", "score", "card", "merge_questions"]
COMMANDS: tuple[Command, ...] = get_args(Command)
QUESTIONS_PER_HOUSE = 300
MAX_RANK_GB, MAX_FIRST_BATCH_S, MAX_JOB_GB = 1.0, 5.0, 4.0
# What a rank of a training does until its first batch, and what it then holds. Imports are not
# counted as time, but as memory.
FIRST_BATCH = """
import resource, sys, time
from pathlib import Path
import torch, transformers, peft
from workflow_scripts.common.question_table import content_digest
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_processor
from workflow_scripts.train.vlm.conversation_dataset import Collator, read_conversations
table, images = map(Path, sys.argv[1:])
collator = Collator(make_processor(TinyVlmConfig()))
start = time.perf_counter()
content_digest(table)
conversations = read_conversations(table, images=images)
order = torch.randperm(len(conversations), generator=torch.Generator().manual_seed(7))
codes = conversations.picture_codes()
batch = collator([conversations[int(index)] for index in order[:16]])
print(time.perf_counter() - start)
"""
# Reads the items that a part of predicting asks about, chunk by chunk.
READ_ITEMS = """
import sys
from pathlib import Path
from workflow_scripts.evaluate.eval_items import open_items
items = open_items(Path(sys.argv[1]))
count = 0
for start in range(0, len(items), 256):
    count += len([item.question for item in items[start:start + 256]])
assert count == len(items)
"""


@dataclass(frozen=True)
class Usage:
    """What a process took: seconds of all its cores, seconds of the clock, peak memory; prints."""

    cpu_s: float
    wall_s: float
    gigabytes: float
    output: str


def measure(*words: str | Path) -> Usage:
    """Run Python with arguments; raises if it fails."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, *map(str, words)], stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, words))[:200]}: failed")
        output.seek(0)
        text = output.read().decode()
    return Usage(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / 1e6, text)


def measure_commands(
    folder: Path, num_houses: int, names: Sequence[Command] = COMMANDS
) -> dict[Command, Usage]:
    """Return what each of these commands takes on so many houses, by its name in the table."""
    houses = SyntheticHouses(num_houses, questions_per_house=QUESTIONS_PER_HOUSE)
    table = folder / "train.parquet"
    if set(names) - {"merge_questions"}:
        houses.write_table(table)
    usages = {}
    for name in names:
        place = folder / "command"
        place.mkdir()
        words = _ARGUMENTS[name](houses, table, place)
        usages[name] = measure(*words)
        remove(place)
    remove(table)
    return usages


def _first_batch(houses: SyntheticHouses, table: Path, folder: Path) -> list[str | Path]:
    houses.write_pictures(folder)
    return ["-c", FIRST_BATCH, table, folder]


def _read_items(houses: SyntheticHouses, table: Path, folder: Path) -> list[str | Path]:
    return ["-c", READ_ITEMS, table]


def _score(houses: SyntheticHouses, table: Path, folder: Path) -> list[str | Path]:
    flags: list[str | Path] = ["--questions", table, "--training", table]
    for name in ("image", "blind", "blank"):
        houses.write_answers(folder / f"{name}.jsonl", name)
        flags += [f"--{name}", folder / f"{name}.jsonl"]
    module = "workflow_scripts.evaluate.score"
    flags += ["--experiment", "synthetic", "--seed", "7", "--out", folder / "scores.parquet"]
    return ["-m", module, *flags]


def _card(houses: SyntheticHouses, table: Path, folder: Path) -> list[str | Path]:
    dropped = folder / "dropped.jsonl"
    write_records(dropped, [])
    flags = ["--questions", table, "--dropped", dropped, "--made-with", "{}"]
    return ["-m", "workflow_scripts.vqa.export.card", *flags, "--out", folder / "README.md"]


def _merge(houses: SyntheticHouses, table: Path, folder: Path) -> list[str | Path]:
    paths = houses.write_shards(folder)
    flags = ["--out", folder / "merged", "--seed", "7"]
    return ["-m", "workflow_scripts.vqa.merge", "--shards", *paths, *flags]


_ARGUMENTS: dict[Command, Callable[[SyntheticHouses, Path, Path], list[str | Path]]] = {
    "first batch": _first_batch,
    "predict": _read_items,
    "score": _score,
    "card": _card,
    "merge_questions": _merge,
}


def main(
    *,
    num_questions: int = 3_000_000,
    curve: tuple[int, ...] = (50, 500, 5000),
    commands: tuple[Command, ...] = COMMANDS,
    folder: Path | None = None,
) -> None:
    """Print the memory and time of a large split beside their goals, and the curve over houses.

    Args:
        num_questions: questions of the large split; 0 leaves it out.
        curve: numbers of houses.
        commands: what is measured.
        folder: where the files go; the system's temporary folder unless told.
    """
    figures = []
    if num_questions:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            usages = measure_commands(
                Path(place), -(-num_questions // QUESTIONS_PER_HOUSE), commands
            )
        figures += figures_of_split(usages, num_questions)
    if curve:
        by_houses = {}
        for num_houses in curve:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                by_houses[num_houses] = measure_commands(Path(place), num_houses, commands)
        figures += figures_of_curve(by_houses)
    report_figures("tables", figures)


def figures_of_split(usages: Mapping[Command, Usage], num_questions: int) -> list[Figure]:
    """Return the figures of a large split beside their goals."""
    split = f"{num_questions:,} questions"
    figures = []
    for name, usage in usages.items():
        if name == "first batch":
            seconds, goal_s = float(usage.output), f"goal: at most {MAX_FIRST_BATCH_S:.0f} s"
            figures.append(
                Figure(f"{split}: to a training's first batch", f"{seconds:.1f} s", goal_s)
            )
        figures.append(
            Figure(
                f"{split}: memory of {'a rank of a training' if name == 'first batch' else name}",
                f"{usage.gigabytes:.2f} GB",
                f"goal: at most {MAX_RANK_GB if name == 'first batch' else MAX_JOB_GB:.0f} GB; "
                f"{usage.cpu_s:.0f} CPU seconds",
            )
        )
    return figures


def figures_of_curve(by_houses: Mapping[int, Mapping[Command, Usage]]) -> list[Figure]:
    """Return CPU seconds and memory by number of houses: they should grow no faster than it."""
    names = list(next(iter(by_houses.values())))
    return [
        Figure(
            f"{name}, CPU seconds at {', '.join(f'{count:,}' for count in by_houses)} houses",
            ", ".join(f"{usages[name].cpu_s:.1f}" for usages in by_houses.values()),
            "memory "
            + ", ".join(f"{usages[name].gigabytes:.2f}" for usages in by_houses.values())
            + " GB",
        )
        for name in names
    ]


if __name__ == "__main__":
    run(main)
