"""Make the questions of one type in the form of VSI-Bench about one scan."""

from collections import Counter

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types import SCAN_QUESTION_TYPES
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext

SETTINGS = ScanQuestionSettings()


def ask(
    name: str, context: ScanContext, settings: ScanQuestionSettings = SETTINGS, seed: int = 1
) -> tuple[list[ScanSample], Counter[tuple[str, str]]]:
    """Return the samples of a question type, and what was left out."""
    samples, dropped = [], Counter()
    for sample in SCAN_QUESTION_TYPES[name](context, np.random.default_rng(seed), settings):
        if isinstance(sample, DroppedSample):
            dropped[sample.question_type, sample.reason] += 1
        else:
            samples.append(sample)
    return samples, dropped
