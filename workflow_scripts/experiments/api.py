"""Experiments of kind api: a model behind an OpenAI-compatible server answers, untrained by us."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import read_text
from workflow_scripts.config.base import Text, UserPath, section_json
from workflow_scripts.config.evaluate import PredictSettings
from workflow_scripts.config.server import RequestLimits, ServerSettings
from workflow_scripts.experiments.base import (
    Arguments,
    Experiment,
    ExperimentKind,
    Predictor,
    Scorer,
    WorkflowContext,
)
from workflow_scripts.experiments.vlm import FamilySelection, scorer_arguments

PROMPTS = "workflow_scripts/evaluate/prompts"
PROMPT_NAMES = ("zero_shot", "few_shot")


class AnswerRequestSettings(ServerSettings):
    """What the answers of a server depend on."""

    model: Text = Field("gpt-4o", description="model name")
    temperature: float | None = Field(
        0.0, ge=0, le=2, description="randomness of replies; null leaves it to the server"
    )
    reply_format: Literal["json_schema", "json_object", "text"] = Field(
        "text", description="how the server is asked to answer"
    )
    prompt: Text = Field(
        "zero_shot",
        description="zero_shot, few_shot, or a prompt file with {question} and perhaps {examples}",
    )
    num_examples: Annotated[int, Field(ge=0, le=20)] = Field(
        0,
        description="number of questions of the same family from training houses that are shown "
        "with their answers",
    )
    max_image_px: int = Field(
        1024, ge=64, le=4096, description="images are shrunk to this longest side"
    )
    max_failed_fraction: float = Field(
        0.05, ge=0, le=1, description="a job fails when more than this fraction has no reply"
    )
    cache: UserPath = Field(
        "results/evaluate/cache",
        description="folder of paid replies; nothing in it is paid twice",
    )


class ApiRequestSettings(AnswerRequestSettings, FamilySelection):
    """What the answers of a server depend on, and which questions it is asked."""


class ApiSettings(ApiRequestSettings, RequestLimits):
    """A model behind an OpenAI-compatible server; nothing is trained."""

    kind: Literal["api"] = Field("api", description="a server answers")


class ApiPredictSettings(ApiRequestSettings, PredictSettings):
    """How a server is asked which part of the questions."""


def prompt_file(settings: AnswerRequestSettings, *, folder: str = PROMPTS) -> str:
    """Return the path of the prompt file: one of ours in a folder by name, or the user's."""
    is_ours = settings.prompt in PROMPT_NAMES
    return f"{folder}/{settings.prompt}.txt" if is_ours else settings.prompt


def check_prompt_file(
    settings: AnswerRequestSettings, where: str, *, folder: str = PROMPTS
) -> None:
    """Refuse a prompt file that is missing, and examples that the prompt does not show."""
    path = Path(prompt_file(settings, folder=folder))
    if not path.is_file():
        raise UserError(
            f"{where}.prompt: {settings.prompt}: no such file; give one, zero_shot or few_shot"
        )
    if settings.num_examples and "{examples}" not in read_text(path):
        raise UserError(f"{where}.num_examples: {path} has no {{examples}}; take prompt: few_shot")


def _check(experiment: Experiment, context: WorkflowContext) -> None:
    check_prompt_file(experiment.settings, f"train.experiments.{experiment.name}")


def _predictor_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    settings = experiment.settings
    examples = ["results/vqa/train.parquet"] if settings.num_examples else []
    values = {**context.config["evaluate"], **settings.model_dump(mode="json")}
    return Arguments(
        settings=section_json(values, ApiPredictSettings),
        inputs={"prompt_file": prompt_file(settings), "examples": examples},
    )


def _limits(experiment: Experiment) -> RequestLimits:
    limits: RequestLimits = experiment.settings
    return limits


KIND = ExperimentKind(
    name="api",
    settings=ApiSettings,
    predictor=Predictor(
        "workflow_scripts.evaluate.ask_server",
        _predictor_arguments,
        rule="ask_server",
        limits=_limits,
    ),
    scorer=Scorer("workflow_scripts.evaluate.score", scorer_arguments),
    report_section="answers.html.j2",
    check=_check,
)
