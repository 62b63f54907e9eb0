"""Labels are the answers and nothing else, for every kind of processor; bad data is named."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tokenizers.processors import TemplateProcessing

from tests.train.models import MODELS, llava
from tests.vqa.export.questions import question, width, write_questions
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.question_table import content_digest
from workflow_scripts.common.questions import QuestionTableWriter, read_questions
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.config.vqa import MergeSettings
from workflow_scripts.evaluate.item_images import BLANK_IMAGE
from workflow_scripts.experiments.vlm import VlmTrainingSettings
from workflow_scripts.models import vlm
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_processor
from workflow_scripts.train.vlm.conversation_dataset import (
    IGNORE_INDEX,
    Collator,
    Conversation,
    read_conversations,
)
from workflow_scripts.train.vlm.experiment import VlmExperiment
from workflow_scripts.vqa import merge

QUESTION, ANSWER = "Is the red mark to the left of the blue mark?", "yes"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    Image.new("RGB", (40, 30), (90, 60, 30)).save(path)
    return path


def make_conversation(picture: Path | None, *turns: str) -> Conversation:
    roles = ["user", "assistant"] * len(turns)
    return Conversation("q", picture, tuple(zip(roles, turns, strict=False)))


def write(path: Path, entries: Any) -> Path:
    path.write_text(json.dumps(entries))
    return path


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": "a-1",
        "image": "picture.jpg",
        "conversations": [
            {"from": "human", "value": f"<image>\n{QUESTION}"},
            {"from": "gpt", "value": ANSWER},
        ],
        **changes,
    }


def test_labels_by_hand_for_the_tiny_processor(picture: Path) -> None:
    processor = make_processor(TinyVlmConfig())
    tokenizer = processor.tokenizer
    batch = Collator(processor)([make_conversation(picture, QUESTION, "1.2 m")])
    tokens = tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
    assert tokens[:2] == ["<s>", "<user>"]
    assert tokens[2:66] == ["<image>"] * 64
    words = ["▁is", "▁the", "▁red", "▁mark", "▁to", "▁the", "▁left", "▁of", "▁the", "▁blue"]
    assert tokens[66:] == [
        *words, "▁mark", "?", "<assistant>", "▁1.2", "▁m", "</s>",
    ]  # fmt: skip
    labels = batch["labels"][0]
    assert (labels[:79] == IGNORE_INDEX).all()
    assert tokenizer.convert_ids_to_tokens(labels[79:]) == ["▁1.2", "▁m", "</s>"]


def test_padding_is_ignored_by_attention_and_loss(picture: Path) -> None:
    processor = make_processor(TinyVlmConfig())
    batch = Collator(processor)(
        [make_conversation(picture, QUESTION, "yes"), make_conversation(picture, "Is it?", "no")]
    )
    padding = batch["input_ids"] == processor.tokenizer.pad_token_id
    assert padding[1].sum() == 9
    assert not padding[0].any()
    assert (batch["labels"][padding] == IGNORE_INDEX).all()
    assert (batch["attention_mask"][padding] == 0).all()
    assert (batch["labels"] != IGNORE_INDEX).sum(dim=1).tolist() == [2, 2]


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_learns_the_answer_and_its_end_alone(kind: str, picture: Path) -> None:
    model, processor = MODELS[kind]()
    batch = Collator(processor)(
        [make_conversation(picture, QUESTION, "no"), make_conversation(picture, "Is it?", "2.4 m")]
    )
    tokenizer = processor.tokenizer
    for row, answer in zip(batch["labels"], ["no", "2.4 m"], strict=True):
        learned = tokenizer.decode(row[row != IGNORE_INDEX], skip_special_tokens=True)
        assert learned.strip() == answer
        assert tokenizer.eos_token_id in row
    image_id = model.config.image_token_id
    assert (batch["labels"] != image_id).all()
    loss = model(**batch).loss
    loss.backward()
    assert torch.isfinite(loss)


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_answers_in_batches_as_alone(kind: str, picture: Path) -> None:
    model, processor = MODELS[kind]()
    model.eval()
    grey = Image.new("RGB", (40, 30), (128, 128, 128))
    items = [(Image.open(picture), QUESTION), (grey, "Is it?"), ([grey], "How tall?")]
    together = vlm.generate(model, processor, items, max_new_tokens=4, batch_size=3)
    alone = [
        vlm.generate(model, processor, [item], max_new_tokens=4, batch_size=1)[0] for item in items
    ]
    assert together == alone
    assert len(together) == 3


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_answers_without_and_with_several_pictures(kind: str, picture: Path) -> None:
    model, processor = MODELS[kind]()
    model.eval()
    without_image = [(None, QUESTION), (None, "Is it?")]
    assert len(vlm.generate(model, processor, without_image, max_new_tokens=2, batch_size=2)) == 2
    text = vlm.conversation_text(processor, [("user", QUESTION)], ask=True, image=2)
    none = vlm.conversation_text(processor, [("user", QUESTION)], ask=True, image=0)
    token = getattr(processor, "image_token", "<image>")
    assert (text.count(token), none.count(token)) == (2, 0)
    several = [
        ([Image.open(picture), BLANK_IMAGE], QUESTION),
        ([BLANK_IMAGE, BLANK_IMAGE], "Is it?"),
    ]
    assert len(vlm.generate(model, processor, several, max_new_tokens=2, batch_size=2)) == 2


def test_all_answers_of_several_turns_are_learned(picture: Path) -> None:
    processor = make_processor(TinyVlmConfig())
    batch = Collator(processor)(
        [make_conversation(picture, "Is it red?", "no", "How tall is it?", "86 cm")]
    )
    row = batch["labels"][0]
    tokens = processor.tokenizer.convert_ids_to_tokens(row[row != IGNORE_INDEX])
    assert tokens == ["▁no", "</s>", "▁8", "6", "▁cm", "</s>"]


def test_training_prompt_is_the_inference_prompt(picture: Path) -> None:
    _, processor = llava()
    collator = Collator(processor)
    prompt = vlm.conversation_text(processor, [("user", QUESTION)], ask=True, image=True)
    assert collator.text(make_conversation(picture, QUESTION, ANSWER)).startswith(prompt)


@pytest.mark.parametrize("template_writes", [False, True])
@pytest.mark.parametrize("tokenizer_writes", [False, True])
def test_a_start_token_is_never_written_twice(
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    template_writes: bool,
    tokenizer_writes: bool,
) -> None:
    model, processor = llava()
    tokenizer = processor.tokenizer
    if template_writes:
        processor.chat_template = "{{ bos_token }}" + processor.chat_template
    start = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{start} $A" if tokenizer_writes else "$A",
        special_tokens=[(start, tokenizer.bos_token_id)],
    )
    written = int(template_writes or tokenizer_writes)
    batch = Collator(processor)([make_conversation(picture, QUESTION, "no")])
    trained = batch["input_ids"][0].tolist()
    assert trained.count(tokenizer.bos_token_id) == written
    labels = batch["labels"][0]
    assert (
        tokenizer.decode(labels[labels != IGNORE_INDEX], skip_special_tokens=True).strip() == "no"
    )
    prompts: list[list[int]] = []

    def record(input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        prompts.extend(input_ids.tolist())
        return input_ids

    monkeypatch.setattr(model, "generate", record)
    items = [(Image.open(picture), QUESTION)]
    vlm.generate(model, processor, items, max_new_tokens=1, batch_size=1)
    assert prompts[0].count(tokenizer.bos_token_id) == written
    assert prompts[0] == trained[: len(prompts[0])]


def test_reads_llava_json(tmp_path: Path, picture: Path) -> None:
    found = read_conversations(write(tmp_path / "a.json", [entry()]), images=tmp_path)
    assert len(found) == 1
    assert found[0] == Conversation("a-1", picture, (("user", QUESTION), ("assistant", ANSWER)))


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([], "nothing to train on"),
        ({}, "nothing to train on"),
        ([entry(image="missing.jpg")], r"'a-1'.*missing\.jpg"),
        ([entry(conversations=[])], "'a-1'.*take turns"),
        ([entry(conversations=[{"from": "robot", "value": "x"}])], "'a-1'.*robot"),
        ([entry(conversations=entry()["conversations"][::-1])], "take turns"),
        ([{"id": "a-1"}], "'a-1'.*conversations"),
        ([3], "number 0"),
        ([entry(image=None)], "<image>"),
        (
            [entry(conversations=[entry()["conversations"][0], {"from": "gpt", "value": " "}])],
            "'a-1'.*empty",
        ),
    ],
)
def test_bad_data_is_named(tmp_path: Path, picture: Path, entries: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_conversations(write(tmp_path / "a.json", entries), images=tmp_path)


def test_a_bad_entry_or_picture_costs_itself(tmp_path: Path, picture: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(picture.read_bytes()[:-40])
    (tmp_path / "text.jpg").write_text("no picture")
    good = [entry(id="good-1"), entry(id="good-2")]
    bad = [
        entry(id="cut", image="cut.jpg"),
        entry(id="text", image="text.jpg"),
        entry(id="missing", image="missing.jpg"),
        entry(id="number", image=3),
        {"id": "none"},
        3,
    ]
    entries = [bad[0], good[0], *bad[1:4], good[1], *bad[4:]]
    found = read_conversations(write(tmp_path / "a.json", entries), images=tmp_path)
    assert [found[number].id for number in range(len(found))] == ["good-1", "good-2"]
    reasons = dict(found.skipped)
    assert set(reasons) == {"cut", "text", "missing", "number", "none", "number 7"}
    assert "cut.jpg cannot be read" in reasons["cut"]
    assert "there is no picture" in reasons["missing"]
    assert "its image is 3, no path" in reasons["number"]
    with pytest.raises(UserError, match=r"and 5 more; none is left"):
        read_conversations(write(tmp_path / "b.json", bad), images=tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_llava_json_is_read_in_any_unicode(tmp_path: Path, picture: Path, encoding: str) -> None:
    text = json.dumps([entry()])
    (tmp_path / "a.json").write_bytes(text.encode(encoding))
    assert len(read_conversations(tmp_path / "a.json", images=tmp_path)) == 1
    (tmp_path / "a.json").write_bytes('["\xe9"]'.encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.json: line 1 is not UTF-8"):
        read_conversations(tmp_path / "a.json", images=tmp_path)


def test_broken_json_and_picture_are_named(tmp_path: Path, picture: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": ')
    with pytest.raises(UserError, match=r"a\.json: not valid JSON"):
        read_conversations(tmp_path / "a.json", images=tmp_path)
    picture.write_bytes(picture.read_bytes()[:50])
    with pytest.raises(UserError, match=r"'q'.*picture\.jpg"):
        Collator(make_processor(TinyVlmConfig()))([make_conversation(picture, QUESTION, ANSWER)])


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """Write a shard of questions of three families about two pictures, and the pictures."""
    questions = [
        question(0, reasoning="140 px < 180 px."),
        question(1, family="taller", question=" Is the lamp taller? ", answer="no", truth="no"),
        width(2, view=1),
        question(3, view=1, answer="no", truth="no"),
        question(4, view=1, family="taller"),
    ]
    for one in questions:
        path = tmp_path / one.image
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    write_records(tmp_path / "0000.jsonl", questions)
    return tmp_path / "0000.jsonl"


def merged(shard: Path, reasoning: str) -> dict[str, Path]:
    settings = MergeSettings.model_validate({"reasoning": reasoning})
    merge.main(shards=[shard], out=shard.parent, settings=settings, seed=7)
    paths = {"out": shard.parent / "train.json", "table": shard.parent / "train.parquet"}
    return paths


@pytest.mark.parametrize("reasoning", ["none", "stored", "written", "tagged"])
def test_the_table_teaches_what_its_llava_json_says(shard: Path, reasoning: str) -> None:
    paths = merged(shard, reasoning)
    from_json = read_conversations(paths["out"], images=shard.parent)
    from_table = read_conversations(paths["table"], images=shard.parent)
    assert [from_table[n] for n in range(len(from_table))] == [
        from_json[n] for n in range(len(from_json))
    ]
    assert from_table.picture_codes().tolist() == from_json.picture_codes().tolist()
    assert len(set(from_table.picture_codes().tolist())) == 2


def test_families_are_chosen_from_the_table(shard: Path) -> None:
    paths = merged(shard, "none")
    chosen = read_conversations(paths["table"], images=shard.parent, families=["taller", "width"])
    assert [chosen[number].id[-2:] for number in range(len(chosen))] == ["01", "02", "04"]
    assert chosen.picture_codes().tolist() == [0, 1, 1]
    with pytest.raises(UserError, match=r"no question is of the families bigger.*left_right, tall"):
        read_conversations(paths["table"], images=shard.parent, families=["bigger"])
    with pytest.raises(UserError, match=r"train\.json: which family.*\(taller\) cannot be chosen"):
        read_conversations(paths["out"], images=shard.parent, families=["taller"])


def test_bad_rows_and_missing_pictures_of_a_table_are_named(shard: Path) -> None:
    table = shard.parent / "bad.parquet"
    write_questions(table, [question(0), question(1, answer=" "), question(2, question="<image>?")])
    conversations = read_conversations(table, images=shard.parent)
    assert conversations[0].turns[1] == ("assistant", "yes")
    with pytest.raises(
        UserError, match=r"bad\.parquet: question 'procthor-a-000-01': has no answer"
    ):
        conversations[1]
    with pytest.raises(UserError, match="procthor-a-000-02': <image> may not stand"):
        conversations[2]
    write_questions(table, [question(0), question(7, view=8), question(9, view=7)])
    with pytest.raises(UserError, match=r"'procthor-a-007-09': there is no picture .*a-007\.jpg"):
        read_conversations(table, images=shard.parent)
    write_questions(table, [])
    with pytest.raises(UserError, match="nothing to train on; it holds no question"):
        read_conversations(table, images=shard.parent)


def test_what_identifies_a_training_is_the_digest_that_its_table_stores(
    shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = merged(shard, "none")["table"]
    experiment = VlmExperiment(
        name="a",
        base="none",
        data=table,
        images=shard.parent,
        out=shard.parent / "out",
        seed=7,
        settings=VlmTrainingSettings(),
    )
    identity = experiment.identity_fields()
    assert identity["data_sha256"] == [content_digest(table)]
    # The same rows in a file of other bytes are the same data.
    questions = list(read_questions(table))
    with atomic_write(table, checksum=True) as partial, QuestionTableWriter(partial) as rows:
        for one in questions:
            rows.add([one])
    assert experiment.identity_fields() == identity
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read_row_group", None)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read", None)
    assert experiment.identity_fields() == identity
    merged(shard, "tagged")
    assert experiment.identity_fields() != identity
