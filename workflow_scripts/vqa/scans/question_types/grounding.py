"""Descriptions of objects that a model has to find among the boxes of the scan."""

from collections.abc import Iterator

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.samples import new_sample
from workflow_scripts.vqa.scans.scan_context import ScanContext


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample]:
    """Yield descriptions of the objects that are alone of their category."""
    for items in context.clear_categories.values():
        if len(items) == 1:
            text = f"Find the {items[0].phrase}."
            yield new_sample(
                context, task="grounding", question_type="unique", text=text, targets=items
            )
