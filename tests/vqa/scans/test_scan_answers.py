"""What is asked about simulated scans, computed again, read for its English, and counted."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vqa.scans.recompute import check
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.generate import generate_samples, read_rooms
from workflow_scripts.vqa.scans.scan_context import ScanContext, read_contexts

SETTINGS = ScanQuestionSettings(
    min_pixels=12,
    samples_per_type=200,
    question_types=("grounding", "captions", "object_questions", "situated_questions"),
)


@pytest.fixture(scope="module")
def contexts(scan_shard: Path) -> list[ScanContext]:
    shard = ViewShard.open(scan_shard)
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    rooms = read_rooms(scan_shard.with_name("scenes.jsonl"))
    read = read_contexts(shard, frames, rooms, SETTINGS)
    return [context for _, context in read if isinstance(context, ScanContext)]


@pytest.fixture(scope="module")
def made(contexts: list[ScanContext]) -> list[tuple[ScanContext, ScanSample]]:
    return list(_samples(contexts, range(5)))


def _samples(contexts: list[ScanContext], seeds: range) -> Iterator[tuple[ScanContext, ScanSample]]:
    for context in contexts:
        for seed in seeds:
            for sample in generate_samples(context, SETTINGS, seed=seed)[0]:
                yield context, sample


def test_no_answer_contradicts_the_boxes(made: list[tuple[ScanContext, ScanSample]]) -> None:
    assert sum(check(context, [sample]) for context, sample in made) == len(made) > 1000


def test_every_type_is_asked(made: list[tuple[ScanContext, ScanSample]]) -> None:
    types = {(sample.task, sample.question_type) for _, sample in made}
    grounding = ("unique", "multiple", "nearest", "zt_w_d", "zt_wo_d", "st_w_d", "st_wo_d", "mt")
    questions = ("what_is_on", "on_what", "where", "color", "is_there", "compare", "how_many")
    situated = ("what", "is", "how", "can", "which", "others")
    expected = {("grounding", name) for name in grounding}
    expected |= {("captioning", "unique"), ("captioning", "multiple")}
    expected |= {("question", name) for name in (*questions, *situated)}
    assert expected <= types
    assert ("question", "which") in types


def test_answers_are_balanced(made: list[tuple[ScanContext, ScanSample]]) -> None:
    sides = Counter(s.answer for _, s in made if s.answer in ("left", "right"))
    assert 0.35 < sides["left"] / sides.total() < 0.65
    for question_type, low in (("is_there", 0.5), ("is", 0.35), ("others", 0.3)):
        answers = Counter(
            s.answer
            for _, s in made
            if s.question_type == question_type and s.answer in ("yes", "no")
        )
        assert low <= answers["yes"] / answers.total() <= 1 - low, question_type
    types = Counter(s.question_type for _, s in made if s.task == "grounding")
    assert types["zt_w_d"] + types["zt_wo_d"] <= 1.1 * (types["st_w_d"] + types["st_wo_d"])


def test_descriptions_that_fit_nothing_speak_like_those_that_fit(
    made: list[tuple[ScanContext, ScanSample]],
) -> None:
    """Frames of sentences must not tell whether anything fits."""

    def frames(question_type: str) -> set[str]:
        grounding = [s for _, s in made if s.task == "grounding"]
        texts = [s.text for s in grounding if s.question_type == question_type]
        return {" ".join(text.split()[:2]) for text in texts if text.split()[0] != "A"}

    false, true = frames("zt_wo_d"), frames("unique") | frames("st_wo_d")
    starts = {start for start in false if start.split()[0] in ("There", "I", "Where", "This")}
    assert starts <= true


def test_texts_are_english(made: list[tuple[ScanContext, ScanSample]]) -> None:
    for _, sample in made:
        said = [sample.text, sample.situation, sample.reasoning]
        said += sample.answers if sample.task == "captioning" else []
        for text in filter(None, said):
            assert text[0].isupper(), text
            assert text.endswith((".", "?")), text
            assert not re.search(
                r"\b(\w+) \1\b|  |[{}]|\ba [aeio]|\ban [^aeiouhAEFHILMNORSX]", text
            ), text
            assert not re.search(r"\b1 degrees|\bThere are an? |\bmetre|\bcolour", text), text


def test_several_wordings_are_used(made: list[tuple[ScanContext, ScanSample]]) -> None:
    texts = [s.text for _, s in made if s.question_type == "multiple" and s.task == "grounding"]
    assert len(set(texts)) > len(texts) / 3
    captions = [s for _, s in made if s.task == "captioning"]
    assert sum(len(s.answers) >= 3 for s in captions) > 0.9 * len(captions)
    assert all(len(set(s.answers)) == len(s.answers) for s in captions)


def test_only_what_is_shown_is_meant(made: list[tuple[ScanContext, ScanSample]]) -> None:
    for context, sample in made:
        for instance in [*sample.targets, *sample.referents]:
            assert context.by_instance[instance].num_frames > 0, sample
