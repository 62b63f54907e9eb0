"""A kind of experiment that only answers: one new file and one line of the registry."""

from pathlib import Path

import pandas as pd
import pytest

from testing.project import WITHOUT_RLBENCH, Project

CONSTANT_KIND = '''\
"""Experiments of kind constant: every question gets the same answer."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from workflow_scripts.common.cli import run
from workflow_scripts.common.questions import read_questions
from workflow_scripts.common.records import Condition, Prediction
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.base import Settings, Text, section_json
from workflow_scripts.config.evaluate import ScoreSettings
from workflow_scripts.experiments.base import (
    Arguments,
    Experiment,
    ExperimentKind,
    Predictor,
    Scorer,
    WorkflowContext,
)


class ConstantSettings(Settings):
    """The same answer to every question."""

    kind: Literal["constant"] = Field("constant", description="the same answer to every question")
    answer: Text = Field("yes", description="the answer")


def _predictor_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    return Arguments(settings=section_json(experiment.settings, ConstantSettings))


def _scorer_arguments(experiment: Experiment, context: WorkflowContext) -> Arguments:
    answers = {
        condition: experiment.answer_files(condition, context)
        for condition in ("image", "blind", "blank")
    }
    split = context.config["evaluate"]["split"]
    questions = {
        "questions": f"results/vqa/{split}.parquet",
        "training": "results/vqa/train.parquet",
    }
    return Arguments(
        settings=section_json(context.config["evaluate"], ScoreSettings),
        inputs={**questions, **answers},
    )


KIND = ExperimentKind(
    name="constant",
    settings=ConstantSettings,
    predictor=Predictor("workflow_scripts.experiments.constant", _predictor_arguments),
    scorer=Scorer("workflow_scripts.evaluate.score", _scorer_arguments),
)


def main(
    *,
    questions: Path,
    images: Path,
    experiment: str,
    condition: Condition,
    part: int,
    max_new_tokens: int,
    out: Path,
    settings: ConstantSettings,
) -> None:
    """Answer every question alike."""
    write_records(
        out,
        [
            Prediction(
                experiment=experiment,
                condition=condition,
                question_id=question.question_id,
                text=settings.answer,
            )
            for question in read_questions(questions)
        ],
    )


if __name__ == "__main__":
    run(main)
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy of the project with the new kind, and an experiment of it alone."""
    project = Project.create(tmp_path_factory.mktemp("toy") / "project")
    package = project.folder / "workflow_scripts/experiments"
    (package / "constant.py").write_text(CONSTANT_KIND)
    registry = package / "__init__.py"
    old, new = '    "pose",\n', '    "pose",\n    "constant",\n'
    text = registry.read_text()
    assert text.count(old) == 1
    registry.write_text(text.replace(old, new))
    project.edit(WITHOUT_RLBENCH)
    experiments = {"tiny-lora": None, "always-no": {"kind": "constant", "answer": "no"}}
    project.edit({"train": {"experiments": experiments}})
    return project


def test_the_dry_run_shows_its_jobs_and_no_training(project: Project) -> None:
    jobs = project.planned_jobs()
    assert jobs["predict_answers"] == 3
    assert jobs["score_constant"] == jobs["merge_scores"] == jobs["write_report"] == 1
    assert not {"pretrain_base", "train_lora", "train_pose", "score_vlm"} & set(jobs)


def test_its_settings_are_checked(project: Project, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("train: {experiments: {always-no: {kind: constant, anser: no}}}\n")
    done = project.snakemake("--dry-run", "--configfile", str(wrong), check=False)
    printed = done.stdout + done.stderr
    assert "train.experiments.always-no.anser: unknown key" in printed
    assert "did you mean 'answer'" in printed


def test_a_tiny_run_scores_it(project: Project) -> None:
    project.snakemake("--cores", "2", "--quiet", "all", "--", "results/eval.csv")
    rows = pd.read_csv(project.folder / "results/eval.csv")
    assert set(rows["experiment"]) == {"always-no"}
    scores = pd.read_parquet(project.folder / "results/evaluate/always-no/scores.parquet")
    assert (scores["experiment"] == "always-no").all()
    # Without its images it answers the same, so it gains nothing by them.
    accuracy = scores[scores["metric"] == "accuracy"]
    assert (accuracy["value"] == accuracy["blind"]).all()
    assert (accuracy["gain"] == 0).all()
