"""Write one shard of episodes: which task, variation and seed each has, and its split.

Everything is settled here, before anything is simulated: an episode keeps its seed and split
whatever else is in the run.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SPLITS, Episode
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.splits import (
    assign_balanced_split,
    assign_split,
    check_split_fractions,
    content_hash,
)
from workflow_scripts.common.storage import write_records
from workflow_scripts.scenes.episode_sheet import draw_episode_sheet
from workflow_scripts.sources.readers.rlbench_recordings import (
    LOW_DIM,
    Recordings,
    numeric_array,
    select_episodes,
)
from workflow_scripts.sources.readers.rlbench_tasks import NUM_VARIATIONS, task_id

logger = logging.getLogger(__name__)


def plan_episode(
    index: int,
    *,
    source: str,
    tasks: Sequence[str],
    variations: Sequence[int],
    seed: int,
    shares: dict[str, float],
) -> Episode:
    """Return episode `index` of a run: tasks take turns, and so do a task's variations.

    Adding episodes to every task only adds at the end. Its seed depends on the workflow's seed,
    task and number alone, so no two episodes share a placement.
    """
    number, task_index = divmod(index, len(tasks))
    task = tasks[task_index]
    task_variations = variations or range(NUM_VARIATIONS.get(task, 1))
    variation = task_variations[number % len(task_variations)]
    episode_seed = int(rng(seed, "episode", task, number).integers(2**62))
    return Episode(
        source=source,
        scene_id=f"{source}-{task}-{number:05d}",
        split=assign_balanced_split(f"{seed}|{task}", number, shares),
        origin=f"simulated: task {task}, variation {variation}, seed {episode_seed}",
        task=task,
        task_id=task_id(task),
        variation=variation,
        episode=number,
        seed=episode_seed,
        placement=content_hash([task, variation, episode_seed])[:32],
    )


def read_recorded_episodes(
    dataset: Path,
    *,
    source: str,
    tasks: Sequence[str],
    episodes_per_task: int,
    start: int,
    stop: int,
    shares: dict[str, float],
) -> list[Episode]:
    """Return recorded episodes [start, stop); one that cannot be read says why.

    Episodes that start from the same state share a placement, and so a split, whatever their
    folders are called.
    """
    episodes = []
    with Recordings(dataset) as recordings:
        for recording in select_episodes(recordings, tuple(tasks), episodes_per_task)[start:stop]:
            skipped, variation = None, recording.variation
            try:
                state = recordings.states(recording.path)[0]
                variation = recordings.variation(recording, state)
                placement = content_hash([recording.task, first_state(state, recording.path)])[:32]
            except UserError as error:
                skipped, placement = str(error), content_hash(recording.path)[:32]
            episodes.append(
                Episode(
                    source=source,
                    scene_id=f"{source}-{recording.task}-v{recording.variation:03d}-{recording.episode:05d}",
                    split=assign_split(placement, shares),
                    origin=f"recorded: {dataset.name}, {recording.path}",
                    skipped=skipped,
                    task=recording.task,
                    task_id=task_id(recording.task),
                    variation=variation,
                    episode=recording.episode,
                    seed=0,
                    placement=placement,
                    path=recording.path,
                )
            )
    return episodes


def first_state(state: Mapping[str, Any], folder: str) -> list[int]:
    """Return where the task's things and the arm are at the first step, in tenths of mm or mrad."""
    name = f"{folder}/{LOW_DIM}"
    object_state = state.get("task_low_dim_state")
    state_parts = [numeric_array(state, "joint_positions", (7,), name=name)]
    if object_state is not None:
        state_parts.append(
            numeric_array(state, "task_low_dim_state", np.shape(object_state), name=name).ravel()
        )
    return [round(float(value) * 1e4) for value in np.concatenate(state_parts)]


def check_tasks(tasks: Sequence[str], variations: Sequence[int]) -> None:
    """Raise `UserError` for no task, a task RLBench does not know, one named twice, ..."""
    if not tasks:
        raise UserError("sources.rlbench.tasks is empty; name at least one, e.g. reach_target")
    if len(set(tasks)) < len(tasks):
        raise UserError(f"sources.rlbench.tasks: name each task once, not {', '.join(tasks)}")
    for task in tasks:
        task_id(task)
    if any(variation < 0 for variation in variations):
        raise UserError(f"sources.rlbench.variations: {list(variations)} must be 0 or more")


def split_counts(episodes: Iterable[Episode]) -> str:
    """Say how many episodes each split has."""
    episodes = list(episodes)
    return ", ".join(f"{sum(e.split == split for e in episodes)} {split}" for split in SPLITS)


def main(
    *,
    source: str,
    backend: Literal["mujoco", "coppeliasim", "dataset"],
    start: int,
    stop: int,
    seed: int,
    splits: tuple[float, float, float],
    out: Path,
    picture: Path,
    tasks: tuple[str, ...] = (),
    variations: tuple[int, ...] = (),
    episodes_per_task: int = 1,
    dataset: Path | None = None,
) -> None:
    """Write the episodes [start, stop) of a source and a picture of who is in which split.

    Args:
        source: name of the source, the first part of every scene id.
        backend: who will demonstrate them; dataset reads what was recorded before.
        start: index of the first episode.
        stop: index after the last episode.
        seed: the workflow's seed.
        splits: shares of train, val and test.
        out: the shard, one `Episode` a line.
        picture: the picture (PNG).
        episodes_per_task: how many; of a data set the first so many.
        tasks: RLBench's names; every task of a data set if empty.
        variations: numbers of the variations to use; all of a task's if empty.
        dataset: folder or tar of recorded episodes, for backend dataset.
    """
    shares = dict(zip(SPLITS, splits, strict=True))
    check_split_fractions(shares)
    if backend == "dataset":
        if dataset is None:
            raise UserError("backend dataset needs --dataset, a folder or tar of RLBench episodes")
        episodes = read_recorded_episodes(
            dataset,
            source=source,
            tasks=tasks,
            episodes_per_task=episodes_per_task,
            start=start,
            stop=stop,
            shares=shares,
        )
    else:
        check_tasks(tasks, variations)
        episodes = [
            plan_episode(
                index, source=source, tasks=tasks, variations=variations, seed=seed, shares=shares
            )
            for index in range(start, stop)
        ]
    for episode in episodes:
        if episode.skipped:
            logger.warning("%s left out: %s", episode.scene_id, episode.skipped)
    logger.info("%d episodes: %s", len(episodes), split_counts(episodes))
    draw_episode_sheet(picture, episodes)
    write_records(out, episodes)


if __name__ == "__main__":
    run(main)
