"""Questions against the truth: write 100,000 about houses and check each with an oracle of its own.

Run `python -m benchmarks.question_accuracy`. Half of the questions are about generated houses, half
about those of `--houses` (any ProcTHOR JSONL), each seen once from a corner of every room. The
oracle (`testing/vqa/oracle.py`) works from the boxes and the text of the question, and uses nothing
of the generator.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, report_figures
from testing.vqa.drawn_meshes import drawn_meshes
from testing.vqa.enumerated_questions import enumerate_view_questions
from testing.vqa.houses import render_houses
from testing.vqa.oracle import Oracle, contradiction, expected_value, is_checked
from workflow_scripts.common.cli import run
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.vqa.view_context import ViewContexts

REAL_HOUSES = Path(__file__).parents[2] / "shared/data/procthor_houses.jsonl.gz"
HOUSES_AT_ONCE = 4
FORMS = ("named", "marked")


@dataclass
class CheckResult:
    """What was asked and checked, and how far numbers were off."""

    checked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    num_lengths: int = 0
    max_error_m: float = 0.0
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
    result = {}
    for name in sources:
        result[name] = check_houses(name, questions // len(sources), size_px=size_px, seed=seed)
    spent_s = time.process_time() - start_s
    total = sum(sum(item.checked.values()) for item in result.values())
    wrong = [text for item in result.values() for text in item.wrong]
    for text in wrong[:20]:
        print(text)
    kinds = ("generated", "ProcTHOR")
    shares = "; ".join(
        f"{sum(item.checked.values()):,} about {item.houses} {kind} houses"
        for kind, item in zip(kinds, result.values(), strict=False)
    )
    families = len({name for item in result.values() for name in item.checked})
    lengths_m = sum(item.num_lengths for item in result.values())
    max_error_m = max(item.max_error_m for item in result.values())
    report_figures(
        "vqa",
        [
            Figure("answers that contradict the truth", f"{len(wrong)} of {total:,}", "goal: none"),
            Figure("what they are about", f"{families} families", shares),
            Figure(
                "the largest error of a length",
                f"{max_error_m * 1000:.2f} mm",
                f"goal: at most 10 mm + 1 %; {lengths_m:,} lengths",
            ),
            Figure("time to render, ask and check", f"{spent_s:.0f} CPU s"),
        ],
    )


def check_houses(name: str, wanted: int, *, size_px: int, seed: int) -> CheckResult:
    """Check questions about houses, a few houses at a time, until there are enough."""
    result = CheckResult()
    while sum(result.checked.values()) < wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = render_houses(
                Path(folder),
                name,
                result.houses,
                result.houses + HOUSES_AT_ONCE,
                size_px=size_px,
                seed=seed,
            )
            result.houses += HOUSES_AT_ONCE
            check_shard(path, result, wanted)
    return result


def check_shard(path: Path, result: CheckResult, wanted: int) -> None:
    """Check every question that can be asked of a shard; each text of a view counts once."""
    shard = ViewShard.open(path)
    oracle = Oracle(shard, drawn_meshes(path.with_name("scenes.jsonl")))
    view_contexts = ViewContexts(
        shard, GroundTruthShard(shard), min_pixels=20, min_fraction_visible=0.1
    )
    for view in range(len(shard)):
        view_context = view_contexts.of(view)
        texts = set()
        for item in (
            item
            for form in FORMS
            for item in enumerate_view_questions(view_context, view, form=form)
        ):
            if item.question in texts or not is_checked(oracle, item):
                continue
            if sum(result.checked.values()) >= wanted:
                return
            texts.add(item.question)
            result.checked[item.family] += 1
            if wrong := contradiction(oracle, item):
                result.wrong.append(f"{item.family}: {item.question} {item.answer} {wrong}")
            if item.answer_type == "metres" and (value := expected_value(oracle, item)) is not None:
                result.num_lengths += 1
                result.max_error_m = max(result.max_error_m, abs(float(item.truth) - value))


if __name__ == "__main__":
    run(main)
