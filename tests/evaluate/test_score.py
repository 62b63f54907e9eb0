"""Scores against hand-worked answers, intervals over houses, and what must be refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.result_files import record_checksum
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.questions import Question, QuestionTableWriter, Referent
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import atomic_write, read_records, write_records, write_table
from workflow_scripts.evaluate import merge, score
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.eval_items import item_from_question, open_items
from workflow_scripts.evaluate.score_table import EvalRow, ScoreRow, read_eval, read_scores

ROOT = Path(__file__).parents[2]


def question(
    number: int, *, house: str, truth: str | float, family: str = "left_right", split: str = "test"
) -> Question:
    is_length = not isinstance(truth, str)
    return Question(
        question_id=f"q{number}",
        source="procthor",
        scene_id=house,
        split=split,
        view=0,
        view_id=f"{house}-000",
        image="a.jpg",
        family=family,
        form="marked",
        question="Is it?",
        answer=f"{truth:.2f} m" if is_length else truth,
        answer_type="metres" if is_length else "choice",
        choices=[] if is_length else ["yes", "no"],
        truth=truth,
        margin=0.1,
        margin_unit="m",
        referents=[Referent(instance=1, object_id="a", category="Sofa", phrase="the sofa")],
    )


def write_questions(path: Path, questions: list[Question]) -> Path:
    with atomic_write(path, checksum=True) as partial, QuestionTableWriter(partial) as rows:
        rows.add(questions)
    return path


def write_predictions(path: Path, condition: str, texts: dict[str, str]) -> Path:
    write_records(
        path,
        [
            Prediction(experiment="e", condition=condition, question_id=name, text=text)
            for name, text in texts.items()
        ],
    )
    return path


def test_interval_is_over_houses_not_questions() -> None:
    # Ten houses whose 100 questions are all right or all wrong: ten facts, not a thousand.
    houses = pd.Series(np.repeat([f"h{index}" for index in range(10)], 100))
    right = np.repeat(np.arange(10) % 2, 100).astype(float)
    resample = SceneBootstrap(houses, resamples=4000, rng=rng(7, "test"))
    mean, draws = resample.means(right)
    low, high = interval(draws)
    assert mean == 0.5
    assert draws.std() == pytest.approx(0.5 / np.sqrt(10), rel=0.05)  # binomial over ten houses
    assert low < 0.25
    assert high > 0.75


def test_intervals_of_medians_are_over_episodes_not_frames() -> None:
    values = np.repeat([1.0, 2.0, 3.0, 10.0], 100)
    episodes = np.repeat(["a", "b", "c", "d"], 100)
    resample = SceneBootstrap(episodes, resamples=500, rng=rng(7, "test"))
    mean, draws = resample.means(values)
    median, middle = resample.medians(values)
    assert resample.num_scenes == 4
    assert mean == pytest.approx(4)
    assert median == pytest.approx(2.5)
    low, high = interval(draws)
    assert low < 2.2
    assert high > 6
    assert set(np.unique(middle)) <= {1.0, 2.0, 3.0, 10.0}
    nothing, draws = resample.means(np.full(400, np.nan))
    assert np.isnan(nothing)
    assert np.isnan(interval(draws)).all()


def test_medians_do_not_depend_on_the_order_of_scenes_or_how_they_are_named() -> None:
    values = rng(1, "values").normal(size=300)
    values[::17] = np.nan
    scene = rng(1, "scenes").integers(0, 12, 300)
    names = np.char.add("h", np.char.zfill(scene.astype(str), 2))
    by_number = SceneBootstrap(scene, resamples=200, rng=rng(7, "test"))
    by_name = SceneBootstrap(names, resamples=200, rng=rng(7, "test"))
    for statistic in ("means", "medians"):
        value, draws = getattr(by_number, statistic)(values)
        same_value, same_draws = getattr(by_name, statistic)(values)
        assert value == same_value
        np.testing.assert_array_equal(draws, same_draws)
    # By hand: every scene's values as often as the resample has drawn it.
    weights = rng(7, "test").multinomial(12, np.full(12, 1 / 12), size=200)
    for draw, counts in zip(draws[:5], weights, strict=False):
        drawn = np.repeat(values, counts[scene])
        drawn = np.sort(drawn[np.isfinite(drawn)])
        assert draw == drawn[-(-len(drawn) // 2) - 1]


def test_gain_is_paired() -> None:
    houses = pd.Series(np.repeat([f"h{index}" for index in range(30)], 10))
    blind = rng(1, "blind").integers(0, 2, 300).astype(float) * 0.5
    resample = SceneBootstrap(houses, resamples=1000, rng=rng(7, "test"))
    _, better = resample.means(blind + 0.2)
    _, worse = resample.means(blind)
    assert interval(better - worse) == pytest.approx((0.2, 0.2))


def test_majority_is_of_the_training_answers_of_the_same_family_and_form() -> None:
    training = [
        *(question(n, house="t", truth=t) for n, t in enumerate(["no", "no", "yes"])),
        question(9, house="t", truth="yes", family="taller"),
        *(
            question(20 + n, house="t", truth=length, family="width")
            for n, length in enumerate([1, 1, 2])
        ),
    ]
    which_question = question(4, house="a", truth="yes").model_copy(
        update={"choices": ["red", "yes"]}
    )
    questions_asked = [
        question(1, house="a", truth="yes"),
        question(2, house="a", truth="yes", family="taller"),
        question(3, house="a", truth=3.0, family="width"),
        which_question,
        question(5, house="a", truth=3.0, family="height"),
    ]
    answers = score.majority_answers(
        score.questions_frame([item_from_question(question) for question in questions_asked]),
        score.questions_frame([item_from_question(known) for known in training]),
    )
    assert answers.tolist() == ["no", "yes", "1.00 m", "yes", ""]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    questions_asked = [
        question(1, house="a", truth="yes"),
        question(2, house="a", truth="no"),
        question(3, house="b", truth="yes"),
        question(4, house="b", truth=2.0, family="width"),
    ]
    training = [question(9, house="t", truth="yes", split="train")]
    return {
        "questions": write_questions(tmp_path / "test.parquet", questions_asked),
        "training": write_questions(tmp_path / "train.parquet", training),
        "image": write_predictions(
            tmp_path / "image.jsonl",
            "image",
            {"q1": "yes", "q2": "no", "q3": "no", "q4": "2.2 m"},
        ),
        "blind": write_predictions(
            tmp_path / "blind.jsonl", "blind", {"q1": "yes", "q2": "yes", "q3": "", "q4": "5 m"}
        ),
        "blank": write_predictions(
            tmp_path / "blank.jsonl", "blank", {"q1": "no", "q2": "yes", "q3": "no", "q4": "4 m"}
        ),
        "out": tmp_path / "scores.parquet",
    }


def run_score(files: dict[str, Path]) -> subprocess.CompletedProcess[str]:
    flags = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    fixed = ["--experiment", "e", "--split", "test", "--bootstrap-samples", "100", "--seed", "7"]
    return subprocess.run(
        [sys.executable, "-m", "workflow_scripts.evaluate.score", *flags, *fixed],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_command_writes_hand_worked_rows(files: dict[str, Path], tmp_path: Path) -> None:
    assert run_score(files).returncode == 0
    rows = read_scores(files["out"])
    assert list(rows) == list(ScoreRow.model_fields)
    rows_by_key = rows.set_index(["family", "form", "metric"])
    left_right = rows_by_key.loc[("left_right", "marked", "accuracy")]
    assert left_right["n"] == 3
    assert left_right["num_scenes"] == 2
    assert left_right["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert left_right["blind"] == pytest.approx(1 / 3, abs=1e-6)
    assert left_right["majority"] == pytest.approx(2 / 3, abs=1e-6)
    assert left_right["blank"] == pytest.approx(0, abs=1e-6)
    assert left_right["gain"] == pytest.approx(1 / 3, abs=1e-6)  # over the better one, blind
    assert left_right["majority_gain"] == pytest.approx(0, abs=1e-6)
    assert left_right["majority_gain_low"] <= 0 <= left_right["majority_gain_high"]
    width = rows_by_key.loc[("width", "marked", "abs_rel")]
    assert width["value"] == pytest.approx(0.1, abs=1e-6)
    # Errors are better when lower: 0.1 beats the blank picture's 1.0, the better of the two.
    assert (width["blind"], width["blank"]) == pytest.approx((1.5, 1.0), abs=1e-6)
    assert width["gain"] == pytest.approx(0.9, abs=1e-6)
    assert rows_by_key.loc[("all", "all", "parse_failure_rate")]["blind"] == pytest.approx(0.25)
    assert ("left_right", "marked", "abs_rel") not in rows_by_key.index
    # The same rows as CSV, rounded.
    written = pd.read_csv(tmp_path / "scores.csv", keep_default_na=False, na_values=[""])
    assert written["value"].to_numpy() == pytest.approx(rows["value"].to_numpy(), abs=1e-6)
    assert written["metric"].tolist() == rows["metric"].tolist()


def test_headline_rows_of_every_table_are_joined_and_sorted(
    files: dict[str, Path], tmp_path: Path
) -> None:
    assert run_score(files).returncode == 0
    other = tmp_path / "other.parquet"
    write_table(other, read_scores(files["out"]).assign(experiment="another"))
    merge.main(scores=[files["out"], other], out=tmp_path / "eval.csv")
    rows = read_eval(tmp_path / "eval.csv")
    assert list(rows) == list(EvalRow.model_fields)
    keys = rows[["family", "form", "metric"]].apply(tuple, axis=1).tolist()
    assert keys[: len(keys) // 2] == keys[len(keys) // 2 :]
    assert keys[: len(keys) // 2] == [
        ("all", "all", "accuracy"),
        ("all", "all", "within_factor_2"),
        ("all", "all", "success_25pct"),
        ("all", "marked", "accuracy"),
        ("all", "marked", "within_factor_2"),
        ("all", "marked", "success_25pct"),
        ("left_right", "marked", "accuracy"),
        ("width", "marked", "within_factor_2"),
        ("width", "marked", "success_25pct"),
    ]
    assert rows["experiment"].tolist() == ["e"] * 9 + ["another"] * 9
    assert (rows["baseline_value"] + rows["gain"]).to_numpy() == pytest.approx(
        rows["value"].to_numpy(), abs=2e-6
    )


def test_missing_answer_is_refused_without_output(files: dict[str, Path]) -> None:
    lines = files["image"].read_text().splitlines()
    files["image"].write_text("\n".join(lines[:3]) + "\n")
    record_checksum(files["image"])
    done = run_score(files)
    assert done.returncode == 1
    assert "image.jsonl: 1 of 4 questions have no answer, the first is q4" in done.stderr
    assert "Traceback" not in done.stderr
    assert not files["out"].exists()


def test_answers_are_found_in_any_order_and_of_several_parts(
    files: dict[str, Path], tmp_path: Path
) -> None:
    assert run_score(files).returncode == 0
    in_order = read_scores(files["out"])
    answers = read_records(files["image"], Prediction)
    write_records(files["image"], answers[::-1])
    files["out"] = tmp_path / "other.parquet"
    assert run_score(files).returncode == 0
    pd.testing.assert_frame_equal(read_scores(files["out"]), in_order)
    questions = score.questions_frame(open_items(files["questions"]))
    parts = [tmp_path / f"part{number}.jsonl" for number in range(3)]
    for part, number in zip(parts, ([2, 3], [0], [1]), strict=True):
        write_records(part, [answers[line] for line in number])
    assert score.read_answers(parts, questions) == ["yes", "no", "no", "2.2 m"]


def test_training_answers_are_counted_without_reading_the_questions(files: dict[str, Path]) -> None:
    frame = score.training_frame(files["training"], ())
    asked_frame = score.questions_frame(open_items(files["questions"]))
    assert score.majority_answers(asked_frame, frame).to_list() == ["yes", "yes", "yes", ""]
    assert not len(score.training_frame(files["training"], ["width"]))


def test_no_questions_says_what_to_do(files: dict[str, Path]) -> None:
    write_questions(files["questions"], [])
    done = run_score(files)
    assert done.returncode == 1
    assert "no questions to score" in done.stderr


def test_bad_row_of_scores_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    run_score(files)
    rows = read_scores(files["out"])
    rows.loc[0, "metric"] = "vibes"
    write_table(files["out"], rows)
    with pytest.raises(
        UserError,
        match=r"scores\.parquet, row 1: not a row of scores: metric: .*vibes is not a metric",
    ):
        merge.main(scores=[files["out"]], out=tmp_path / "eval.csv")


def test_scores_of_an_earlier_version_are_refused_in_one_line(
    files: dict[str, Path], tmp_path: Path
) -> None:
    run_score(files)
    rows = read_scores(files["out"])
    write_table(files["out"], rows.rename(columns={"num_scenes": "num_houses"}))
    with pytest.raises(
        UserError, match="unknown columns: num_houses; missing: num_scenes"
    ) as error:
        merge.main(scores=[files["out"]], out=tmp_path / "eval.csv")
    assert "\n" not in str(error.value)
    assert "remove the file" in str(error.value)
    assert not (tmp_path / "eval.csv").exists()
