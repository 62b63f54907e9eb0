"""Parquet of messages: `load_dataset` opens it, nothing is lost, and damage is refused."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.vqa.export.questions import question, width, write_questions, write_views
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.vqa import CardSettings, ReasoningSettings
from workflow_scripts.vqa.export import card, messages, sharegpt
from workflow_scripts.vqa.export.images import group_by_image


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_views(tmp_path)
    return tmp_path


def export(results: Path, split: str, questions: list, **limits) -> Path:
    table = write_questions(results / f"vqa/{split}.parquet", questions)
    out = results / f"vqa/dataset/{split}"
    messages.main(
        questions=table,
        images=results / "vqa",
        split=split,
        out=out,
        settings=ReasoningSettings(),
        **limits,
    )
    return out


def test_load_dataset_opens_the_folder_with_pictures_and_truth(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    exported_questions = [question(0), width(1), question(2, view=1)]
    export(results, "train", exported_questions)
    export(results, "test", [width(0, view=1, split="test")])
    export(results, "val", [])
    card.main(
        questions=[results / f"vqa/{split}.parquet" for split in ("train", "val", "test")],
        dropped=[],
        made_with="{}",
        settings=CardSettings(),
        out=results / "vqa/dataset/README.md",
    )
    data = load_dataset(str(results / "vqa/dataset"), cache_dir=str(results / "cache"))
    assert set(data) == {"train", "test"}  # a split without pictures is not announced
    assert len(data["train"]) == 2
    row = data["train"][0]
    with Image.open(results / "vqa" / exported_questions[0].image) as picture:
        assert np.array_equal(np.asarray(row["images"][0]), np.asarray(picture))
    roles = [turn["role"] for turn in row["messages"]]
    assert roles == ["user", "assistant", "user", "assistant"]
    kinds = [[part["type"] for part in turn["content"]] for turn in row["messages"]]
    assert kinds == [["image", "text"], ["text"], ["text"], ["text"]]
    texts = [turn["content"][-1]["text"] for turn in row["messages"]]
    assert texts == [
        exported_questions[0].question,
        "yes",
        exported_questions[1].question,
        "1.80 m",
    ]
    choice, length = row["truths"]
    assert (choice["truth"], choice["truth_value"]) == ("yes", None)
    assert (length["truth"], length["truth_value"]) == (None, 1.8)
    assert choice["evidence"] == [{"quantity": "difference_px", "value": 40.0}]
    assert [one["category"] for one in choice["objects"]] == ["Sofa", "FloorLamp"]


def test_chat_template_takes_the_messages_as_they_are(results: Path) -> None:
    from jinja2 import Template

    [exported_questions] = group_by_image(
        write_questions(results / "t.parquet", [question(0), width(1)])
    )
    template = Template(
        "{% for m in messages %}{{ m.role }}:{% for part in m.content %}"
        "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}"
        "{% endfor %};{% endfor %}"
    )
    assert template.render(messages=messages.messages(exported_questions, "none")) == (
        "user:<image>Is the sofa left of the floor lamp?;assistant:yes;"
        "user:How wide is the sofa?;assistant:1.80 m;"
    )


def test_files_are_of_nearly_equal_size_and_lose_no_picture(results: Path) -> None:
    exported_questions = [question(n, view=n % 2, scene="a") for n in range(2)]
    size_mb = sum(
        messages.image_sizes(
            write_questions(results / "t.parquet", exported_questions), results / "vqa"
        )
    )
    out = export(results, "train", exported_questions, max_mb=size_mb / 1e6 / 2)
    names = sorted(path.name for path in out.iterdir())
    assert names == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]
    assert [pq.read_table(out / name).num_rows for name in names] == [1, 1]


@pytest.mark.parametrize(
    ("sizes", "max_bytes", "counts"),
    [([], 10, [0]), ([5], 10, [1]), ([4] * 6, 8, [2, 2, 2]), ([30, 1, 1], 10, [1, 0, 0, 2])],
)
def test_file_bounds(sizes: list[int], max_bytes: int, counts: list[int]) -> None:
    assert messages.images_per_file(sizes, max_bytes) == counts
    assert sum(messages.images_per_file(sizes, max_bytes)) == len(sizes)


def test_same_questions_give_the_same_bytes(results: Path) -> None:
    first = export(results, "train", [question(0), width(1)])
    before = [path.read_bytes() for path in sorted(first.iterdir())]
    again = export(results, "train", [question(0), width(1)])
    assert [path.read_bytes() for path in sorted(again.iterdir())] == before


def test_a_missing_picture_is_named_and_nothing_is_written(results: Path) -> None:
    (results / "vqa/procthor/0000.images/a-001.jpg").unlink()
    with pytest.raises(UserError, match=r"a-001\.jpg: the picture of a question is missing"):
        export(results, "train", [question(0), question(1, view=1)])
    assert not (results / "vqa/dataset/train").exists()


def test_sharegpt_has_one_conversation_a_picture_and_one_token(results: Path) -> None:
    import json

    marked = question(2, image="procthor/0000.images/a-000-marked.jpg", form="marked")
    table = write_questions(results / "t.parquet", [question(0), marked, width(1)])
    out = results / "vqa/train.sharegpt.json"
    sharegpt.main(questions=table, out=out, settings=ReasoningSettings())
    first, second = json.loads(out.read_text())
    assert first["images"] == ["procthor/0000.images/a-000.jpg"]
    assert [turn["from"] for turn in first["conversations"]] == ["human", "gpt"] * 2
    assert [turn["value"].count("<image>") for turn in first["conversations"]] == [1, 0, 0, 0]
    assert second["images"] == [marked.image]
    assert first["id"] != second["id"]


def test_no_question_gives_valid_files(results: Path) -> None:
    import json

    table = write_questions(results / "t.parquet", [])
    sharegpt.main(questions=table, out=results / "t.json", settings=ReasoningSettings())
    assert json.loads((results / "t.json").read_text()) == []
    assert [path.name for path in export(results, "val", []).iterdir()] == [
        "val-00000-of-00001.parquet"
    ]
