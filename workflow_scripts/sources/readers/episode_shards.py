"""Count the episodes that a configuration asks for and deal them to shards."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.flags import as_flags
from workflow_scripts.common.shards import Shard, assign_shards, scenes_per_shard
from workflow_scripts.sources.readers.rlbench_recordings import LOW_DIM, RecordedEpisode, Recordings
from workflow_scripts.sources.readers.rlbench_tasks import CAMERAS, NUM_VARIATIONS, task_id


def assign_episode_shards(
    source: str, settings: Mapping[str, Any], *, simulated: Sequence[str]
) -> tuple[dict[str, Shard], dict[str, str]]:
    """Return the shards of episodes by name, and the digest of each one's share of a data set.

    `simulated` are the tasks of backend mujoco.
    """
    key = f"sources.{source}"
    tasks = settings["tasks"]
    for name in tasks:
        try:
            task_id(name)
        except UserError as error:
            raise UserError(f"{key}.tasks: {error}") from None
    unknown = sorted(set(settings["cameras"]) - set(CAMERAS))
    if unknown:
        raise UserError(f"{key}.cameras: {', '.join(unknown)}; allowed: {', '.join(CAMERAS)}")
    if settings["backend"] != "dataset":
        if not tasks:
            raise UserError(f"{key}.tasks is empty; name at least one, e.g. reach_target")
        if settings["backend"] == "mujoco":
            check_mujoco_tasks(key, tasks, settings["variations"], simulated)
        total = len(tasks) * settings["episodes_per_task"]
        shards = assign_shards(total, scenes_per_shard(total, settings["episodes_per_shard"]))
        return shards, dict.fromkeys(shards, "")
    if settings["dataset"] is None:
        raise UserError(f"{key}.dataset: backend dataset needs a folder or tar of episodes")
    with Recordings(Path(settings["dataset"])) as recordings:
        found = select_episodes(recordings, settings["tasks"], settings["episodes_per_task"])
        shards = assign_shards(
            len(found), scenes_per_shard(len(found), settings["episodes_per_shard"])
        )
        return shards, {
            name: _digest(recordings, found[shard.start : shard.stop])
            for name, shard in shards.items()
        }


def check_mujoco_tasks(
    key: str, tasks: Sequence[str], variations: Sequence[int], simulated: Sequence[str]
) -> None:
    """Raise `UserError` for a task or a variation that backend mujoco does not have."""
    for task in tasks:
        if task not in simulated:
            raise UserError(
                f"{key}.tasks: backend mujoco does not simulate {task!r}; "
                f"{allowed_values(task, simulated)}; or choose another {key}.backend"
            )
        last = NUM_VARIATIONS.get(task, 1) - 1
        if max(variations, default=0) > last:
            raise UserError(
                f"{key}.variations: {task} has no variation {max(variations)}; its last is {last}"
            )


def source_flags(settings: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return settings as flags of a command: the backend, its data set, and those named."""
    backend_names = ["backend", "dataset"] if settings["backend"] == "dataset" else ["backend"]
    return as_flags(settings, [*backend_names, *names])


def select_episodes(
    recordings: Recordings, tasks: list[str] | tuple[str, ...], episodes_per_task: int
) -> list[RecordedEpisode]:
    """Return the first so many recorded episodes of every task, in the order of the run."""
    count: dict[str, int] = {}
    selected = []
    for found in recordings.episodes(tuple(tasks)):
        count[found.task] = count.get(found.task, 0) + 1
        if count[found.task] <= episodes_per_task:
            selected.append(found)
    return selected


def _digest(recordings: Recordings, episodes: list[RecordedEpisode]) -> str:
    """Hash what lies where; a recording that changes its length is another one."""
    lines = [
        f"{found.path} {recordings.size(f'{found.path}/{LOW_DIM}')} "
        f"{','.join(recordings.names(f'{found.path}/front_rgb'))}"
        for found in episodes
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
