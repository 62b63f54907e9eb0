"""Experiments of kind pose: a model of 3D keypoints in several views."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.config.base import Settings, Text, UniqueList, section_json
from workflow_scripts.config.evaluate import PoseScoreSettings
from workflow_scripts.experiments.base import (
    Arguments,
    Experiment,
    ExperimentKind,
    Picture,
    Scorer,
    Training,
    TrainingRule,
    WorkflowContext,
)
from workflow_scripts.models.keypoints.noise import NoiseModel

EPISODE = "episode"
MIN_CAMERAS = 2


class LossTermWeights(Settings):
    """Weights of the terms that the masked objective adds to the reprojection error."""

    temporal: float = Field(0.01, ge=0, description="accelerations within a window")
    rigidity: float = Field(0.1, ge=0, description="changed distances of keypoints of one body")
    cheirality: float = Field(1.0, ge=0, description="points behind a camera that observed them")


class PoseTrainingSettings(Settings):
    """What a training depends on."""

    tasks: UniqueList[Text] = Field(
        (), description="tasks of sources.rlbench that one model learns; empty: all of them"
    )
    keypoints: UniqueList[Text] = Field(
        (), description="names of the keypoints to learn; empty: all of them"
    )
    front_end: Literal["oracle", "noise", "images"] = Field(
        "noise",
        description="where 2D comes from: exact projections, the noise model, or a detector that "
        "is trained on the images",
    )
    noise: NoiseModel = Field(
        NoiseModel(), description="how observed keypoints differ from exact projections"
    )
    objective: Literal["supervised", "masked", "published"] = Field(
        "supervised",
        description="supervised by 3D labels; masked: from 2D alone, onto frames that the input "
        "lacks; published: from 2D alone, onto the 2D that is given",
    )
    weights: LossTermWeights = Field(
        LossTermWeights(), description="weights of further terms of the masked objective"
    )
    window: int = Field(7, ge=1, le=101, description="frames that the model sees, odd")
    width: int = Field(128, ge=8, description="channels of a token")
    layers: int = Field(3, ge=1, description="attention layers")
    heads: int = Field(4, ge=1, description="heads of an attention layer")
    view_dropout: Annotated[float, Field(ge=0, le=0.9)] = Field(
        0.1,
        description="fraction of observations hidden in training, so that the model works with "
        "any subset of the views",
    )
    frames_per_episode: int = Field(
        12, ge=1, description="frames of an episode that a detector learns from"
    )
    num_processes: int = Field(
        1, ge=1, description="number of ranks on CPU; with GPUs there is one rank per GPU"
    )
    steps: int = Field(800, ge=1, description="optimizer steps")
    batch_size: int = Field(
        256,
        ge=1,
        description="windows in a step over all ranks (a detector: frames with all their views)",
    )
    learning_rate: float = Field(0.002, gt=0, description="peak learning rate")
    save_steps: int = Field(200, ge=1, description="steps between checkpoints")
    save_minutes: float = Field(15.0, gt=0, description="minutes between checkpoints")
    num_validations: int = Field(
        8, ge=1, description="number of validations on episodes during training"
    )

    @model_validator(mode="after")
    def _is_possible(self) -> "PoseTrainingSettings":
        problem = self._problem()
        if problem:
            raise ValueError(problem)
        return self

    def _problem(self) -> str:
        if self.window % 2 == 0:
            return f"window {self.window} must be odd: it has a frame in its middle"
        if self.objective == "masked" and self.window < 3:
            return (
                f"window {self.window} leaves objective masked nothing to learn from, since it "
                "hides the frame in the middle; use 3 or more"
            )
        if self.front_end == "images" and self.objective != "supervised":
            return f"front_end images learns with objective supervised only, not {self.objective!r}"
        if self.width % self.heads:
            return f"width {self.width} must be a multiple of heads {self.heads}"
        return ""

    def noise_model(self) -> NoiseModel:
        """Return how 2D is observed; exact projections are noise of size 0."""
        if self.front_end == "noise":
            return self.noise
        return NoiseModel(multiplier=0.0, occlusion=self.noise.occlusion)


class PoseSettings(PoseTrainingSettings):
    """A model of 3D keypoints in several views."""

    kind: Literal["pose"] = Field("pose", description="a model of 3D keypoints in several views")


def _disabled_reason(context: WorkflowContext) -> str | None:
    if context.sources_with_scenes(EPISODE):
        return None
    return "kind pose needs demonstrations; give sources.rlbench its settings"


def _check(experiment: Experiment, context: WorkflowContext) -> None:
    """Refuse an experiment that cannot be learned from the demonstrations."""
    key = f"train.experiments.{experiment.name}"
    for name in context.sources_with_scenes(EPISODE):
        source = context.config["sources"][name]
        if len(source["cameras"]) < MIN_CAMERAS:
            raise UserError(
                f"{key}: a position needs {MIN_CAMERAS} cameras; sources.{name}.cameras has "
                f"{', '.join(source['cameras'])} alone"
            )
        for task in experiment.settings.tasks:
            if source["tasks"] and task not in source["tasks"]:
                raise UserError(
                    f"{key}.tasks: {task!r} is not in sources.{name}.tasks; "
                    f"{allowed_values(task, source['tasks'])}"
                )


def _views(context: WorkflowContext) -> list[str]:
    return context.per_shard("results/views/{source}/{shard}.zarr", scene_kind=EPISODE)


def _training_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    return Arguments(
        settings=section_json(experiment.settings, PoseTrainingSettings),
        inputs={"views": _views(context)},
        dependencies={
            "leaks": context.per_source("results/views/{source}/leaks.json", scene_kind=EPISODE)
        },
    )


def _threads(settings: PoseSettings) -> int:
    """Return the cores of a rank: a lifter is too small for two."""
    return 2 if settings.front_end == "images" else 1


def _scorer_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    folder = experiment.folder
    return Arguments(
        settings=section_json(context.config["evaluate"], PoseScoreSettings),
        inputs={"views": _views(context)},
        dependencies={
            "weights": f"{folder}/model.safetensors",
            "model_settings": f"{folder}/model.json",
        },
        flags={"model": folder},
    )


KIND = ExperimentKind(
    name="pose",
    settings=PoseSettings,
    training=Training(
        module="workflow_scripts.train.pose.launch",
        arguments=_training_arguments,
        rules=(
            TrainingRule("train_pose", {"weights": "model.safetensors", "model": "model.json"}),
        ),
        threads=_threads,
        cpus_per_rank=_threads,
        curves="loss and error",
    ),
    scorer=Scorer(
        module="workflow_scripts.evaluate.pose.score",
        arguments=_scorer_arguments,
        pictures=(
            Picture("keypoints.png", "frame", "keypoints", "report/keypoints.rst"),
            Picture("errors.png", "errors", "errors", "report/keypoints.rst"),
        ),
        mem_mb=3000,
        runtime=120,
        scene_kind=EPISODE,
    ),
    report_section="keypoints.html.j2",
    check=_check,
    disabled_reason=_disabled_reason,
)
