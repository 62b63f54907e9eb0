"""Time BLEU, ROUGE-L and CIDEr-D of a corpus, beside pycocoevalcap on the same sentences."""

import contextlib
import io
import time

import numpy as np

from benchmarks.figures import Figure, report_figures
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.video.caption_metrics import bleu, cider_d, rouge_l

GOAL_TIMES = 5.0
WORDS = 400


def sentences(random: np.random.Generator, count: int) -> list[str]:
    """Return sentences of 5 to 20 words, some of them much more frequent than others."""
    shares = 1 / np.arange(1, WORDS + 1)
    words = random.choice(WORDS, (count, 20), p=shares / shares.sum())
    lengths = random.integers(5, 21, count)
    return [
        " ".join(f"w{word}" for word in row[:length])
        for row, length in zip(words, lengths, strict=True)
    ]


def main(*, samples: int = 2000, references: int = 4, seed: int = 7) -> None:
    """Score a corpus by both and print the rates.

    Args:
        samples: answers of the corpus.
        references: of each answer.
        seed: of the sentences.
    """
    try:
        from pycocoevalcap.bleu.bleu import Bleu
        from pycocoevalcap.cider.cider import Cider
        from pycocoevalcap.rouge.rouge import Rouge
    except ImportError:
        raise UserError("needs 'pip install pycocoevalcap==1.2' to compare with") from None
    random = np.random.default_rng(seed)
    answers = sentences(random, samples)
    texts = sentences(random, samples * references)
    lists = [texts[start : start + references] for start in range(0, len(texts), references)]
    start = time.process_time()
    ours = [bleu(answers, lists)[3], rouge_l(answers, lists).mean(), cider_d(answers, lists).mean()]
    ours_s = time.process_time() - start
    true, said = dict(enumerate(lists)), {number: [text] for number, text in enumerate(answers)}
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = [
            Bleu(4).compute_score(true, said, verbose=0)[0][3],
            Rouge().compute_score(true, said)[0],
            Cider().compute_score(true, said)[0],
        ]
    theirs_s = time.process_time() - start
    difference = float(np.abs(np.array(ours) - np.array(theirs)).max())
    report_figures(
        "caption_metrics",
        [
            Figure(
                "BLEU, ROUGE-L and CIDEr-D of an answer with four references",
                f"{1e6 * ours_s / samples:.0f} CPU us",
                f"pycocoevalcap: {1e6 * theirs_s / samples:.0f} CPU us; {theirs_s / ours_s:.1f} "
                f"times as fast, goal: at least {GOAL_TIMES:.0f}",
            ),
            Figure("their largest difference", f"{difference:.1e}", "goal: at most 1e-9"),
        ],
    )


if __name__ == "__main__":
    run(main)
