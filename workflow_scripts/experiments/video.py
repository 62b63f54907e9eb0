"""Experiments of kind video: a video model finds, describes and answers about objects of scans."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.base import SettingsError, Text, UniqueList, UserPath, section_json
from workflow_scripts.config.evaluate import PredictSettings, ScanScoreSettings, Tokens
from workflow_scripts.config.scan_inputs import (
    ProposalTrainingSettings,
    SampleSelection,
    VideoFramesSettings,
)
from workflow_scripts.config.video import VideoModelSettings
from workflow_scripts.experiments.base import (
    VALIDATION,
    Arguments,
    Experiment,
    ExperimentKind,
    Picture,
    Predictor,
    QuestionFiles,
    Scorer,
    Training,
    TrainingRule,
    WorkflowContext,
)
from workflow_scripts.experiments.comparison import (
    compared_answers,
    compared_experiments,
    comparison_key,
)
from workflow_scripts.experiments.vlm import (
    TuningSettings,
    base_model,
    check_base,
    cores_of_rank,
    cores_of_training,
    embedded_base,
)

SAMPLES = "results/vqa/scans"
VideoCondition = Literal["image", "blind", "rotated90", "rotated180", "rotated270"]


class ScanShowSettings(VideoModelSettings, SampleSelection):
    """What a video model is, and what it is shown and asked of a scan."""

    frames: VideoFramesSettings = Field(
        VideoFramesSettings(), description="which frames of a scan are shown"
    )
    center_origin: bool = Field(
        True,
        description="positions are relative to the middle of the proposals; false: the world frame "
        "of the scan",
    )
    situation: Literal["text", "pose"] = Field(
        "text",
        description="text: words alone say where someone stands and looks; pose: positions are "
        "also relative to that place, x ahead and y to the left, where a sample gives it",
    )


class VideoTrainingSettings(TuningSettings, ScanShowSettings):
    """What a training of a video model depends on beside its base and its data."""

    batches: Literal["one_task", "mixed"] = Field(
        "one_task",
        description="one_task: a step has samples of one task, and tasks take turns in proportion "
        "to their samples; mixed: samples of all tasks",
    )
    blind_fraction: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="fraction of the times a scan is shown without its frames, so that the blind "
        "baseline is a model that has learned to answer blind",
    )
    train_vision: bool = Field(
        False,
        description="train the vision tower and the projector, too (adapter: none); the tiny base "
        "names fewer objects right afterwards, for scans are few",
    )
    random_yaw: bool = Field(
        True, description="turn a scan about the vertical at random each time it is shown"
    )
    proposals: ProposalTrainingSettings = Field(
        ProposalTrainingSettings(), description="how proposals are disturbed in training"
    )

    @model_validator(mode="after")
    def _settings_fit_together(self) -> "VideoTrainingSettings":
        if self.depth_head and not self.train_vision:
            raise SettingsError(
                (
                    ("depth_head",),
                    "true, but train_vision is false: nothing would learn to tell depth",
                )
            )
        if self.grounded_answers and "question" not in self.tasks:
            raise SettingsError(
                (
                    ("grounded_answers",),
                    f"true, but tasks has {', '.join(self.tasks)} and no question; add question, "
                    "or leave grounded_answers out",
                )
            )
        if self.train_vision and self.adapter == "lora":
            raise SettingsError(
                (("train_vision",), "true, but adapter is lora, which trains adapters alone")
            )
        return self


class VideoSettings(VideoTrainingSettings):
    """A video model."""

    kind: Literal["video"] = Field("video", description="scans are asked about")
    base: UserPath = Field("tiny", description="tiny, a hub id, or a local folder")
    max_new_tokens: Tokens = Field(64, description="longest answer in tokens")
    conditions: Annotated[UniqueList[VideoCondition], Field(min_length=2)] = Field(
        ("image", "blind"),
        description="what is scored: image: the frames are shown; blind: they are not, and of "
        "proposals only the centers are known; rotated90, rotated180, rotated270: the scan is "
        "turned about the vertical (do the answers stay the same?)",
    )
    compare_with: UniqueList[Text] = Field(
        (),
        description="other experiments of kind video, with the same tasks or more, whose scores "
        "are compared with those of this one: for example without position encoding, or with "
        "uniform frames",
    )


class VideoPredictSettings(PredictSettings, ScanShowSettings):
    """How a video model answers which part of the samples."""


def _disabled_reason(context: WorkflowContext) -> str | None:
    if context.sources_with_scenes("scan"):
        return None
    return "video models are asked about scans; turn on a source of scans (sources.scans)"


def _check(experiment: Experiment, context: WorkflowContext) -> None:
    check_base(experiment, context)
    settings: VideoSettings = experiment.settings
    key = comparison_key(experiment)
    for compared in compared_experiments(experiment, context):
        name, other = compared.name, compared.settings
        missing = set(settings.tasks) - set(other.tasks)
        if missing:
            raise UserError(
                f"{key}: {name} has no answers of task {', '.join(sorted(missing))}; add it to "
                f"train.experiments.{name}.tasks, or leave {name} out"
            )
        types = other.question_types
        own = settings.question_types
        if types is not None and (own is None or set(own) - set(types)):
            raise UserError(
                f"{key}: {name} has answers to samples of types {', '.join(types)} alone; give "
                f"both the same question_types, or leave {name} out"
            )


def scan_files(context: WorkflowContext) -> dict[str, list[str]]:
    """Return the view shards of scans and their proposals."""
    return {
        "views": context.per_shard("results/views/{source}/{shard}.zarr", scene_kind="scan"),
        "proposals": context.per_shard(
            "results/vqa/{source}/{shard}.proposals.parquet", scene_kind="scan"
        ),
    }


def _chosen_frames(context: WorkflowContext) -> list[str]:
    return context.per_shard("results/views/{source}/{shard}.frames.parquet", scene_kind="scan")


def _training_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings: VideoSettings = experiment.settings
    return Arguments(
        settings=section_json(settings, VideoTrainingSettings),
        inputs={
            "data": f"{SAMPLES}/train.jsonl",
            "validation": f"{SAMPLES}/val.jsonl",
            **scan_files(context),
        },
        dependencies={
            "base_folder": embedded_base(settings.base),
            "chosen_frames": _chosen_frames(context),
        },
        flags={"base": base_model(settings.base)},
    )


def _training_rule(settings: TuningSettings) -> str:
    return "train_video_lora" if settings.adapter == "lora" else "train_video"


# What a video model adds to its base lies beside the base's weights or adapters.
_HEADS = {"heads": "video_model.safetensors"}
TRAINING = Training(
    module="workflow_scripts.train.video.launch",
    arguments=_training_arguments,
    rules=(
        TrainingRule(
            "train_video", {"weights": "model.safetensors", "config": "config.json", **_HEADS}
        ),
        TrainingRule(
            "train_video_lora",
            {"weights": "adapter_model.safetensors", "config": "adapter_config.json", **_HEADS},
        ),
    ),
    rule_of=_training_rule,
    threads=cores_of_training,
    cpus_per_rank=cores_of_rank,
)


def _predictor_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings: VideoSettings = experiment.settings
    outputs = TRAINING.rule(settings).outputs
    values = {**context.config["evaluate"], **settings.model_dump(mode="json")}
    return Arguments(
        settings=section_json(values, VideoPredictSettings),
        inputs=scan_files(context),
        dependencies={
            "weights": [f"{experiment.folder}/{outputs[name]}" for name in ("weights", "heads")],
            "base_folder": embedded_base(settings.base),
            "chosen_frames": _chosen_frames(context),
        },
        flags={"base": base_model(settings.base), "model": experiment.folder},
    )


def _questions(experiment: Experiment, context: WorkflowContext) -> QuestionFiles:
    split = context.config["evaluate"]["split"]
    tokens = experiment.settings.max_new_tokens
    return QuestionFiles(f"{SAMPLES}/{split}.jsonl", SAMPLES, tokens)


def _scorer_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings: VideoSettings = experiment.settings
    values: dict[str, Any] = {**context.config["evaluate"], **settings.model_dump(mode="json")}
    split = context.config["evaluate"]["split"]
    is_grounded = "grounding" in settings.tasks
    return Arguments(
        settings=section_json(values, ScanScoreSettings),
        inputs={
            "samples": f"{SAMPLES}/{split}.jsonl",
            "training": f"{SAMPLES}/train.jsonl",
            "validation": [f"{SAMPLES}/val.jsonl"] if is_grounded else [],
            "validation_image": experiment.answer_files("image", context, question_set=VALIDATION)
            if is_grounded
            else [],
            "compared": compared_answers(experiment, context),
            **scan_files(context),
            **{
                condition: experiment.answer_files(condition, context)
                for condition in settings.conditions
            },
        },
        dependencies={"chosen_frames": _chosen_frames(context)},
    )


KIND = ExperimentKind(
    name="video",
    settings=VideoSettings,
    training=TRAINING,
    predictor=Predictor(
        "workflow_scripts.evaluate.video.predict", _predictor_arguments, questions=_questions
    ),
    scorer=Scorer(
        "workflow_scripts.evaluate.video.score",
        _scorer_arguments,
        pictures=(
            Picture("frames.png", "frames", "boxes in frames", "report/scan_frames.rst"),
            Picture("plans.png", "plans", "boxes from above", "report/scan_plans.rst"),
        ),
        mem_mb=3000,
        scene_kind="scan",
    ),
    report_section="video.html.j2",
    check=_check,
    disabled_reason=_disabled_reason,
)
