"""Experiments of kind reconstruction: a model writes the objects of a room that it sees in 3D."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import UserPath
from workflow_scripts.config.evaluate import ScoreSettings, Tokens
from workflow_scripts.config.reconstruction import LayoutTextSettings, RoomInputSettings
from workflow_scripts.config.server import RequestLimits
from workflow_scripts.experiments.api import AnswerRequestSettings
from workflow_scripts.experiments.vlm import TuningSettings

ReconstructionMode = Literal["ft", "depth", "orient_language", "visual_point"]

_WITH_INTRINSICS = {"prompt": {"intrinsics": True}}
_OURS = {"train_input": _WITH_INTRINSICS, "test_input": _WITH_INTRINSICS}
_PUBLISHED_LAYOUT = {"format": "r2d3", "frame": "world", "objects": "all"}
_POSITION = {"floor_polygon": True, "position": True}
_PLAIN = {"prompt": _POSITION}
_OVERLAY = {"prompt": _POSITION, "picture": {"depth": "luminance"}}
_ORIENTED = {"prompt": {**_POSITION, "yaw": True}}
# The settings of the published modes; an experiment's own go on top.
MODES: Mapping[str, Mapping[str, Any]] = {
    "ft": {"layout": _PUBLISHED_LAYOUT, "train_input": _PLAIN, "test_input": _PLAIN},
    "depth": {"layout": _PUBLISHED_LAYOUT, "train_input": _OVERLAY, "test_input": _OVERLAY},
    "orient_language": {
        "layout": _PUBLISHED_LAYOUT,
        "train_input": _ORIENTED,
        "test_input": _ORIENTED,
    },
    "visual_point": {
        "layout": _PUBLISHED_LAYOUT,
        "train_input": {"prompt": _POSITION, "picture": {"marks": 1, "mark_place": "centre"}},
        "test_input": _PLAIN,
    },
}


class ServerBaseSettings(AnswerRequestSettings, RequestLimits):
    """A model behind an OpenAI-compatible server, which answers untrained."""

    max_tokens: int = Field(4096, ge=16, description="longest reply of a server in tokens")


class ReconstructionSettings(TuningSettings, RoomInputSettings):
    """A vision-language model that writes rooms."""

    kind: Literal["reconstruction"] = Field("reconstruction", description="what is trained")
    mode: ReconstructionMode | None = Field(
        None,
        description="published mode, a preset of layout, train_input and test_input, which win "
        "over it; null: their defaults",
    )
    base: UserPath = Field("tiny", description="tiny, a hub id, or a local folder")
    server: ServerBaseSettings | None = Field(
        None, description="a model behind a server answers instead of base, and nothing is trained"
    )
    max_new_tokens: Tokens = Field(1024, description="longest answer in tokens")

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        mode = values.get("mode")
        is_published = isinstance(mode, str) and mode in MODES
        return _on_top(values, MODES[mode] if is_published else _OURS)


class ReconstructionScoreSettings(ScoreSettings):
    """How answers are read, and which rooms they are compared with."""

    layout: LayoutTextSettings = Field(LayoutTextSettings(), description="what is written")
    published_metrics: bool = Field(
        True, description="also the metrics of R2D3 and SpatialLM by their published definitions"
    )
    embedder: UserPath | None = Field(
        None,
        description="folder of a sentence embedder, for the published metrics of phrases; null: "
        "phrases are only compared word by word",
    )


def _on_top(values: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a preset with values on top of it, mapping by mapping."""
    merged = {**preset, **values}
    for key, value in preset.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), Mapping):
            merged[key] = _on_top(values[key], value)
    return merged
