"""Print how many houses the generator draws in a second of one core, beside its goal."""

import time

import tyro

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
    print(f"{'figure':<28}{'measured':>10}{'goal':>10}")
    print(f"{'generated houses per cpu-s':<28}{houses / cpu_s:>10.1f}{GOAL_HOUSES_PER_S:>10.1f}")
    print(f"{'rooms per house':<28}{rooms:>10.2f}{'about 2':>10}")


if __name__ == "__main__":
    tyro.cli(main)
