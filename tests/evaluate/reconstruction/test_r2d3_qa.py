"""Published scores of answers beside corrected ones, on replies where they differ."""

import json
from pathlib import Path

import pandas as pd
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.reconstruction import r2d3_qa
from workflow_scripts.evaluate.reconstruction.r2d3_qa import QaAnswer, score_answers

# metric, prediction, answer, published, corrected
CASES = [
    ("QAAccuracy", "Right", "right", 1, 1),
    ("QAAccuracy", "ight", "right", 1, 0),
    ("QAAccuracy", "The answer is: right.", "right", 0, 1),
    ("QAAccuracy", "", "", 1, 0),
    ("QA_Accuracy_choice", "A because", "A", 1, 1),
    ("QA_Accuracy_choice", "(A) left", "A", 0, 1),
    ("QA_Accuracy_choice", "A.", "A", 0, 1),
    ("QA_Accuracy_choice", "Apple", "A", 0, 0),
    ("QA_Accuracy_choice", "", "A", 0, 0),
    ("ReasoningAccuracy", "it rotated left", "rotated left", 1, 1),
    ("ReasoningAccuracy", "", "rotated left", 1, 0),
    ("ReasoningAccuracy", "r", "rotated left", 1, 0),
    ("ReasoningAccuracy", "it rotated leftwards", "rotated left", 1, 0),
    ("ReasoningAccuracy", "rotated right", "rotated left", 0, 0),
    ("ReconQAAcc", "(100, 50, 200)", "(100, 50, 200)", 1, 1),
    ("ReconQAAcc", "(100, 50, 201)", "(100, 50, 200)", 0, 1),
    ("ReconQAAcc", "(100, 50, 300)", "(100, 50, 200)", 0, 0),
    ("ReconQAAcc", "It is not present.", "no", 1, 1),
    ("ReconQAAcc", "(1, 2, 3)", "not present", 0, 0),
    ("ReconQAAcc", "nothing", "(1, 2, 3)", 0, 0),
    ("PreciseAcc", "(0, 0, 99)", "(0, 0, 0)", 1, 1),
    ("PreciseAcc", "(0, 0, 100)", "(0, 0, 0)", 0, 0),
    ("PreciseAcc", "[1.5, -2, 30]", "(0, 0, 0)", 1, 1),
]


@pytest.mark.parametrize(("metric", "prediction", "answer", "published", "corrected"), CASES)
def test_published_and_corrected_by_hand(metric, prediction, answer, published, corrected) -> None:
    assert r2d3_qa.PUBLISHED[metric](prediction, answer) == published
    fixed = {**r2d3_qa.CORRECTED, "ReasoningAccuracy": r2d3_qa.corrected_reasoning}
    assert fixed[metric](prediction, answer) == corrected


def test_a_reply_that_names_a_wrong_option_too_is_wrong() -> None:
    score = r2d3_qa.corrected_reasoning
    assert score("left or right", "left", ["right"]) == 0
    assert score("left", "left", ["right", "left by 10 degrees"]) == 1
    assert score("left by 10 degrees", "left by 10 degrees", ["left"]) == 1


def test_what_cannot_be_read_is_left_out_of_precise_as_published() -> None:
    rows = [
        QaAnswer(metric="PreciseAcc", answer="(0, 0, 0)", prediction=text)
        for text in ("I do not know", "(0, 0, 50)", "(0, 0, 500)")
    ]
    scores = score_answers(rows).set_index("metric")
    assert scores.loc["PreciseAcc", ["n", "value"]].tolist() == [2, 0.5]
    assert scores.loc["corrected_PreciseAcc", "value"] == pytest.approx(1 / 3)
    assert scores.loc["corrected_PreciseDistance_cm", "value"] == 500


def test_what_is_published_beside_a_metric_by_hand() -> None:
    def scores(metric: str, **row: object) -> pd.Series:
        table = score_answers([QaAnswer(metric=metric, **row)])
        return table.set_index("metric")["value"]

    both = scores("ReasoningAccuracy", answer="left", prediction="left or right", wrong=("right",))
    assert both["ReasoningAccuracy"] == 1
    assert both["ReasoningAccuracyVSR"] == both["corrected_ReasoningAccuracy"] == 0
    assert both["RandomChoiceAccuracy"] == 0.5
    # An empty reply contains no wrong option, and is contained in the answer.
    empty = scores("ReasoningAccuracy", answer="left", prediction="", wrong=("right", "ahead"))
    assert empty["ReasoningAccuracyVSR"] == 1
    assert empty["RandomChoiceAccuracy"] == pytest.approx(1 / 3, abs=1e-9)
    present = scores("ReconQAAcc", answer="(1, 2, 3)", prediction="somewhere")
    assert (present["ReconQAClassAcc"], present["ReconQAAcc"]) == (1, 0)
    denied = scores("ReconQAAcc", answer="(1, 2, 3)", prediction="not present")
    assert (denied["ReconQAClassAcc"], denied["corrected_ReconQAAcc"]) == (0, 0)
    rows = [
        QaAnswer(metric="PreciseAcc", answer="(0, 0, 0)", prediction=text)
        for text in ("unreadable, and first", "(3, 4, 0)", "(0, 0, 15)")
    ]
    table = score_answers(rows).set_index("metric")["value"]
    assert table["PreciseDistance_cm"] == 10
    assert table["corrected_PreciseDistance_cm"] == 15
    assert "RandomChoiceAccuracy" not in score_answers(rows, published=False)["metric"].tolist()


def test_the_command_writes_scores_by_type(tmp_path: Path) -> None:
    answers, out = tmp_path / "answers.jsonl", tmp_path / "qa.csv"
    lines = [
        {"metric": "ReasoningAccuracy", "type": t, "answer": "left", "prediction": p}
        for t, p in (("ego", "left"), ("ego", ""), ("aim", "right"))
    ]
    answers.write_text("\n".join(map(json.dumps, lines)) + "\n")
    r2d3_qa.main(answers=answers, out=out)
    table = pd.read_csv(out).set_index(["metric", "type"])["value"]
    assert table["ReasoningAccuracy", "ego"] == 1
    assert table["corrected_ReasoningAccuracy", "ego"] == 0.5
    assert table["corrected_ReasoningAccuracy", "all"] == pytest.approx(1 / 3, abs=1e-6)
    r2d3_qa.main(answers=answers, out=out, published=False)
    assert set(pd.read_csv(out)["metric"]) == {"corrected_ReasoningAccuracy"}
    answers.write_text('{"metric": "Accuracy", "answer": "a", "prediction": "b"}\n')
    with pytest.raises(UserError, match=r"answers.jsonl, line 1: no answer: metric"):
        r2d3_qa.main(answers=answers, out=out)
    answers.write_text("")
    with pytest.raises(UserError, match="no answers to score"):
        r2d3_qa.main(answers=answers, out=out)
