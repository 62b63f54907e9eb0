"""Questions per CPU second of one core: five objects, clouds in, distinct questions out.

Run `python -m benchmarks.questions`. Every question that the families can ask of five objects is
written, once in each kind and order of mention but never twice in other words: a question counts
as distinct by (family, kind, objects, pole, answer), and no two texts are the same either.
"""

import time
from functools import partial

import numpy as np

from benchmarks.figures import Figure, show
from tests.vqa.clouds import five_clouds, sight_of_clouds
from workflow_scripts.common.cli import run
from workflow_scripts.vqa.every import every_question
from workflow_scripts.vqa.shapes.base import Margins
from workflow_scripts.vqa.sight import Sight

# What VQASynth's own generator makes of synthetic clouds on a machine of this kind, by the points
# of each of five objects; many of its prompts re-phrase one distance.
RIVAL_PER_S = {500: 51_000, 2000: 16_000, 8000: 3_900}
GOAL_MEASURED_PER_S = 50_000
ROUNDS = 15


def written(sight: Sight, margins: Margins) -> int:
    """Write everything and return how many distinct questions that were."""
    return len({question for question, _ in every_question(sight, margins, seed=7)})


def fastest(work: object, rounds: int) -> tuple[float, int]:
    """Return the least CPU seconds of several calls, and how many questions a call wrote."""
    best_s, number = np.inf, 0
    for _ in range(rounds):
        start_s = time.process_time()
        number = work()  # type: ignore[operator]
        best_s = min(best_s, time.process_time() - start_s)
    return best_s, number


def main(*, rounds: int = ROUNDS) -> None:
    """Print questions per second from clouds of each size, and once measurements exist.

    Args:
        rounds: the fastest of so many is printed.
    """
    margins = Margins()
    figures = []
    for points, rival in RIVAL_PER_S.items():
        clouds = five_clouds(points)
        spent_s, number = fastest(partial(from_clouds, clouds, margins), rounds)
        figures.append(
            Figure(
                f"questions a CPU second, from clouds of {points:,} points",
                f"{number / spent_s:,.0f}",
                f"goal: at least {3 * rival:,}; VQASynth's generator: {rival:,}; "
                f"{number:,} distinct questions",
            )
        )
    sight = sight_of_clouds(five_clouds(500))
    spent_s, number = fastest(partial(written, sight, margins), rounds)
    figures.append(
        Figure(
            "questions a CPU second, once measured",
            f"{number / spent_s:,.0f}",
            f"goal: at least {GOAL_MEASURED_PER_S:,}; {number:,} distinct questions",
        )
    )
    show("questions", figures)


def from_clouds(clouds: list[np.ndarray], margins: Margins) -> int:
    """Measure clouds, write everything, and return how many distinct questions that were."""
    return written(sight_of_clouds(clouds), margins)


if __name__ == "__main__":
    run(main)
