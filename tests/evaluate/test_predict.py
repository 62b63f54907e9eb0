"""Asking a model: answers of an interrupted run are reused, if nothing else has changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.vqa.export.questions import question, width, write_questions
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Condition, Prediction
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.evaluate import predict
from workflow_scripts.evaluate.eval_items import (
    EvalItem,
    TableItems,
    item_from_question,
    open_items,
    select_part,
)
from workflow_scripts.evaluate.item_images import BLANK_IMAGE
from workflow_scripts.experiments.vlm import VlmPredictSettings
from workflow_scripts.models import vlm

NUMBER = 2 * predict.BATCHES_PER_CHUNK + 1


class FakeModel:
    """Stands in for a model: answers with the question and the longest answer allowed."""

    def __init__(self, *, dies_after: int | None = None) -> None:
        self.questions: list[str] = []
        self.dies_after = dies_after

    def generate(
        self, _: Any, __: Any, items: Sequence[tuple[Any, str]], *, max_new_tokens: int, **___: Any
    ) -> list[str]:
        if self.dies_after is not None and len(self.questions) >= self.dies_after:
            raise KeyboardInterrupt
        self.questions += [text for _, text in items]
        return [f"{max_new_tokens}: {text}" for _, text in items]


def item(number: int, wording: str = "Is it?") -> EvalItem:
    return EvalItem(
        question_id=f"q{number}",
        scene_id="a",
        family="left_right",
        form="named",
        question=f"{wording} {number}",
        answer="yes",
        images=["a.png"],
        answer_type="choice",
        choices=["yes", "no"],
        truth="yes",
    )


def ask(
    folder: Path,
    model: FakeModel,
    monkeypatch: pytest.MonkeyPatch,
    *,
    condition: Condition = "image",
    max_new_tokens: int = 16,
    part: int = 0,
    **settings: Any,
) -> list[Prediction]:
    monkeypatch.setattr(vlm, "load_model_and_processor", lambda base, adapter: (model, model))
    monkeypatch.setattr(vlm, "generate", model.generate)
    predict.main(
        questions=folder / "items.jsonl",
        images=folder,
        base="none",
        experiment="e",
        condition=condition,
        max_new_tokens=max_new_tokens,
        part=part,
        out=folder / "answers.jsonl",
        settings=VlmPredictSettings(**{"batch_size": 1, **settings}),
    )
    return read_records(folder / "answers.jsonl", Prediction)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_records(tmp_path / "items.jsonl", [item(number) for number in range(NUMBER)])
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    return tmp_path


def interrupt_after_first_chunk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the first chunk behind."""
    with pytest.raises(KeyboardInterrupt):
        ask(folder, FakeModel(dies_after=predict.BATCHES_PER_CHUNK), monkeypatch)
    assert not (folder / "answers.jsonl").exists()


def test_a_restart_predicts_only_missing_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after_first_chunk(folder, monkeypatch)
    model = FakeModel()
    answers = ask(folder, model, monkeypatch)
    assert model.questions == [f"Is it? {n}" for n in range(predict.BATCHES_PER_CHUNK, NUMBER)]
    assert [row.question_id for row in answers] == [f"q{number}" for number in range(NUMBER)]
    assert [row.text for row in answers] == [f"16: Is it? {number}" for number in range(NUMBER)]
    assert sorted(path.name for path in folder.iterdir()) == [
        ".checksums", "a.png", "answers.jsonl", "items.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize("changes", [{"max_new_tokens": 64}, {"condition": "blind"}])
def test_changed_settings_discard_finished_chunks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    interrupt_after_first_chunk(folder, monkeypatch)
    model = FakeModel()
    ask(folder, model, monkeypatch, **changes)
    assert len(model.questions) == NUMBER


def test_reworded_questions_are_predicted_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after_first_chunk(folder, monkeypatch)
    write_records(folder / "items.jsonl", [item(number, "Was it?") for number in range(NUMBER)])
    assert {row.text[:11] for row in ask(folder, FakeModel(), monkeypatch)} == {"16: Was it?"}


def test_parts_are_every_question_once() -> None:
    items = [item(number) for number in range(10)]
    assert [item for part in range(3) for item in select_part(items, part, 3)] == items


def test_parts_of_a_table_are_read_on_demand(tmp_path: Path) -> None:
    questions = [question(number, view=number // 3) for number in range(10)]
    questions.append(width(10, view=3))
    table = write_questions(tmp_path / "test.parquet", questions)
    items = open_items(table, families=["left_right"])
    assert list(items) == [item_from_question(one) for one in questions[:10]]
    part = select_part(items, 1, 3)
    assert isinstance(part, TableItems)
    assert list(part) == [part[number] for number in range(3)] == list(items)[3:6]
    assert list(part[1:]) == list(items)[4:6]
    assert items.picture_codes().tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert part.picture_codes().tolist() == [1, 1, 1]


def test_a_missing_picture_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.png").unlink()
    with pytest.raises(UserError, match=r"a\.png: picture cannot be read"):
        ask(folder, FakeModel(), monkeypatch)
    assert not (folder / "answers.jsonl").exists()


def test_questions_about_the_same_frames_get_the_same_pictures(tmp_path: Path) -> None:
    """However many frames: what is shared is found by the identity of pictures."""
    names = [f"{number}.png" for number in range(80)]
    for name in names:
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    rows = [
        item(number).model_copy(update={"images": images})
        for number, images in enumerate([names, names[:2], names])
    ]
    first, other, second = predict.show_pictures(rows, tmp_path, "image")
    assert [id(image) for image in first[0] or ()] == [id(image) for image in second[0] or ()]
    assert (len(first[0] or ()), len(other[0] or ())) == (80, 2)
    assert predict.show_pictures(rows[1:2], tmp_path, "blind") == [(None, "Is it? 1")]
    blank = predict.show_pictures(rows, tmp_path, "blank")
    assert {id(image) for images, _ in blank for image in images or ()} == {id(BLANK_IMAGE)}


def test_a_question_that_breaks_the_model_costs_only_its_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fragile(FakeModel):
        def generate(self, model: Any, processor: Any, items: Any, **settings: Any) -> list[str]:
            if any(text in self.broken for _, text in items):
                raise IndexError("a token beyond the vocabulary")
            return super().generate(model, processor, items, **settings)

        broken: frozenset[str] = frozenset({"Is it? 3"})

    answers = ask(folder, Fragile(), monkeypatch)
    assert [row.question_id for row in answers] == [f"q{number}" for number in range(NUMBER)]
    reasons = {row.question_id: row.reason for row in answers if row.reason}
    assert reasons == {"q3": "IndexError: a token beyond the vocabulary"}
    assert [row.question_id for row in answers if not row.text] == ["q3"]
    # Where nothing is answered, it is no fault of the questions.
    (folder / "answers.jsonl").unlink()
    Fragile.broken = frozenset(f"Is it? {number}" for number in range(NUMBER))
    with pytest.raises(IndexError):
        ask(folder, Fragile(), monkeypatch)
    assert not (folder / "answers.jsonl").exists()
