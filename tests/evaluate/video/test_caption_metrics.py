"""BLEU, ROUGE-L and CIDEr-D: by hand, and beside pycocoevalcap on random corpora."""

import math

import numpy as np
import pytest

from workflow_scripts.evaluate.video.caption_metrics import bleu, cider_d, rouge_l

WORDS = [f"w{number}" for number in range(60)]


def sentence(random: np.random.Generator, least: int) -> str:
    """Return some words, now and then with two blanks between them."""
    blank = " " if random.random() > 0.1 else "  "
    words = WORDS[: int(random.integers(3, len(WORDS)))]
    return blank.join(random.choice(words, random.integers(least, 15)))


def corpus(random: np.random.Generator) -> tuple[list[str], list[list[str]]]:
    count = int(random.integers(1, 12))
    answers = [sentence(random, 0) for _ in range(count)]
    references = [[sentence(random, 1) for _ in range(random.integers(1, 6))] for _ in range(count)]
    answers[0] = references[0][0]
    return answers, references


def test_equal_to_the_coco_caption_evaluation_on_1000_random_corpora(capfd):
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    random = np.random.default_rng(0)
    for _ in range(1000):
        answers, references = corpus(random)
        true, said = dict(enumerate(references)), {n: [text] for n, text in enumerate(answers)}
        assert bleu(answers, references) == pytest.approx(
            Bleu(4).compute_score(true, said, verbose=0)[0], abs=1e-9
        )
        assert rouge_l(answers, references) == pytest.approx(
            Rouge().compute_score(true, said)[1], abs=1e-9
        )
        assert cider_d(answers, references) == pytest.approx(
            Cider().compute_score(true, said)[1], abs=1e-9
        )


def test_bleu_by_hand():
    # 3 of 4 words, 1 of 3 pairs; the reference of 4 words is the closest in length.
    scores = bleu(["a red chair here"], [["a red sofa here", "a red"]])
    assert scores[0] == pytest.approx(3 / 4)
    assert scores[1] == pytest.approx(math.sqrt(3 / 4 * 1 / 3))
    assert scores[2] < 1e-4
    # Two words for four: the penalty for shortness is exp(1 - 4 / 2).
    assert bleu(["a red"], [["a red sofa here"]])[0] == pytest.approx(math.exp(-1))
    # Of two equally close references the shorter one counts: no penalty.
    assert bleu(["a b c"], [["a b", "a b c d"]])[0] == pytest.approx(1)


def test_rouge_takes_precision_and_recall_from_different_references():
    # Longest common subsequences: "a b" with both; precision 2 of 3, recall 1 of the first.
    (score,) = rouge_l(["a b c"], [["a b", "a x b y"]])
    precision, recall, beta = 2 / 3, 1.0, 1.44
    assert score == pytest.approx((1 + beta) * precision * recall / (recall + beta * precision))
    assert rouge_l(["x"], [["a b"]])[0] == 0
    # Two blanks hold an empty word, as published.
    assert rouge_l(["a  b"], [["a b"]])[0] < 1


def test_cider_by_hand():
    # Words of a single sample have no rarity; with two samples, words of one have log 2.
    answers, references = ["a", "b"], [["a"], ["b"]]
    assert cider_d(answers, references) == pytest.approx([2.5, 2.5])
    assert cider_d(["a"], [["a"]]) == pytest.approx([0.0])
    # Twice the word is cut to what the reference has, and one pair more costs exp(-1 / 72).
    (score, _) = cider_d(["a a", "b"], [["a"], ["b"]])
    assert score == pytest.approx(10 / 4 * (1 / 2) * math.exp(-1 / 72))


@pytest.mark.parametrize(
    ("answers", "references"), [(["a"], []), (["a"], [[]]), (["a", "b"], [["a"]])]
)
def test_answers_without_references_are_refused(answers, references):
    with pytest.raises(ValueError, match="every answer needs a list of references"):
        bleu(answers, references)


def test_empty_answers_score_nothing_and_other_scripts_are_words():
    answers, references = ["", "ein stuhl", "椅子 左"], [["a chair"], ["ein stuhl"], ["椅子 左"]]
    assert cider_d(answers, references)[0] == 0
    assert rouge_l(answers, references) == pytest.approx([0, 1, 1])
    assert bleu([""], [["a chair"]])[0] == pytest.approx(0, abs=1e-9)
