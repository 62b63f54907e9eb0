"""What the words of generated samples about scans say of their answers.

    python -m benchmarks.scan_text_only --samples results/vqa/scans/train.jsonl

prints, for whether a description fits anything and for every type of question, the share that a
classifier of words answers rightly (fitted on other scans) beside the commonest answer's share.
Rule `merge_scan_samples` writes the same of all questions, before and after it leaves some out:
`results/vqa/scans/text_only.csv`.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_records
from workflow_scripts.vqa.scans.solvable_samples import summary_of
from workflow_scripts.vqa.solvable_questions import QuestionSummary, TextOnlySurvey
from workflow_scripts.vqa.text_only_classifier import MIN_LEARNED

# Names of the comparisons: descriptions of which types, split into nothing and something.
DESCRIPTIONS = {
    "nothing fits": ("zt_wo_d", "zt_w_d", "st_wo_d", "st_w_d", "mt"),
    "nothing fits, with distractors": ("zt_w_d", "st_w_d"),
    "nothing fits, without distractors": ("zt_wo_d", "st_wo_d"),
}


def text_only_scores(samples: Iterable[ScanSample]) -> pd.DataFrame:
    """Return a row for every question: samples, classifier and commonest answer in percent.

    Types with fewer than 40 samples say nothing. Of questions with two possible answers, the
    commonest answer is that of questions with the same two.
    """
    survey = TextOnlySurvey(seed=0)
    for sample in samples:
        for summary in _asked_of(sample):
            # Every scan is answered by what is learned from others.
            survey.add(summary.model_copy(update={"split": "train"}))
    _, scores = survey.choose("keep")
    rows = [
        (
            *(row.family, row.num_before),
            *(round(100 * share, 1) for share in (row.score_before, row.commonest_before)),
        )
        for row in scores
        if row.num_before >= MIN_LEARNED
    ]
    return pd.DataFrame(rows, columns=["question", "samples", "text_only", "commonest"])


def _asked_of(sample: ScanSample) -> Iterator[QuestionSummary]:
    if sample.task == "grounding":
        truth = "something" if sample.targets else "nothing"
        for name, types in DESCRIPTIONS.items():
            if sample.question_type in types:
                values = {"question_type": name, "truth": truth, "answer_type": "text"}
                yield summary_of(sample.model_copy(update=values))
    elif sample.task == "question":
        yield summary_of(sample)


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
