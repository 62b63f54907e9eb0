"""Experiments of kind reconstruction: a model writes the objects of a room that it sees in 3D."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, model_validator

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.base import Settings, Text, UniqueList, UserPath, section_json
from workflow_scripts.config.evaluate import ScoreSettings, Tokens
from workflow_scripts.config.reconstruction import (
    FRAMES_OF_FORMAT,
    LayoutTextSettings,
    RoomInputSettings,
    RoomPromptSettings,
)
from workflow_scripts.config.server import RequestLimits
from workflow_scripts.experiments.api import (
    AnswerRequestSettings,
    ApiPredictSettings,
    check_prompt_file,
    prompt_file,
)
from workflow_scripts.experiments.base import (
    Arguments,
    Experiment,
    ExperimentKind,
    Picture,
    Predictor,
    QuestionFiles,
    Scorer,
    WorkflowContext,
)
from workflow_scripts.experiments.comparison import compared_answers, compared_experiments
from workflow_scripts.experiments.vlm import (
    TRAINING,
    ListAnswerSettings,
    TuningSettings,
    VlmPredictSettings,
    VlmTrainingSettings,
    base_model,
    check_base,
    embedded_base,
)

PROMPTS = "workflow_scripts/evaluate/prompts/reconstruction"
# Pictures of rooms are named relative to it.
IMAGES = "results/vqa"
ReconstructionMode = Literal["ft", "depth", "orient_language", "visual_point"]

_WITH_INTRINSICS = {"prompt": {"intrinsics": True}}
_OURS = {"train_input": _WITH_INTRINSICS, "test_input": _WITH_INTRINSICS}
_PUBLISHED_LAYOUT = {
    "format": "r2d3",
    "frame": "world",
    "objects": "all",
    "include_children": False,
}
_POSITION = {"floor_polygon": True, "position": True}
_PLAIN = {"prompt": _POSITION}
_OVERLAY = {"prompt": _POSITION, "picture": {"depth": "luminance"}}
_ORIENTED = {"prompt": {**_POSITION, "yaw": True}}
# A model that was not trained on a format must be told it.
_EXPLAINED = {"test_input": {"prompt": {"format_help": True}}}
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


class RoomMetricSettings(Settings):
    """Which metrics rooms are scored by."""

    published_metrics: bool = Field(
        True, description="also the metrics of R2D3 and SpatialLM by their published definitions"
    )
    embedder: UserPath | None = Field(
        None,
        description="folder of a sentence embedder, for the published metrics of phrases; null: "
        "phrases are only compared word by word",
    )


class ReconstructionSettings(
    TuningSettings, RoomInputSettings, RoomMetricSettings, ListAnswerSettings
):
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
    compare_with: UniqueList[Text] = Field(
        (),
        description="other experiments of kind reconstruction: each headline score also stands "
        "beside theirs on the same rooms, whatever their layout and mode",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        mode = values.get("mode")
        preset = MODES.get(mode, _OURS) if isinstance(mode, str) else _OURS
        if isinstance(values.get("server"), Mapping):
            preset = _on_top(_EXPLAINED, preset)
        return _on_top(values, _without_other_frame(preset, values.get("layout")))


class ReconstructionScoreSettings(ScoreSettings, RoomMetricSettings):
    """How answers are read, and which rooms they are compared with."""

    layout: LayoutTextSettings = Field(LayoutTextSettings(), description="what is written")
    compared_layouts: Mapping[str, LayoutTextSettings] = Field(
        {}, description="what the experiments in compare_with write, by name"
    )


def _without_other_frame(preset: Mapping[str, Any], layout: Any) -> Mapping[str, Any]:
    """Return a preset without its frame where the layout's own format cannot have it."""
    name = layout.get("format") if isinstance(layout, Mapping) else None
    frames = FRAMES_OF_FORMAT.get(name) if isinstance(name, str) else None
    own = preset.get("layout", {})
    if frames is None or own.get("frame") in (None, *frames):
        return preset
    return {**preset, "layout": {key: own[key] for key in own if key != "frame"}}


def _on_top(values: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a preset with values on top of it, mapping by mapping."""
    merged = {**preset, **values}
    for key, value in preset.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), Mapping):
            merged[key] = _on_top(values[key], value)
    return merged


def tables_folder(experiment: Experiment) -> str:
    """Return the folder of an experiment's tables of prompts and answers."""
    return f"results/vqa/rooms/{experiment.name}"


def _asks_server(settings: ReconstructionSettings) -> bool:
    return settings.server is not None


def _disabled_reason(context: WorkflowContext) -> str | None:
    if context.sources_with_scenes("house"):
        return None
    return "rooms are those of houses; turn on a source of houses (sources.procthor)"


def _check(experiment: Experiment, context: WorkflowContext) -> None:
    """Refuse a base or a prompt file that cannot be, and estimated depth that nobody estimates."""
    settings: ReconstructionSettings = experiment.settings
    compared_experiments(experiment, context)
    where = f"train.experiments.{experiment.name}"
    if settings.base == "api" and settings.server is None:
        raise UserError(
            f"{where}.base: api; a model behind a server is named by "
            "server: {model: ..., base_url: ...}, without base"
        )
    if settings.server is not None:
        check_prompt_file(settings.server, f"{where}.server", folder=PROMPTS)
    else:
        check_base(experiment, context)
    if settings.entries_per_name is not None and (
        settings.server is not None or settings.layout.format != "object_list"
    ):
        what = "a server" if settings.server is not None else f"format {settings.layout.format}"
        raise UserError(
            f"{where}.entries_per_name: {settings.entries_per_name}, but it limits answers of "
            f"format object_list by a model of ours, not those of {what}; write null"
        )
    for name in ("train_input", "test_input"):
        picture = getattr(settings, name).picture
        is_wanted = picture.depth != "none" and picture.depth_source == "estimated"
        if is_wanted and context.config["depth"]["backend"] == "simulator":
            raise UserError(
                f"{where}.{name}.picture.depth_source: estimated, but depth.backend is simulator; "
                "choose an estimator there, or truth here"
            )
        if is_wanted and context.config["evaluate"]["focal_factors"]:
            raise UserError(
                f"{where}.{name}.picture.depth_source: estimated, but rooms that "
                "evaluate.focal_factors draws again have the simulator's depth alone; "
                "choose truth here, or no factors there"
            )


def _training_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings: ReconstructionSettings = experiment.settings
    tables = tables_folder(experiment)
    return Arguments(
        settings=section_json(settings, VlmTrainingSettings),
        inputs={"data": f"{tables}/train.parquet", "validation": f"{tables}/val.parquet"},
        dependencies={"base_folder": embedded_base(settings.base)},
        flags={"base": base_model(settings.base), "images": IMAGES},
    )


def _predictor_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings: ReconstructionSettings = experiment.settings
    weights = TRAINING.rule(settings).outputs["weights"]
    values = {**context.config["evaluate"], "entries_per_name": settings.entries_per_name}
    return Arguments(
        settings=section_json(values, VlmPredictSettings),
        dependencies={
            "weights": f"{experiment.folder}/{weights}",
            "base_folder": embedded_base(settings.base),
        },
        flags={"base": base_model(settings.base), "adapter": experiment.folder},
    )


def _server_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    server = experiment.settings.server
    examples = [f"{tables_folder(experiment)}/train.parquet"] if server.num_examples else []
    values = {**context.config["evaluate"], **server.model_dump(mode="json")}
    return Arguments(
        settings=section_json(values, ApiPredictSettings),
        inputs={"prompt_file": prompt_file(server, folder=PROMPTS), "examples": examples},
        flags={"section": f"train.experiments.{experiment.name}.server"},
    )


def _questions(experiment: Experiment, context: WorkflowContext) -> QuestionFiles:
    questions = f"{tables_folder(experiment)}/scored.parquet"
    return QuestionFiles(questions, IMAGES, experiment.settings.max_new_tokens)


def _room_prompts(experiment: Experiment, context: WorkflowContext) -> str:
    values = {**experiment.settings.model_dump(mode="json"), **_scored_split(context)}
    return section_json(values, RoomPromptSettings)


def _scored_split(context: WorkflowContext) -> dict[str, Any]:
    return {"split": context.config["evaluate"]["split"]}


def _scorer_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    layouts = {
        other.name: other.settings.layout.model_dump(mode="json")
        for other in compared_experiments(experiment, context)
    }
    values = {
        **context.config["evaluate"],
        **experiment.settings.model_dump(mode="json"),
        "compared_layouts": layouts,
    }
    return Arguments(
        settings=section_json(values, ReconstructionScoreSettings),
        inputs={
            "questions": f"{tables_folder(experiment)}/scored.parquet",
            "rooms": context.per_shard(
                "results/vqa/{source}/{shard}.rooms.parquet", scene_kind="house"
            ),
            "measured": context.per_shard(
                "results/pointclouds/{source}/{shard}.measured.parquet", scene_kind="house"
            ),
            "image": experiment.answer_files("image", context),
            "blind": experiment.answer_files("blind", context),
            "blank": experiment.answer_files("blank", context),
            "compared": compared_answers(experiment, context),
        },
        dependencies={
            "gravity": context.per_shard(
                "results/pointclouds/{source}/{shard}.gravity.parquet", scene_kind="house"
            )
        },
    )


def _limits(experiment: Experiment) -> RequestLimits:
    limits: RequestLimits = experiment.settings.server
    return limits


KIND = ExperimentKind(
    name="reconstruction",
    settings=ReconstructionSettings,
    training=replace(TRAINING, arguments=_training_arguments),
    predictor=Predictor(
        "workflow_scripts.evaluate.predict", _predictor_arguments, questions=_questions
    ),
    server_predictor=Predictor(
        "workflow_scripts.evaluate.ask_server",
        _server_arguments,
        rule="ask_server",
        limits=_limits,
        questions=_questions,
    ),
    asks_server=_asks_server,
    room_prompts=_room_prompts,
    scorer=Scorer(
        "workflow_scripts.evaluate.reconstruction.score",
        _scorer_arguments,
        pictures=(Picture("rooms.png", "plans", "rooms", "report/rooms.rst"),),
        scene_kind="house",
    ),
    report_section="rooms.html.j2",
    check=_check,
    disabled_reason=_disabled_reason,
)
