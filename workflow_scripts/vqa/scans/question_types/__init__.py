"""The registry of what is asked about a scan: by name, the function that makes its samples.

A generator takes a scan, a random generator of its own and the settings. It yields samples made by
`samples.new_sample`, and a `DroppedSample` for what it left out; nothing else may decide what it
yields. Names are those of `config/scan_questions.py`, in the same order.
"""

from collections.abc import Callable, Iterable

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types import (
    captions,
    grounding,
    object_questions,
    situated_questions,
)
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext

Generator = Callable[
    [ScanContext, np.random.Generator, ScanQuestionSettings], Iterable[ScanSample | DroppedSample]
]
SCAN_QUESTION_TYPES: dict[str, Generator] = {
    "grounding": grounding.generate,
    "captions": captions.generate,
    "object_questions": object_questions.generate,
    "situated_questions": situated_questions.generate,
}
