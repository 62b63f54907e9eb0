"""How published work prepares and compares answers about scans, defects included."""

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import sqa3d_type
from workflow_scripts.evaluate.video import protocols
from workflow_scripts.evaluate.video.answer_metrics import (
    contained_match,
    exact_match,
    refined_exact_match_leo,
    refined_exact_match_llava3d,
)
from workflow_scripts.evaluate.video.caption_metrics import rouge_l
from workflow_scripts.evaluate.video.protocols import (
    PROTOCOLS,
    clean_answer,
    clean_leo,
    clean_scan2cap,
    clean_scan2cap_words,
)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  The  Chair. ", "chair"),
        ("to your rigth", "to your right"),
        ("let", "left"),
        ("none", "zero"),
        ("2", "two"),
        ("23 chairs", "twenty-three chairs"),
        ("21 chairs", "21 chairs"),
        ("mat2", "mat"),
        ("a tv", "TV"),
        ("10 oclock", "ten o'clock"),
        ("o'  clock", "o'clock"),
        ("backwards", "backward"),
        ("café", "caf"),
        ("椅子", ""),
    ],
)
def test_clean_leo(text, cleaned):
    assert clean_leo(text) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("The Chair.", "chair"),
        ("none", "none"),
        ("let", "let"),
        ("Two chairs", "2 chairs"),
        ("café, 椅子!", "café 椅子"),
        ("o'clock", "o'clock"),
        ("left-hand - side", "left-hand side"),
        ("", ""),
    ],
)
def test_our_own_cleaning_keeps_meaning_and_scripts(text, cleaned):
    assert clean_answer(text) == cleaned


def test_captions_of_scan2cap_with_and_without_punctuation():
    assert clean_scan2cap("A chair, red.") == "sos a chair , red . eos"
    assert clean_scan2cap_words("A chair, red.") == "sos a chair red eos"
    # The empty caption of a gated object still earns points, as published.
    (score,) = rouge_l([clean_scan2cap("")], [[clean_scan2cap("a red chair at the table")]])
    assert 0.1 < score < 0.5


def test_an_early_part_hides_a_later_equal_answer_in_leo():
    references = ["red chair", "red"]
    assert refined_exact_match_leo("red", references) == (False, True)
    assert refined_exact_match_leo("red", references[::-1]) == (True, True)
    assert refined_exact_match_llava3d("red", references)
    assert exact_match("red", references)


def test_an_empty_answer_is_right_by_the_published_refined_match_and_wrong_by_ours():
    assert refined_exact_match_leo("", ["chair"]) == (False, True)
    assert refined_exact_match_llava3d("", ["chair"])
    assert not contained_match("", ["chair"])


def test_ours_finds_words_not_letters():
    assert contained_match("the red chair", ["red chair"])
    assert contained_match("red", ["dark red"])
    assert not contained_match("art", ["left part"])
    assert refined_exact_match_llava3d("art", ["left part"])


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What is behind me?", "what"),
        ("Is it red?", "is"),
        ("HOW many chairs?", "how"),
        ("Can I see it?", "can"),
        ("Which side?", "which"),
        ("Am I near it?", "others"),
    ],
)
def test_types_of_sqa3d(question, kind):
    assert sqa3d_type(question) == kind


def test_without_java_the_tokenizer_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(protocols.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="install Java"):
        PROTOCOLS["scanqa_official"].prepare(["a chair"])
    with pytest.raises(UserError, match="METEOR needs Java"):
        protocols.meteor(["a"], [["a"]])


@pytest.mark.skipif(not protocols.has_java(), reason="Java or pycocoevalcap is missing")
def test_the_penn_treebank_tokenizer_drops_punctuation_and_keeps_lines_apart():
    texts = ["A chair, red.", "two\nlines", ""]
    assert PROTOCOLS["scanqa_official"].prepare(texts) == ["a chair red", "two lines", ""]
    assert protocols.meteor(["a red chair"], [["a red chair"]]) > 0.9
