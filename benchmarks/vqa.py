"""Questions against the truth: write 100,000 about houses and check each with an oracle of its own.

Run `python -m benchmarks.vqa`. Half of the questions are about generated houses, half about those
of `--houses` (any ProcTHOR JSONL), each seen once from a corner of every room. The oracle
(`tests/vqa/oracle.py`) works from the boxes, the question's words and nothing of the generator's.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, show
from tests.vqa.houses import rendered
from tests.vqa.oracle import Oracle, contradiction, is_checked, lengths
from tests.vqa.told import told_of_view
from workflow_scripts.common.cli import run
from workflow_scripts.common.measurements import TrueShard
from workflow_scripts.common.views import ViewShard
from workflow_scripts.vqa.sight import Sights

REAL_HOUSES = Path(__file__).parents[2] / "shared/data/procthor_houses.jsonl.gz"
HOUSES_AT_ONCE = 4
FORMS = ("named", "marked")


@dataclass
class Found:
    """What was asked and checked, and how far numbers were off."""

    checked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    num_lengths: int = 0
    worst_m: float = 0.0
    houses: int = 0


def main(
    *, questions: int = 100_000, houses: Path | None = None, size_px: int = 112, seed: int = 7
) -> None:
    """Print how many questions contradict the truth.

    Args:
        questions: how many are checked.
        houses: ProcTHOR houses for half of them; without a file, all are of generated ones.
        size_px: side of the views.
        seed: of the generated houses.
    """
    houses = houses or (REAL_HOUSES if REAL_HOUSES.exists() else None)
    start_s = time.process_time()
    sources = ["generate", *([str(houses)] if houses else [])]
    found = {}
    for name in sources:
        found[name] = check_houses(name, questions // len(sources), size_px=size_px, seed=seed)
    spent_s = time.process_time() - start_s
    total = sum(sum(one.checked.values()) for one in found.values())
    wrong = [text for one in found.values() for text in one.wrong]
    for text in wrong[:20]:
        print(text)
    kinds = ("generated", "ProcTHOR")
    shares = "; ".join(
        f"{sum(one.checked.values()):,} about {one.houses} {kind} houses"
        for kind, one in zip(kinds, found.values(), strict=False)
    )
    families = len({name for one in found.values() for name in one.checked})
    lengths_m = sum(one.num_lengths for one in found.values())
    worst_m = max(one.worst_m for one in found.values())
    show(
        "vqa",
        [
            Figure("answers that contradict the truth", f"{len(wrong)} of {total:,}", "goal: none"),
            Figure("what they are about", f"{families} families", shares),
            Figure(
                "the largest error of a length",
                f"{worst_m * 1000:.2f} mm",
                f"goal: at most 10 mm + 1 %; {lengths_m:,} lengths",
            ),
            Figure("time to render, ask and check", f"{spent_s:.0f} CPU s"),
        ],
    )


def check_houses(name: str, wanted: int, *, size_px: int, seed: int) -> Found:
    """Check questions about houses, a few houses at a time, until there are enough."""
    found = Found()
    while sum(found.checked.values()) < wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = rendered(
                Path(folder),
                name,
                found.houses,
                found.houses + HOUSES_AT_ONCE,
                size_px=size_px,
                seed=seed,
            )
            found.houses += HOUSES_AT_ONCE
            check_shard(path, found, wanted)
    return found


def check_shard(path: Path, found: Found, wanted: int) -> None:
    """Check every question that can be asked of a shard; each text of a view counts once."""
    shard = ViewShard.open(path)
    oracle = Oracle(shard)
    sights = Sights(shard, TrueShard(shard), min_pixels=20, min_fraction_visible=0.1)
    for view in range(len(shard)):
        sight = sights.of(view)
        texts = set()
        for one in (one for form in FORMS for one in told_of_view(sight, view, form=form)):
            if one.question in texts or not is_checked(oracle, one):
                continue
            if sum(found.checked.values()) >= wanted:
                return
            texts.add(one.question)
            found.checked[one.family] += 1
            if wrong := contradiction(oracle, one):
                found.wrong.append(f"{one.family}: {one.question} {one.answer} {wrong}")
            if one.answer_type == "metres" and (value := lengths(oracle, one)) is not None:
                found.num_lengths += 1
                found.worst_m = max(found.worst_m, abs(float(one.truth) - value))


if __name__ == "__main__":
    run(main)
