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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.figures import Figure, report_figures
from testing.vqa.synthetic_tables import SyntheticHouses
from workflow_scripts.common.cli import run
from workflow_scripts.common.storage import remove

QUESTIONS_PER_HOUSE = 300
MAX_RANK_GB, MAX_FIRST_BATCH_S, MAX_JOB_GB = 1.0, 5.0, 4.0
CONDITIONS = ("image", "blind", "blank")
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


def measure_commands(folder: Path, num_houses: int) -> dict[str, Usage]:
    """Return what each command takes on so many houses, by its name in the table."""
    houses = SyntheticHouses(num_houses, questions_per_house=QUESTIONS_PER_HOUSE)
    table, vqa = folder / "train.parquet", folder / "vqa"
    vqa.mkdir()
    houses.write_table(table)
    houses.write_pictures(vqa)
    usages = {
        "first batch": measure("-c", FIRST_BATCH, table, vqa),
        "reading for predict": measure("-c", READ_ITEMS, table),
    }
    remove(vqa)
    answers = {name: folder / f"{name}.jsonl" for name in CONDITIONS}
    for name, path in answers.items():
        houses.write_answers(path, name)
    flags = [word for name, path in answers.items() for word in (f"--{name}", path)]
    usages["score"] = measure(
        *("-m", "workflow_scripts.evaluate.score", "--questions", table, "--training", table),
        *(*flags, "--experiment", "synthetic", "--seed", "7", "--out", folder / "scores.parquet"),
    )
    for path in answers.values():
        remove(path)
    dropped, made_with = folder / "dropped.jsonl", "{}"
    dropped.touch()
    usages["card"] = measure(
        *("-m", "workflow_scripts.vqa.export.card", "--questions", table, "--dropped", dropped),
        *("--made-with", made_with, "--out", folder / "README.md"),
    )
    remove(table)
    shards, merged = folder / "shards", folder / "merged"
    shards.mkdir()
    paths = houses.write_shards(shards)
    usages["merge_questions"] = measure(
        *("-m", "workflow_scripts.vqa.merge", "--shards", *paths, "--out", merged, "--seed", "7")
    )
    remove(shards)
    remove(merged)
    return usages


def main(
    *,
    num_questions: int = 3_000_000,
    curve: tuple[int, ...] = (50, 500, 5000),
    folder: Path | None = None,
) -> None:
    """Print the memory and time of a large split beside their goals, and the curve over houses.

    Args:
        num_questions: questions of the large split; 0 leaves it out.
        curve: numbers of houses.
        folder: where the files go; the system's temporary folder unless told.
    """
    figures = []
    if num_questions:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            usages = measure_commands(Path(place), -(-num_questions // QUESTIONS_PER_HOUSE))
        figures += figures_of_split(usages, num_questions)
    if curve:
        by_houses = {}
        for num_houses in curve:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                by_houses[num_houses] = measure_commands(Path(place), num_houses)
        figures += figures_of_curve(by_houses)
    report_figures("tables", figures)


def figures_of_split(usages: dict[str, Usage], num_questions: int) -> list[Figure]:
    """Return the figures of a large split beside their goals."""
    first = usages["first batch"]
    figures = [
        Figure(
            f"{num_questions:,} questions: to the first batch of a training",
            f"{float(first.output):.1f} s",
            f"goal: at most {MAX_FIRST_BATCH_S:.0f} s",
        ),
        Figure(
            f"{num_questions:,} questions: memory of a rank with its imports",
            f"{first.gigabytes:.2f} GB",
            f"goal: at most {MAX_RANK_GB:.0f} GB",
        ),
    ]
    for name, usage in usages.items():
        if name != "first batch":
            figures.append(
                Figure(
                    f"{num_questions:,} questions: memory of {name}",
                    f"{usage.gigabytes:.2f} GB",
                    f"goal: at most {MAX_JOB_GB:.0f} GB; {usage.cpu_s:.0f} CPU seconds",
                )
            )
    return figures


def figures_of_curve(by_houses: dict[int, dict[str, Usage]]) -> list[Figure]:
    """Return CPU seconds a thousand houses: a number that grows shows what does not scale."""
    names: Sequence[str] = list(next(iter(by_houses.values())))
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
