"""Source rlbench: demonstrations of robot tasks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.records import Episode
from workflow_scripts.common.shards import assign_shards, scenes_per_shard
from workflow_scripts.config.base import Settings, SettingsError, Text, UniqueList, UserPath
from workflow_scripts.sources.base import PlanContext, ShardPlan, Source
from workflow_scripts.sources.readers.rlbench_recordings import (
    Recordings,
    episode_digest,
    select_episodes,
)
from workflow_scripts.sources.readers.rlbench_tasks import NUM_VARIATIONS, list_tasks, task_id

# The mean of the embedded tasks, for estimates.
STEPS_PER_EPISODE = 80
Camera = Literal["left_shoulder", "right_shoulder", "overhead", "wrist", "front"]


class EpisodeBackendSettings(Settings):
    """Who demonstrates."""

    backend: Literal["mujoco", "coppeliasim", "dataset"] = Field(
        "mujoco",
        description="mujoco is embedded; coppeliasim is RLBench itself and needs CoppeliaSim 4.1; "
        "dataset reads what RLBench recorded before",
    )
    dataset: UserPath | None = Field(
        None, description="folder or tar of episodes in RLBench's layout, for backend dataset"
    )

    @model_validator(mode="after")
    def _has_dataset(self) -> "EpisodeBackendSettings":
        if self.backend == "dataset" and self.dataset is None:
            problem = "backend dataset needs a folder or tar of episodes"
            raise SettingsError((("dataset",), problem))
        return self


class EpisodePlanSettings(EpisodeBackendSettings):
    """Which episodes there are."""

    tasks: UniqueList[Text] = Field(
        ("reach_target", "pick_and_lift"),
        description="RLBench's names; every task of a data set if empty",
    )
    episodes_per_task: int = Field(
        20,
        ge=1,
        le=100_000,
        description="demonstrations of each task; of a data set the first so many",
    )
    variations: UniqueList[Annotated[int, Field(ge=0)]] = Field(
        (),
        description="numbers of the variations (colors, shelves) to take turns; all of a task's "
        "if empty",
    )

    @model_validator(mode="after")
    def _has_tasks(self) -> "EpisodePlanSettings":
        if self.backend != "dataset" and not self.tasks:
            raise SettingsError((("tasks",), "empty; name at least one, e.g. reach_target"))
        return self


class RecordSettings(EpisodeBackendSettings):
    """How episodes are recorded."""

    cameras: UniqueList[Camera] = Field(
        ("left_shoulder", "right_shoulder", "overhead", "front"),
        min_length=1,
        description="which of RLBench's cameras, in the order of a step's views",
    )
    size_px: int = Field(
        128,
        ge=16,
        le=1024,
        description="side of the square pictures; a recorded data set keeps its own",
    )
    max_steps: int = Field(400, ge=1, le=100_000, description="a longer demonstration is left out")
    max_attempts: int = Field(
        5,
        ge=1,
        le=1000,
        description="placements and demonstrations tried before an episode is left out",
    )


class NpzSettings(Settings):
    """The arrays of target `npz`."""

    npz_noise: float = Field(
        1.0,
        ge=0,
        le=100,
        description="multiple of the published noise in the observed pixels of snakemake npz",
    )


class RlbenchSettings(EpisodePlanSettings, RecordSettings, NpzSettings):
    """Demonstrations of RLBench's robot tasks; null turns the source off."""

    episodes_per_shard: Literal["auto"] | Annotated[int, Field(ge=1, le=100_000)] = Field(
        8,
        description="episodes in one job; auto is the smallest power of two, at least 8, that "
        "needs at most 128 shards",
    )


def check_episodes(settings: RlbenchSettings, context: PlanContext) -> None:
    """Raise `UserError` for a task or a variation that RLBench or backend mujoco lacks."""
    key = f"sources.{context.source}"
    for name in settings.tasks:
        try:
            task_id(name)
        except UserError as error:
            raise UserError(f"{key}.tasks: {error}") from None
    if settings.backend == "mujoco":
        simulated = list_tasks(context.basedir / "workflow_scripts/views/robots/tasks")
        for task in settings.tasks:
            if task not in simulated:
                raise UserError(
                    f"{key}.tasks: backend mujoco does not simulate {task!r}; "
                    f"{allowed_values(task, simulated)}; or choose another {key}.backend"
                )
            last = NUM_VARIATIONS.get(task, 1) - 1
            highest = max(settings.variations, default=0)
            if highest > last:
                raise UserError(
                    f"{key}.variations: {task} has no variation {highest}; its last is {last}"
                )


def plan_episodes(settings: RlbenchSettings, context: PlanContext) -> ShardPlan:
    """Return the shards of episodes, with a digest of each one's recordings in a data set."""
    if settings.backend != "dataset":
        total = len(settings.tasks) * settings.episodes_per_task
        size = scenes_per_shard(total, settings.episodes_per_shard)
        return ShardPlan.without_input(total, size)
    with Recordings(Path(settings.dataset or "")) as recordings:
        episodes = select_episodes(recordings, settings.tasks, settings.episodes_per_task)
        size = scenes_per_shard(len(episodes), settings.episodes_per_shard)
        shards = assign_shards(len(episodes), size)
        digests = {
            name: episode_digest(recordings, episodes[shard.start : shard.stop])
            for name, shard in shards.items()
        }
    return ShardPlan(shards, digests)


def recorded_files(settings: RlbenchSettings) -> tuple[str, ...]:
    """Return the data set that episodes are read from, if they are."""
    is_recorded = settings.backend == "dataset" and settings.dataset is not None
    return (str(settings.dataset),) if is_recorded else ()


def views_per_episode(settings: RlbenchSettings, _: Mapping[str, Any]) -> float:
    """Return about how many views an episode has: one of each camera at every step."""
    return float(STEPS_PER_EPISODE * len(settings.cameras))


SOURCE = Source(
    settings=RlbenchSettings,
    scene_kind="episode",
    record=Episode,
    plan=plan_episodes,
    description="demonstrations of robot tasks, seen by several cameras",
    license_note="tasks and meshes after RLBench; check its license before you pass pictures on",
    stages=("scenes", "views"),
    names_objects=False,
    sample="workflow_scripts.scenes.plan_episodes:sample_episodes",
    sample_settings=EpisodePlanSettings,
    input_files=recorded_files,
    views_per_scene=views_per_episode,
    check=check_episodes,
)
