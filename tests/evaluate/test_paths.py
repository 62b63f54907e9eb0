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
    QuestionFiles,
    Scorer,
    Training,
    WorkflowContext,
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


CONTEXT = WorkflowContext(config=CONFIG, shards={}, scene_kinds={})
ANSWERS = experiment("answers", predictor=Predictor("module", SCORER.arguments))


def question_files(name: str, config: dict[str, object] = CONFIG) -> QuestionFiles:
    return paths.QuestionSets(config).of(ANSWERS, name, CONTEXT)


def test_files_of_a_question_set() -> None:
    sets = paths.QuestionSets(CONFIG)
    assert question_files(paths.OWN).questions == "results/vqa/val.parquet"
    assert question_files(paths.OWN).images == "results/vqa"
    assert sets.images(paths.OWN) == []
    assert question_files("vsi").questions == "results/evaluate/benchmarks/vsi.jsonl"
    assert sets.images("vsi") == [question_files("vsi").images]
    assert question_files("vsi").images == "results/evaluate/benchmarks/vsi.pictures"


def test_written_reasoning_needs_longer_answers_to_our_own_questions() -> None:
    assert question_files(paths.OWN).max_new_tokens == 16
    reasoning = {**CONFIG, "vqa": {"reasoning": "written"}}
    long = question_files(paths.OWN, reasoning).max_new_tokens
    assert long == paths.MAX_TOKENS_WITH_REASONING
    assert question_files("vsi", reasoning).max_new_tokens == 64


def test_questions_of_its_own_are_all_that_an_experiment_is_asked() -> None:
    own = QuestionFiles("results/vqa/rooms/own/scored.parquet", "results/vqa", 900)
    predictor = Predictor("module", SCORER.arguments, questions=lambda *_: own)
    alone = experiment("alone", predictor=predictor)
    assert paths.QuestionSets(CONFIG).of(alone, paths.OWN, CONTEXT) == own
    assert paths.score_files(alone, ["vsi"]) == ["results/evaluate/alone/scores.parquet"]


def test_what_a_server_answers_is_not_trained() -> None:
    ask = Predictor("ask", SCORER.arguments)
    parts = {
        "predictor": Predictor("predict", SCORER.arguments),
        "server_predictor": ask,
        "training": Training("module", SCORER.arguments, rules=()),
    }
    asks = experiment("asks", **parts, asks_server=lambda _: True)
    trains = experiment("trains", **parts)
    assert asks.predictor is ask
    assert trains.predictor is parts["predictor"]
    assert paths.training_metrics(asks) == []
    assert paths.training_metrics(trains) == ["results/train/trains/metrics.json"]


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
    reported = json.loads(paths.reported_experiments([answers, trains], ["vsi"], CONFIG))
    first, second = map(ReportedExperiment.model_validate, reported)
    assert first.section is first.metrics is None
    assert list(second.pictures) == ["errors"]


def test_rooms_that_are_written_are_rebuilt_for_the_report_unless_none_are_wanted() -> None:
    writes = experiment("writes", room_prompts=lambda *_: "{}")
    for wanted, labels in ((3, ["errors", "rooms rebuilt from answers"]), (0, ["errors"])):
        config = {"evaluate": {"rebuilt_rooms": wanted}}
        assert list(paths.picture_files(writes, config)) == labels
