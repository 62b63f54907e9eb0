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
    appearance_order,
    captions,
    counting,
    directions,
    distances,
    grounding,
    object_questions,
    route_planning,
    situated_questions,
    sizes,
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
    "object_counting": counting.generate,
    "object_abs_distance": distances.generate_absolute,
    "object_rel_distance": distances.generate_relative,
    "object_rel_direction": directions.generate,
    "object_size_estimation": sizes.generate_object_sizes,
    "room_size_estimation": sizes.generate_room_size,
    "obj_appearance_order": appearance_order.generate,
    "route_planning": route_planning.generate,
}
