"""Experiments of kind vlm: a vision-language model learns to answer questions."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from workflow_scripts.common.hub_names import require_model
from workflow_scripts.config.base import Settings, Text, UniqueList, UserPath, section_json
from workflow_scripts.config.evaluate import PredictSettings, ScoreSettings
from workflow_scripts.config.vqa import QuestionFamily
from workflow_scripts.experiments.base import (
    Arguments,
    Experiment,
    ExperimentKind,
    Predictor,
    Scorer,
    Training,
    TrainingRule,
    WorkflowContext,
)

# Base models that rule pretrain_base trains, in results/train/base/.
EMBEDDED_BASES = ("tiny",)


class LoraSettings(Settings):
    """LoRA's size."""

    r: int = Field(16, ge=1, description="rank of the adapters")
    alpha: float = Field(32.0, gt=0, description="scaling factor of the adapters")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout of the adapters")
    targets: tuple[Text, ...] = Field(
        (),
        description="last words of the names of modules to adapt; empty: the linear layers of the "
        "language model",
    )


class FamilySelection(Settings):
    """Which questions an experiment is about; answering and scoring read this alone."""

    families: Annotated[UniqueList[QuestionFamily], Field(min_length=1)] | None = Field(
        None,
        description="families of questions that are trained on and scored; null: all that vqa asks",
    )


class TuningSettings(Settings):
    """How a base model is tuned, whatever it is tuned on."""

    adapter: Literal["lora", "none"] = Field("lora", description="LoRA adapters or all weights")
    lora: LoraSettings = Field(LoraSettings(), description="LoRA's size")
    deepspeed: Literal["zero2", "zero3", "none"] = Field(
        "zero2", description="DeepSpeed: ZeRO stage 2 or 3, or none"
    )
    num_processes: int = Field(
        2, ge=1, description="number of ranks on CPU; with GPUs there is one rank per GPU"
    )
    steps: int = Field(200, ge=1, description="optimizer steps")
    batch_size: int = Field(16, ge=1, description="answers per optimizer step over all ranks")
    questions_per_sequence: int = Field(
        8,
        ge=1,
        description="maximum number of questions about one picture in a sequence; with more a "
        "step is faster, with fewer it covers more pictures",
    )
    tokens_per_micro_batch: int = Field(
        8192,
        ge=1,
        description="maximum number of tokens in a forward pass of a rank; a smaller number needs "
        "less memory and changes nothing else",
    )
    attention: Literal["auto", "sdpa"] = Field(
        "auto",
        description="auto: FlexAttention on GPUs that can, without a GPU what is faster for the "
        "length, else sdpa",
    )
    gradient_checkpointing: bool = Field(
        False, description="recompute activations in the backward pass to save memory"
    )
    learning_rate: float = Field(0.001, gt=0, description="peak learning rate")
    save_steps: int = Field(50, ge=1, description="steps between checkpoints")
    save_minutes: float = Field(15.0, gt=0, description="minutes between checkpoints")


class VlmTrainingSettings(TuningSettings, FamilySelection):
    """What a training depends on beside its base and its data."""


class VlmSettings(VlmTrainingSettings):
    """A vision-language model."""

    kind: Literal["vlm"] = Field("vlm", description="what is trained")
    base: UserPath = Field("tiny", description="tiny, a hub id, or a local folder")
    data: Literal["vqa"] = Field("vqa", description="which questions")


def base_model(base: str) -> str:
    """Return what a base is loaded from: a folder of this workflow, or what the user named."""
    return f"results/train/base/{base}" if base in EMBEDDED_BASES else base


def embedded_base(base: str) -> list[str]:
    """Return the base model's folder if this workflow trains it, else nothing to wait for."""
    return [base_model(base)] if base in EMBEDDED_BASES else []


def check_base(experiment: Experiment, context: WorkflowContext) -> None:
    """Refuse a base that is not embedded, no folder, and no model's id on the hub."""
    base = experiment.settings.base
    if base not in EMBEDDED_BASES:
        require_model(f"train.experiments.{experiment.name}.base", base)


def _training_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings = experiment.settings
    return Arguments(
        settings=section_json(settings, VlmTrainingSettings),
        inputs={"data": "results/vqa/train.parquet", "validation": "results/vqa/val.parquet"},
        dependencies={"base_folder": embedded_base(settings.base)},
        flags={"base": base_model(settings.base), "images": "results/vqa"},
    )


def _training_rule(settings: TuningSettings) -> str:
    return "train_lora" if settings.adapter == "lora" else "train_full_finetune"


def cores_of_rank(settings: Any) -> int:
    """Return the cores of a rank: the tiny base is too small for two; 0 shares the machine's."""
    return 1 if settings.base in EMBEDDED_BASES else 0


def cores_of_training(settings: Any) -> int:
    """Return the cores that a training on this machine claims."""
    return cores_of_rank(settings) * settings.num_processes or 2


TRAINING = Training(
    module="workflow_scripts.train.vlm.launch",
    arguments=_training_arguments,
    rules=(
        TrainingRule(
            "train_lora",
            {"weights": "adapter_model.safetensors", "config": "adapter_config.json"},
        ),
        TrainingRule(
            "train_full_finetune", {"weights": "model.safetensors", "config": "config.json"}
        ),
    ),
    rule_of=_training_rule,
    threads=cores_of_training,
    cpus_per_rank=cores_of_rank,
)


class ListAnswerSettings(Settings):
    """How answers are written that are lists of objects."""

    entries_per_name: int | None = Field(
        None,
        ge=1,
        description="at most this many objects of an answer in format object_list begin with the "
        "same token; null: any number. A small model tends to repeat one name",
    )


class VlmPredictSettings(PredictSettings, FamilySelection, ListAnswerSettings):
    """How an experiment answers which questions."""


class VlmScoreSettings(ScoreSettings, FamilySelection):
    """How an experiment's answers to which questions are scored."""


def _predictor_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings = experiment.settings
    weights = TRAINING.rule(settings).outputs["weights"]
    return Arguments(
        settings=with_families(experiment, context, VlmPredictSettings),
        dependencies={
            "weights": f"{experiment.folder}/{weights}",
            "base_folder": embedded_base(settings.base),
        },
        flags={"base": base_model(settings.base), "adapter": experiment.folder},
    )


def scorer_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    split = context.config["evaluate"]["split"]
    return Arguments(
        settings=with_families(experiment, context, VlmScoreSettings),
        inputs={
            "questions": f"results/vqa/{split}.parquet",
            "training": "results/vqa/train.parquet",
            "image": experiment.answer_files("image", context),
            "blind": experiment.answer_files("blind", context),
            "blank": experiment.answer_files("blank", context),
        },
    )


def with_families(
    experiment: Experiment, context: WorkflowContext, model: type[FamilySelection]
) -> str:
    """Return settings of stage evaluate and the experiment's families as JSON."""
    families = json.loads(section_json(experiment.settings, FamilySelection))
    return section_json({**context.config["evaluate"], **families}, model)


KIND = ExperimentKind(
    name="vlm",
    settings=VlmSettings,
    training=TRAINING,
    predictor=Predictor("workflow_scripts.evaluate.predict", _predictor_arguments),
    scorer=Scorer("workflow_scripts.evaluate.score", scorer_arguments),
    report_section="answers.html.j2",
    check=check_base,
)
