"""Print how many houses the generator draws in a second of one core, beside its goal."""

import time

from benchmarks.figures import Figure, report_figures
from workflow_scripts.common.cli import run
from workflow_scripts.scenes.generator import generate_house

GOAL_HOUSES_PER_S = 20.0


def main(*, houses: int = 100, seed: int = 7) -> None:
    """Draw some houses and print the rate.

    Args:
        houses: how many to draw, after one that warms up.
        seed: as in config.yaml.
    """
    generate_house(seed, houses)
    start = time.process_time()
    drawn = [generate_house(seed, index) for index in range(houses)]
    cpu_s = time.process_time() - start
    rooms = sum(len(house["rooms"]) for house in drawn) / houses
    report_figures(
        "generator",
        [
            Figure(
                "houses drawn in a CPU second",
                f"{houses / cpu_s:.1f}",
                f"goal: at least {GOAL_HOUSES_PER_S:.0f}",
            ),
            Figure("rooms of a house, mean", f"{rooms:.2f}"),
        ],
    )


if __name__ == "__main__":
    run(main)
