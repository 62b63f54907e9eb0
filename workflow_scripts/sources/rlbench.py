"""Source rlbench: demonstrations of robot tasks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError, Text, UniqueList

Camera = Literal["left_shoulder", "right_shoulder", "overhead", "wrist", "front"]


class EpisodeBackendSettings(Settings):
    """Who demonstrates."""

    backend: Literal["mujoco", "coppeliasim", "dataset"] = Field(
        "mujoco",
        description="mujoco is embedded; coppeliasim is RLBench itself and needs CoppeliaSim 4.1; "
        "dataset reads what RLBench recorded before",
    )
    dataset: str | None = Field(
        None, description="folder or tar of episodes in RLBench's layout, for backend dataset"
    )


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
        description="numbers of the variations (colours, shelves) to take turns; all of a task's "
        "if empty",
    )


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

    @model_validator(mode="after")
    def _complete(self) -> "RlbenchSettings":
        if self.backend == "dataset" and self.dataset is None:
            problem = "backend dataset needs a folder or tar of episodes"
            raise SettingsError((("dataset",), problem))
        if self.backend != "dataset" and not self.tasks:
            raise SettingsError((("tasks",), "empty; name at least one, e.g. reach_target"))
        return self
