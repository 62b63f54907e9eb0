"""Questions per CPU second of one core: five objects, clouds in, distinct questions out.

Run `python -m benchmarks.question_rate`. Every question that the families can ask about five
objects is written, once in each kind and order of mention and in one phrasing: a question counts as
distinct by (family, kind, objects, antonym, answer), and no two texts are the same either.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.figures import Figure, report_figures
from testing.vqa.clouds import context_of_clouds, five_clouds
from testing.vqa.scenes import DEFAULT_MARGINS
from workflow_scripts.common.cli import run
from workflow_scripts.vqa.enumerate_questions import enumerate_questions
from workflow_scripts.vqa.margins import Margins

# What VQASynth's own generator makes of synthetic clouds on a machine of this kind, by the points
# of each of five objects; many of its prompts re-phrase one distance.
REFERENCE_PER_S = {500: 51_000, 2000: 16_000, 8000: 3_900}
GOAL_MEASURED_PER_S = 50_000
ROUNDS = 40


Written = list[tuple[str, str]]


def min_cpu_s(work: Callable[[], Written], rounds: int) -> tuple[float, int]:
    """Return the least CPU seconds of several calls, and how many distinct questions one wrote."""
    best_s, number = np.inf, 0
    for _ in range(rounds):
        start_s = time.process_time()
        questions = work()
        best_s = min(best_s, time.process_time() - start_s)
        number = len({question for question, _ in questions})
    return best_s, number


def main(*, rounds: int = ROUNDS) -> None:
    """Print questions per second from clouds of each size, and once measurements exist.

    Args:
        rounds: the fastest of so many is printed.
    """
    margins = DEFAULT_MARGINS
    figures = []
    for points, rival in REFERENCE_PER_S.items():
        clouds = five_clouds(points)
        spent_s, number = min_cpu_s(partial(from_clouds, clouds, margins), rounds)
        figures.append(
            Figure(
                f"questions a CPU second, from clouds of {points:,} points",
                f"{number / spent_s:,.0f}",
                f"goal: at least {3 * rival:,}; VQASynth's generator: {rival:,}; "
                f"{number:,} distinct questions",
            )
        )
    view_context = context_of_clouds(five_clouds(500))
    spent_s, number = min_cpu_s(partial(enumerate_questions, view_context, margins, seed=7), rounds)
    figures.append(
        Figure(
            "questions a CPU second, once measured",
            f"{number / spent_s:,.0f}",
            f"goal: at least {GOAL_MEASURED_PER_S:,}; {number:,} distinct questions",
        )
    )
    report_figures("questions", figures)


def from_clouds(clouds: list[np.ndarray], margins: Margins) -> Written:
    """Measure clouds and write everything."""
    return enumerate_questions(context_of_clouds(clouds), margins, seed=7)


if __name__ == "__main__":
    run(main)
