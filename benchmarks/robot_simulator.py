"""Time the embedded robot simulator on every task; one core.

Run from the repository: `python -m benchmarks.robot_simulator`. CPU seconds of all threads. A
frame is one step in RLBench's four fixed cameras at 128 px with RGB, depth and masks, shadows off;
episodes are whole: simulated (failed attempts included) and filmed. A task's rate of frames is the
best of its episodes, so that a busy machine disturbs it little; the goal is for the slowest task.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LP_NUM_THREADS", "0")

import time

from benchmarks.figures import Figure, report_figures
from testing.ball_demonstrator import episode
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode
from workflow_scripts.common.seeds import rng
from workflow_scripts.views.backends.mujoco import MujocoDemonstrator, TaskScene, load_task
from workflow_scripts.views.robots import tasks
from workflow_scripts.views.robots.cameras import FIXED
from workflow_scripts.views.robots.scene_builder import PlacementError
from workflow_scripts.views.robots.simulate import DemoError, Trajectory

GOAL_FRAMES_PER_S = 60
GOAL_SUCCESS = 0.8
SIZE_PX, MAX_STEPS, MAX_ATTEMPTS = 128, 400, 8


def main(*, episodes: int = 24, filmed: int = 3) -> None:
    """Print frames and episodes a CPU second, and how many first attempts succeed."""
    figures, best = [], {}
    with MujocoDemonstrator(
        cameras=tuple(FIXED), size_px=SIZE_PX, max_steps=MAX_STEPS, max_attempts=MAX_ATTEMPTS
    ) as demonstrator:
        for name in tasks.NAMES:
            done, simulated_s = _first_attempts(name, episodes)
            rates, steps, spent_s = [], 0, 0.0
            for number in range(filmed):
                start = time.process_time()
                scene, states = _until_success(name, number)
                simulated = time.process_time()
                demonstrator.film(_episode(name, number), scene, states, [])
                end = time.process_time()
                rates.append(len(states.positions) / (end - simulated))
                steps, spent_s = steps + len(states.positions), spent_s + end - start
            best[name] = max(rates)
            figures.append(
                Figure(
                    f"{name}, episodes a CPU s",
                    f"{filmed / spent_s:.2f}",
                    f"{steps / filmed:.0f} steps each; {simulated_s:.2f} s an attempt to simulate; "
                    f"{best[name]:.0f} frames a CPU s",
                )
            )
            figures.append(
                Figure(
                    f"{name}, first attempts that succeed",
                    f"{done} of {episodes}",
                    f"goal: at least {GOAL_SUCCESS:.0%}",
                )
            )
    slowest = min(best, key=best.__getitem__)
    figures.insert(
        0,
        Figure(
            "frames of four cameras a CPU s (RGB, depth, masks)",
            f"{best[slowest]:.0f}",
            f"goal: at least {GOAL_FRAMES_PER_S}; {slowest}, the slowest task; the fastest "
            f"{max(best.values()):.0f}",
        ),
    )
    report_figures("robots", figures)


def _episode(name: str, number: int) -> Episode:
    return episode(name, number, variation=number % load_task(name).NUM_VARIATIONS)


def _attempt(name: str, number: int, attempt: int) -> tuple[TaskScene, Trajectory] | None:
    wanted = _episode(name, number)
    generator = rng(wanted.seed, wanted.task, wanted.variation, attempt)
    try:
        scene = TaskScene(load_task(name), wanted.variation, generator)
        return scene, scene.simulate(max_steps=MAX_STEPS)
    except (PlacementError, DemoError):
        return None


def _first_attempts(name: str, episodes: int) -> tuple[int, float]:
    """Return how many first attempts succeed, and CPU seconds for each."""
    start = time.process_time()
    done = sum(_attempt(name, number, 0) is not None for number in range(episodes))
    return done, (time.process_time() - start) / episodes


def _until_success(name: str, number: int) -> tuple[TaskScene, Trajectory]:
    """Return the first attempt of an episode that succeeds."""
    for attempt in range(MAX_ATTEMPTS):
        found = _attempt(name, number, attempt)
        if found:
            return found
    raise UserError(f"{name}: no demonstration in {MAX_ATTEMPTS} attempts")


if __name__ == "__main__":
    run(main)
