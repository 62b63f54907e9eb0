"""The question types of VSI-Bench (Yang et al. 2024), and the tasks over which it averages.

Questions that are generated about scans and those of the published benchmark have the same types.
"""

from workflow_scripts.common.scan_samples import ScanSample

_DIRECTIONS = (
    "object_rel_direction_easy",
    "object_rel_direction_medium",
    "object_rel_direction_hard",
)
VSI_TASKS: dict[str, tuple[str, ...]] = {
    "object_counting": ("object_counting",),
    "object_abs_distance": ("object_abs_distance",),
    "object_size_estimation": ("object_size_estimation",),
    "room_size_estimation": ("room_size_estimation",),
    "object_rel_distance": ("object_rel_distance",),
    "object_rel_direction": _DIRECTIONS,
    "route_planning": ("route_planning",),
    "obj_appearance_order": ("obj_appearance_order",),
}
"""The question types of each task."""
VSI_TASK_OF = {kind: task for task, kinds in VSI_TASKS.items() for kind in kinds}


def is_vsi_sample(sample: ScanSample) -> bool:
    """Say whether a sample is a question of one of the types of VSI-Bench."""
    return sample.task == "question" and sample.question_type in VSI_TASK_OF
