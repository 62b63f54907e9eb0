"""Experiments of kind video: what their scores stand beside."""

from typing import Any

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments.base import Experiment, WorkflowContext
from workflow_scripts.experiments.video import KIND, VideoSettings


def context(**experiments: dict[str, Any] | None) -> WorkflowContext:
    """Return a workflow with one shard of scans and some experiments."""
    resolved = {
        name: None if values is None else {"kind": "video", **values}
        for name, values in experiments.items()
    }
    config = {
        "train": {"experiments": resolved},
        "evaluate": {"split": "test", "num_parts": 2},
        "sources": {},
    }
    return WorkflowContext(config, {"scans": ["0000"]}, {"scans": "scan"})


def experiment(**values: Any) -> Experiment:
    return Experiment("own", KIND, VideoSettings.parse({"base": "some/hub-id", **values}))


def test_scores_wait_for_the_answers_of_the_experiments_beside_them() -> None:
    one = experiment(compare_with=["flat", "uniform"])
    arguments = one.scorer_arguments(context(own={}, flat={}, uniform={}))
    assert arguments.inputs["compared"] == [
        f"results/evaluate/{name}/predictions.image.{part:03d}.jsonl"
        for name in ("flat", "uniform")
        for part in (0, 1)
    ]
    plain = experiment()
    assert plain.scorer_arguments(context(own={})).inputs["compared"] == []
    assert "--compared" not in plain.scorer_arguments(context(own={})).command_line()


def test_what_scores_stand_beside_trains_and_answers_nothing_again() -> None:
    known = context(own={}, flat={})
    one, plain = experiment(compare_with=["flat"]), experiment()
    assert one.training_arguments(known) == plain.training_arguments(known)
    assert one.predictor_arguments(known) == plain.predictor_arguments(known)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({}, "flat is not another experiment of kind video \\(there is none\\)"),
        ({"flat": None, "mlp": {}}, "flat is not another experiment of kind video \\(mlp\\)"),
        ({"flat": {"kind": "vlm"}}, "flat is not another experiment of kind video"),
        (
            {"flat": {"tasks": ["grounding"]}},
            "flat has no answers of task captioning, question; add it to "
            "train.experiments.flat.tasks",
        ),
    ],
)
def test_only_experiments_that_answer_the_same_stand_beside_scores(
    others: dict[str, Any], message: str
) -> None:
    one = experiment(compare_with=["flat"])
    with pytest.raises(UserError, match=rf"train\.experiments\.own\.compare_with: {message}"):
        KIND.check(one, context(own={}, **others))
    itself = experiment(compare_with=["own"])
    with pytest.raises(UserError, match="own is not another experiment"):
        KIND.check(itself, context(own={}))
