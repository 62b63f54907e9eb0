"""What the words of generated samples about scans say of their answers.

    python -m benchmarks.scan_text_only --samples results/vqa/scans/train.jsonl

prints, for whether a description fits anything and for every type of question, the share that a
classifier of words answers rightly (fitted on other scans) beside the commonest answer's share.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_records
from workflow_scripts.vqa.text_only_classifier import (
    MIN_LEARNED,
    NUM_FOLDS,
    QuestionGroup,
    answer_by_words,
)

# Names of the comparisons: descriptions of which types, split into nothing and something.
DESCRIPTIONS = {
    "nothing fits": ("zt_wo_d", "zt_w_d", "st_wo_d", "st_w_d", "mt"),
    "nothing fits, with distractors": ("zt_w_d", "st_w_d"),
    "nothing fits, without distractors": ("zt_wo_d", "st_wo_d"),
}
_OF_TWO = re.compile(r"the ([^,?]+?),? (?:or|and) the ([^,?]+?)(?:\?|, which)")
NUMBERS = ("metres", "square_metres", "centimetres")


def text_only_scores(samples: Iterable[ScanSample]) -> pd.DataFrame:
    """Return a row for every question: samples, classifier and commonest answer in percent.

    Types with fewer than 40 samples say nothing.
    """
    asked: dict[tuple[str, bool], list[tuple[ScanSample, str | float]]] = defaultdict(list)
    for sample in samples:
        for name, answer in _asked_of(sample):
            asked[name, sample.answer_type in NUMBERS].append((sample, answer))
    rows = [
        {"question": name, "samples": len(pairs)} | _score(pairs, is_number=is_number)
        for (name, is_number), pairs in asked.items()
        if len(pairs) >= MIN_LEARNED
    ]
    return pd.DataFrame(rows, columns=["question", "samples", "text_only", "commonest"])


def _asked_of(sample: ScanSample) -> Iterator[tuple[str, str | float]]:
    if sample.task == "grounding":
        for name, types in DESCRIPTIONS.items():
            if sample.question_type in types:
                yield name, "something" if sample.targets else "nothing"
    elif sample.task == "question":
        yield sample.question_type, _answer(sample)


def _answer(sample: ScanSample) -> str | float:
    """Return the truth, or of a choice between two things which of them is named first."""
    truth = sample.truth
    pair = _OF_TWO.search(sample.text)
    if pair is not None and truth in pair.groups():
        return "the first of two" if truth == pair[1] else "the second of two"
    return truth


def _score(pairs: Sequence[tuple[ScanSample, str | float]], *, is_number: bool) -> dict[str, float]:
    group = QuestionGroup(is_number=is_number)
    folds = {name: n for n, name in enumerate(sorted({s.scene_id for s, _ in pairs}))}
    for row, (sample, answer) in enumerate(pairs):
        fold = folds[sample.scene_id] % NUM_FOLDS
        group.add(row, f"{sample.situation} {sample.text}".strip(), (), answer, fold=fold)
    read = answer_by_words(group, np.ones(len(pairs), dtype=bool))
    shares = (read.is_right.mean(), read.is_commonest_right.mean())
    return dict(zip(("text_only", "commonest"), (round(100 * x, 1) for x in shares), strict=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=Path("results/vqa/scans/train.jsonl"))
    options = parser.parse_args()
    try:
        samples = read_records(options.samples, ScanSample)
    except UserError as error:
        sys.exit(f"error: {error}")
    print(text_only_scores(samples).to_string(index=False))


if __name__ == "__main__":
    main()
