"""Questions that their words alone answer are found on training houses and evened out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.vqa.export.questions import question
from workflow_scripts.common.questions import read_questions
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.config.vqa import MergeSettings
from workflow_scripts.vqa import merge
from workflow_scripts.vqa.solvable_questions import QuestionSummary, TextOnlyRow, TextOnlySurvey
from workflow_scripts.vqa.text_only_classifier import features, template_of

# How high things usually are; what is said of two of them follows from it nine times in ten.
USUAL_HEIGHT = {"rug": 0, "sofa": 1, "table": 2, "lamp": 3, "painting": 4, "ceiling light": 5}
USUAL_WIDTH_M = {"sofa": 2.0, "mug": 0.08, "table": 1.2, "door": 0.9}


def summary(number: int, house: str, split: str, **values: Any) -> QuestionSummary:
    return QuestionSummary.model_validate(
        {
            "question_id": f"{house}-{number}",
            "source": "procthor",
            "scene_id": house,
            "split": split,
            "form": "named",
            "kind": "which",
            "answer_type": "choice",
            "choices": [],
            **values,
            "referents": [{"phrase": phrase} for phrase in values["referents"]],
        }
    )


def questions_of_houses(num_houses: int, *, certainty: float = 0.9) -> Iterator[QuestionSummary]:
    """Yield questions about heights (words decide), sides (they do not) and widths (they do)."""
    rng = seeded(7, "solvable")
    for index in range(num_houses):
        house = f"house-{index:03d}"
        split = "train" if index % 4 else ("test" if index % 8 else "val")
        for number in range(12):
            first, second = rng.choice(list(USUAL_HEIGHT), size=2, replace=False)
            names = [f"the {first}", f"the {second}"]
            is_first = USUAL_HEIGHT[first] > USUAL_HEIGHT[second]
            if rng.random() > certainty:
                is_first = not is_first
            is_lower = bool(rng.random() < 0.5)
            for family, text, place in (
                (
                    "above_below",
                    f"Which is {'lower' if is_lower else 'higher'}, {names[0]} or {names[1]}?",
                    int(is_first == is_lower),
                ),
                ("left_right", f"Which is left, {names[0]} or {names[1]}?", int(rng.integers(2))),
            ):
                yield summary(
                    number,
                    f"{house}-{family}",
                    split,
                    family=family,
                    question=text,
                    choices=names,
                    truth=names[place],
                    referents=names,
                )
            name = str(rng.choice(list(USUAL_WIDTH_M)))
            yield summary(
                number,
                f"{house}-width",
                split,
                family="width",
                kind="open",
                question=f"How wide is the {name}?",
                answer_type="metres",
                truth=USUAL_WIDTH_M[name] * float(np.exp(rng.normal(0, 0.1))),
                referents=[f"the {name}"],
            )


def chosen(questions: Iterable[QuestionSummary], handling: str) -> tuple[np.ndarray, pd.DataFrame]:
    survey = TextOnlySurvey(seed=7)
    for one in questions:
        survey.add(one)
    is_kept, rows = survey.choose(handling)  # type: ignore[arg-type]
    table = pd.DataFrame([row.model_dump() for row in rows])
    return is_kept, table.set_index(["family", "split"])


@pytest.fixture(scope="module")
def questions() -> list[QuestionSummary]:
    return list(questions_of_houses(160))


def test_balance_leaves_words_no_better_than_the_commonest_answer(
    questions: list[QuestionSummary],
) -> None:
    is_kept, table = chosen(questions, "balance")
    for split, limit in (("train", 0.6), ("test", 0.75)):
        heights, sides, widths = (
            table.loc[family, split] for family in ("above_below", "left_right", "width")
        )
        assert heights.score_before > 0.85
        assert heights.score_after < heights.commonest_after + 0.1
        assert heights.score_after < limit
        assert sides.num_after == sides.num_before
        assert abs(sides.score_before - 0.5) < 0.1
        assert widths.score_before > 0.9
        assert widths.score_after < widths.commonest_before + 0.15
    # What contradicts the words is kept, and of what follows from them, about as many.
    heights = table.loc["above_below", "train"]
    share = heights.num_after / heights.num_before
    assert 0.15 < share < 0.5
    assert is_kept.sum() == table.num_after.sum()


def test_keep_measures_and_leaves_all(questions: list[QuestionSummary]) -> None:
    is_kept, table = chosen(questions, "keep")
    assert is_kept.all()
    assert (table.score_before == table.score_after).all()
    assert (table.num_before == table.num_after).all()


def test_drop_leaves_out_what_words_are_sure_of_right_or_wrong(
    questions: list[QuestionSummary],
) -> None:
    is_kept, table = chosen(questions, "drop")
    heights = [n for n, one in enumerate(questions) if one.family == "above_below"]
    usual = {
        n: USUAL_HEIGHT[one.choices[0][4:]] > USUAL_HEIGHT[one.choices[1][4:]]
        for n, one in enumerate(questions)
        if one.family == "above_below"
    }
    follows = {
        n: (questions[n].truth == questions[n].choices[0])
        == (usual[n] != ("lower" in questions[n].question))
        for n in heights
    }
    dropped = [n for n in heights if not is_kept[n]]
    assert len(dropped) > 0.4 * len(heights)
    assert {follows[n] for n in dropped} == {True, False}
    assert table.loc["left_right", "train"].num_after == table.loc["left_right", "train"].num_before


def test_the_choice_is_the_same_again_and_nothing_of_test_houses_reaches_training(
    questions: list[QuestionSummary],
) -> None:
    is_kept, table = chosen(questions, "balance")
    again, _ = chosen(questions, "balance")
    np.testing.assert_array_equal(is_kept, again)
    is_training = np.array([one.split == "train" for one in questions])
    alone, alone_table = chosen([one for one in questions if one.split == "train"], "balance")
    np.testing.assert_array_equal(is_kept[is_training], alone)
    for family in ("above_below", "left_right", "width"):
        pd.testing.assert_series_equal(table.loc[family, "train"], alone_table.loc[family, "train"])


def test_without_training_questions_nothing_is_known_and_nothing_left_out() -> None:
    few = [one for one in questions_of_houses(16) if one.split != "train"]
    is_kept, table = chosen(few, "balance")
    assert is_kept.all()
    assert (table.score_before == 0).all()
    is_kept, table = chosen(list(questions_of_houses(2)), "balance")
    assert is_kept.all()


def test_features_tell_apart_what_decides() -> None:
    assert (
        template_of("which is higher, the tall lamp or the lamp?", ["the tall lamp", "the lamp"])
        == "which is higher, {0} or {1}?"
    )
    phrases = ["the sofa", "the lamp"]
    one = features("Which is higher, the sofa or the lamp?", phrases)
    assert one == sorted(set(one)) == features("Which is higher, the sofa or the lamp?", phrases)
    assert set(one) != set(features("Which is higher, the lamp or the sofa?", phrases[::-1]))


def test_what_the_record_names_but_the_question_does_not_is_no_feature() -> None:
    text = "How many chairs can you see?"
    assert features(text, ["chair"]) == features(text, ["chair"] * 4)
    assert features(text, []) == features(text, ["the sofa"])


def test_merging_counts_what_it_leaves_out(tmp_path: Path) -> None:
    shards = [tmp_path / f"{number}.jsonl" for number in range(2)]
    all_questions = [
        question(
            number,
            scene=one.scene_id,
            view=number,
            **{
                name: getattr(one, name)
                for name in ("family", "split", "kind", "question", "truth", "choices")
            },
            answer=str(one.truth),
            referents=[
                {"instance": 7, "object_id": "a", "category": "A", "phrase": referent.phrase}
                for referent in one.referents
            ],
        )
        for number, one in enumerate(questions_of_houses(60))
        if one.answer_type == "choice"
    ]
    half = len(all_questions) // 2
    write_records(shards[0], all_questions[:half])
    write_records(shards[1], all_questions[half:])
    counts = {}
    for handling in ("keep", "balance"):
        settings = MergeSettings.model_validate({"solvable_without_picture": handling})
        merge.main(shards=shards, out=tmp_path / handling, settings=settings, seed=7)
        text_only = pd.read_csv(tmp_path / handling / "text_only.csv")
        assert list(text_only) == list(TextOnlyRow.model_fields)
        for split in ("train", "val", "test"):
            kept = list(read_questions(tmp_path / handling / f"{split}.parquet"))
            rows = read_records(tmp_path / handling / f"{split}.dropped.jsonl", DroppedQuestions)
            assert {row.reason for row in rows} <= {merge.SOLVABLE}
            total = len(kept) + sum(row.count for row in rows)
            assert total == sum(one.split == split for one in all_questions)
            assert len(kept) == text_only[text_only.split == split].num_after.sum()
            counts[handling, split] = len(kept)
    assert counts["keep", "train"] > counts["balance", "train"]
    assert counts["keep", "test"] > counts["balance", "test"]
