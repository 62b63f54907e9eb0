"""What a source is: one description, from which rules and commands take all that differs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from workflow_scripts.common.records import SceneRecord
from workflow_scripts.common.shards import Shard, assign_shards
from workflow_scripts.config.base import Settings

S = TypeVar("S", bound=Settings)
Stage = Literal["scenes", "views", "depth", "captions", "pointclouds", "vqa"]
ALL_STAGES: tuple[Stage, ...] = ("scenes", "views", "depth", "captions", "pointclouds", "vqa")


@dataclass(frozen=True)
class ShardPlan:
    """The shards of a source by name ("0003"), in order, and a digest of each one's input.

    A digest is "" where a shard is made from nothing but settings. A shard whose digest changes
    runs again.
    """

    shards: dict[str, Shard]
    digests: dict[str, str]

    @classmethod
    def without_input(cls, num_scenes: int, size: int) -> "ShardPlan":
        """Return a plan of shards of `size` scenes that are made from settings alone."""
        shards = assign_shards(num_scenes, size)
        return cls(shards, dict.fromkeys(shards, ""))

    def __post_init__(self) -> None:
        if list(self.shards) != list(self.digests):
            raise ValueError(f"digests of {list(self.digests)} for shards {list(self.shards)}")


@dataclass(frozen=True)
class PlanContext:
    """What planning may look at beside a source's own settings.

    Attributes:
        source: name of the source, for messages: `sources.{source}.key: ...`.
        config: the whole configuration, resolved.
        basedir: folder of the project, with `workflow_scripts/` in it.
    """

    source: str
    config: Mapping[str, Any]
    basedir: Path


@dataclass(frozen=True)
class SampleRequest:
    """Which scenes the function `Source.sample` is to make.

    Attributes:
        source: name of the source, the first part of every scene id.
        start: index of the first scene.
        stop: index after the last scene.
        seed: the workflow's seed; a scene depends on it and its own index only.
        shares: fractions of train, val and test, see common/splits.py.
    """

    source: str
    start: int
    stop: int
    seed: int
    shares: Mapping[str, float]


def is_depth_estimated(config: Mapping[str, Any], source: str) -> bool:
    """Say whether the depth that later stages use is an estimator's, for a source."""
    settings = config["depth"]
    is_chosen = settings["sources"] is None or source in settings["sources"]
    return bool(settings["backend"] != "simulator" and is_chosen)


def _unchanged(settings: S) -> S:
    return settings


def _no_files(_: Any) -> tuple[str, ...]:
    return ()


def _no_problem(_: Any, __: PlanContext) -> None:
    return None


def exact_depth(_: Any) -> Literal["exact", "sensor"]:
    """Say that a source's depth is exact, whatever its settings."""
    return "exact"


def sensor_depth(_: Any) -> Literal["exact", "sensor"]:
    """Say that a source's depth was measured by a sensor, whatever its settings."""
    return "sensor"


def _one_view(_: Any, __: Mapping[str, Any]) -> float:
    return 1.0


@dataclass(frozen=True)
class Source(Generic[S]):
    """A source of scenes.

    Attributes:
        settings: model of `sources.{name}`; the first line of its docstring describes the key.
        scene_kind: which rules make its scenes and views: "house" (rendered), "photo" (read) or
            "episode" (demonstrated).
        record: model of a line of `results/scenes/{name}/{shard}.jsonl`.
        plan: returns the shards; `UserError` for input that is missing or of no use.
        description: how its views were made, a noun phrase for the card of a data set.
        license_note: under which terms its pictures may be passed on, for the same card.
        stages: the stages that it takes part in.
        stages_of: says from its settings which of these it takes part in; None: in all.
        sample: "package.module:function" that makes the scenes of a shard for rule sample_scenes:
            it takes (settings, `SampleRequest`) and returns `record`s in order; "" if this kind
            of scenes has rules of its own.
        sample_settings: the part of `settings` that scenes depend on, which `sample` receives.
        input_files: returns files or folders of the user's that scenes and views are read from.
        depth_kind: says from its settings how far its own depth may be wrong: a simulator's is
            exact.
        answers_from: what answers questions about it with `vqa.evidence: auto`.
        has_truth: whether labels measured in it can be audited against the truth.
        names_objects: whether the objects in its views have names that say what they look like:
            the tiny base learns to see from such views, whichever later stages take them.
        keeps_given_depth: whether depth maps that came with single views win over an estimate.
        views_per_scene: about how many views a scene has, from its settings and the configuration.
        resolve: returns settings with automatic choices replaced by what they mean.
        check: raises `UserError` for settings that cannot work with the rest of the configuration.
        example_settings: returns settings with some number of scenes, for the example of
            `snakemake plan`; None where cluster/example_jobs.tsv has no times of this source.
    """

    settings: type[S]
    scene_kind: str
    record: type[SceneRecord]
    plan: Callable[[S, PlanContext], ShardPlan]
    description: str
    license_note: str
    stages: tuple[Stage, ...] = ALL_STAGES
    stages_of: Callable[[S], tuple[Stage, ...]] | None = None
    sample: str = ""
    sample_settings: type[Settings] | None = None
    input_files: Callable[[S], tuple[str, ...]] = _no_files
    depth_kind: Callable[[S], Literal["exact", "sensor"]] = exact_depth
    answers_from: Literal["truth", "measured"] = "truth"
    has_truth: bool = True
    names_objects: bool = True
    keeps_given_depth: bool = False
    views_per_scene: Callable[[S, Mapping[str, Any]], float] = _one_view
    resolve: Callable[[S], S] = _unchanged
    check: Callable[[S, PlanContext], None] = _no_problem
    example_settings: Callable[[int], Mapping[str, Any]] | None = None
