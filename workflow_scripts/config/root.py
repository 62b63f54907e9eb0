"""The whole configuration as one model, built from the registered sources and experiments."""

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, create_model, model_validator

from workflow_scripts.config.base import Settings, SettingsError, UniqueList
from workflow_scripts.config.captions import CaptionsSettings
from workflow_scripts.config.depth import DepthSettings
from workflow_scripts.config.evaluate import EvaluateSettings
from workflow_scripts.config.pointclouds import PointcloudsSettings
from workflow_scripts.config.splits import SplitsSettings
from workflow_scripts.config.train import TinySettings, TrainSettings
from workflow_scripts.config.views import ViewsSettings
from workflow_scripts.config.vqa import VqaSettings

ExperimentName = Annotated[str, Field(pattern=r"^(?!base$|benchmarks$)[a-z0-9][a-z0-9-]*$")]


class _Sources(Settings):
    @model_validator(mode="after")
    def _one(self) -> "_Sources":
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("every source is null; give at least one its settings")
        return self


class _Experiments(TrainSettings):
    @model_validator(mode="after")
    def _one(self) -> "_Experiments":
        experiments: Mapping[str, Any] = self.experiments  # type: ignore[attr-defined]
        if all(value is None for value in experiments.values()):
            raise SettingsError((("experiments",), "every experiment is null; leave one on"))
        return self


def build_config_model(
    sources: Mapping[str, type[Settings]], experiments: Mapping[str, type[Settings]]
) -> type[Settings]:
    """Return the model of the whole configuration.

    `sources` are models by the name of the source: sources.<name> is its settings or null.
    `experiments` are models by kind, each with a field `kind`; train.experiments maps names to
    settings of any of them or null, and the first kind is that of an experiment that names none.
    """
    source_fields: dict[str, Any] = {
        name: (model | None, Field(None, description=_first_line(model)))
        for name, model in sources.items()
    }
    sources_model = create_model("SourcesSettings", __base__=_Sources, **source_fields)
    experiment: Any = _by_kind(experiments)
    names: Any = Literal[tuple(sources)]
    tiny_model = create_model(
        "TinySettings", __base__=TinySettings, sources=_own_names(TinySettings, names)
    )
    train_model = create_model(
        "TrainSettings",
        __base__=_Experiments,
        tiny=(tiny_model, Field(tiny_model(), description=_description(TrainSettings, "tiny"))),
        experiments=(
            dict[ExperimentName, experiment | None],
            Field(
                description="one entry an experiment, null turns it off; its name is letters, "
                "digits and hyphens, not base or benchmarks"
            ),
        ),
    )
    depth_model = create_model(
        "DepthSettings", __base__=DepthSettings, sources=_own_names(DepthSettings, names)
    )
    sections: dict[str, tuple[type[Settings], str, bool]] = {
        "sources": (sources_model, "where scenes come from", True),
        "splits": (
            SplitsSettings,
            "shares of houses (or scenes, or photos), split by hash before anything else; they "
            "sum to 1",
            False,
        ),
        "views": (ViewsSettings, "cameras and the house simulator", False),
        "depth": (depth_model, "where the depth of later stages comes from", False),
        "captions": (CaptionsSettings, "how captions are written", False),
        "pointclouds": (PointcloudsSettings, "fused clouds", False),
        "vqa": (VqaSettings, "questions", False),
        "train": (train_model, "experiments", True),
        "evaluate": (EvaluateSettings, "scoring", False),
    }
    fields: dict[str, Any] = {
        name: (model, Field(... if is_required else model(), description=text))
        for name, (model, text, is_required) in sections.items()
    }
    seed = Field(
        7,
        ge=0,
        le=2**31 - 1,
        description="every random choice follows from this number and the identity of what it is "
        "for",
    )
    allow_no_gpu = Field(
        False,
        description="under SLURM, run rules without a GPU that may use one, and trainings on this "
        "machine, where the profile says so; otherwise that is an error",
    )
    return create_model(
        "SightlineConfig",
        __base__=Settings,
        seed=(int, seed),
        allow_no_gpu=(bool, allow_no_gpu),
        **fields,
    )


def _description(model: type[Settings], key: str) -> str | None:
    return model.model_fields[key].description


def _own_names(model: type[Settings], names: Any) -> Any:
    """Return the field `sources` of a model as a list of the registered names."""
    return UniqueList[names] | None, Field(None, description=_description(model, "sources"))


def _first_line(model: type[Settings]) -> str:
    text = (model.__doc__ or "").strip().splitlines()[0].rstrip(".")
    is_name = any(letter.isupper() for letter in text.split()[0][1:])
    return text if is_name or "'" in text.split()[0] else text[0].lower() + text[1:]


def _by_kind(experiments: Mapping[str, type[Settings]]) -> Any:
    """Return the type of one experiment's settings: the model that `kind` names."""
    if len(experiments) == 1:
        return next(iter(experiments.values()))
    tagged = [Annotated[model, Tag(kind)] for kind, model in experiments.items()]
    return Annotated[reduce(operator.or_, tagged), Discriminator(_kind_of(next(iter(experiments))))]


def _kind_of(default: str) -> Callable[[Any], str | None]:
    def kind_of(value: Any) -> str | None:
        if isinstance(value, Mapping):
            return str(value.get("kind", default))
        return getattr(value, "kind", None)

    return kind_of
