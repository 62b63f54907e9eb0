"""Files of question sets and scores, by kind of experiment."""

import json

from workflow_scripts.config.evaluate import ScoreSettings
from workflow_scripts.evaluate import paths
from workflow_scripts.evaluate.report import ReportedExperiment
from workflow_scripts.experiments.base import (
    Arguments,
    Experiment,
    ExperimentKind,
    Picture,
    Predictor,
    Scorer,
    Training,
)

CONFIG = {
    "evaluate": {
        "split": "val",
        "max_new_tokens": 16,
        "benchmarks": {"vsi": {"max_new_tokens": 64}},
    },
    "vqa": {"reasoning": "none"},
}
SCORER = Scorer(
    "module",
    lambda experiment, context: Arguments(settings="{}"),
    pictures=(Picture("errors.png", "errors", "errors", "report/keypoints.rst"),),
)


def experiment(name: str, **parts: object) -> Experiment:
    kind = ExperimentKind(name="toy", settings=ScoreSettings, scorer=SCORER, **parts)  # type: ignore[arg-type]
    return Experiment(name, kind, ScoreSettings())


def test_files_of_a_question_set() -> None:
    sets = paths.QuestionSets(CONFIG)
    assert sets.questions(paths.OWN) == "results/vqa/val.parquet"
    assert sets.image_folder(paths.OWN) == "results/vqa"
    assert sets.images(paths.OWN) == []
    assert sets.questions("vsi") == "results/evaluate/benchmarks/vsi.jsonl"
    assert sets.images("vsi") == [sets.image_folder("vsi")]
    assert sets.image_folder("vsi") == "results/evaluate/benchmarks/vsi.pictures"


def test_written_reasoning_needs_longer_answers_to_our_own_questions() -> None:
    assert paths.QuestionSets(CONFIG).max_new_tokens(paths.OWN) == 16
    reasoning = paths.QuestionSets({**CONFIG, "vqa": {"reasoning": "written"}})
    assert reasoning.max_new_tokens(paths.OWN) == paths.MAX_TOKENS_WITH_REASONING
    assert reasoning.max_new_tokens("vsi") == 64


def test_only_what_answers_is_scored_on_benchmarks_and_only_what_trains_has_metrics() -> None:
    predictor = Predictor("module", SCORER.arguments)
    answers = experiment("answers", predictor=predictor)
    trains = experiment("trains", training=Training("module", SCORER.arguments, rules=()))
    assert paths.score_files(answers, ["vsi"]) == [
        "results/evaluate/answers/scores.parquet",
        "results/evaluate/answers/vsi.scores.parquet",
    ]
    assert paths.score_files(trains, ["vsi"]) == ["results/evaluate/trains/scores.parquet"]
    assert paths.training_metrics(answers) == []
    assert paths.training_metrics(trains) == ["results/train/trains/metrics.json"]
    reported = json.loads(paths.reported_experiments([answers, trains], ["vsi"]))
    first, second = map(ReportedExperiment.model_validate, reported)
    assert first.section is first.metrics is None
    assert list(second.pictures) == ["errors"]
