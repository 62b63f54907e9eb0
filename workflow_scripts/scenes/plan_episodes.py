"""Episodes as scenes: which task, variation and seed each has, and its split.

Everything is settled here, before anything is simulated: an episode keeps its seed and split
whatever else is in the run.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.splits import assign_balanced_split, assign_split, content_hash
from workflow_scripts.sources.base import SampleRequest
from workflow_scripts.sources.readers.rlbench_recordings import (
    LOW_DIM,
    Recordings,
    numeric_array,
    select_episodes,
)
from workflow_scripts.sources.readers.rlbench_tasks import NUM_VARIATIONS, task_id
from workflow_scripts.sources.rlbench import EpisodePlanSettings


def plan_episode(
    index: int,
    *,
    source: str,
    tasks: Sequence[str],
    variations: Sequence[int],
    seed: int,
    shares: Mapping[str, float],
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
    shares: Mapping[str, float],
) -> list[Episode]:
    """Return recorded episodes [start, stop); one that cannot be read says why.

    Episodes that start from the same state share a placement, and so a split, whatever their
    folders are called.
    """
    episodes = []
    with Recordings(dataset) as recordings:
        for recording in select_episodes(recordings, tasks, episodes_per_task)[start:stop]:
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
    """Return the state of the task's objects and the arm at the first step, in 0.1 mm or mrad."""
    name = f"{folder}/{LOW_DIM}"
    object_state = state.get("task_low_dim_state")
    state_parts = [numeric_array(state, "joint_positions", (7,), name=name)]
    if object_state is not None:
        state_parts.append(
            numeric_array(state, "task_low_dim_state", np.shape(object_state), name=name).ravel()
        )
    return [round(float(value) * 1e4) for value in np.concatenate(state_parts)]


def sample_episodes(settings: EpisodePlanSettings, request: SampleRequest) -> list[Episode]:
    """Return the episodes of a shard: planned for a simulator, or found in a data set."""
    if settings.backend == "dataset":
        return read_recorded_episodes(
            Path(settings.dataset or ""),
            source=request.source,
            tasks=settings.tasks,
            episodes_per_task=settings.episodes_per_task,
            start=request.start,
            stop=request.stop,
            shares=request.shares,
        )
    return [
        plan_episode(
            index,
            source=request.source,
            tasks=settings.tasks,
            variations=settings.variations,
            seed=request.seed,
            shares=request.shares,
        )
        for index in range(request.start, request.stop)
    ]
