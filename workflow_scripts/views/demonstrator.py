"""The interface of backends that demonstrate robot tasks, and the table of backends."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from workflow_scripts.common.demonstration_shard import Demonstration
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode

BACKENDS = {
    "mujoco": "workflow_scripts.views.backends.mujoco:MujocoDemonstrator",
    "coppeliasim": "workflow_scripts.views.backends.coppeliasim:CoppeliaSimDemonstrator",
    "dataset": "workflow_scripts.views.backends.rlbench_dataset:DatasetDemonstrator",
}


class EpisodeError(UserError):
    """This episode cannot be recorded, with every reason; others may succeed."""


class Demonstrator(AbstractContextManager["Demonstrator"], Protocol):
    """A backend: opened once per shard, demonstrates one episode after the other.

    Constructed with keywords `cameras` (names, in the order of the arrays), `size_px` (a recorded
    data set keeps its size), `max_steps` (a longer demonstration is an `EpisodeError`),
    `max_attempts` (tries before an `EpisodeError`) and `dataset` (a folder or tar, or None). An
    invalid setting, or an engine that is not installed, raises `UserError` at once.
    """

    provenance: Mapping[str, Any]
    """What the recordings depend on: versions, libraries, quality; no paths, no times."""

    def demonstrate(self, episode: Episode) -> Demonstration:
        """Record a demonstration of `episode.task` and `episode.variation`.

        All randomness comes from `seeds.rng(episode.seed, episode.task, ...)`, so that the same
        task, variation and seed give the same bytes in any process, in any order.
        """
        ...
