"""Keys of earlier versions and what they are called now."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

#: Old key, with * for a name that the user chose: the new key, or what to do instead.
RENAMED: Mapping[str, str] = {
    "train.tiny.named_share": "train.tiny.named_fraction",
    "train.tiny.use_scans": "train.tiny.sources, a list of sources",
    "train.experiments.*.checks": "train.experiments.*.num_validations",
    "train.experiments.*.micro_batch_size": "train.experiments.*.tokens_per_micro_batch",
    "evaluate.bootstrap": "evaluate.bootstrap_samples",
    "captions.max_failed_share": "captions.max_failed_fraction",
    "vqa.margin_picture": "vqa.margin_image",
    "vqa.paraphrase.max_failed_share": "vqa.paraphrase.max_failed_fraction",
    "vqa.hub.licence": "vqa.hub.license",
}

#: Values of earlier versions, such as names of question families, and what they are called now.
RENAMED_VALUES: Mapping[str, str] = {
    "carried_by": "supported_by",
    "same_thing": "same_instance",
    "pointing": "point_grounding",
    "boxing": "box_grounding",
    "nth_pointing": "nth_point_grounding",
    "nth_boxing": "nth_box_grounding",
}


def new_name(key: str) -> str | None:
    """Return what an earlier version's key is called now; None if it never was one."""
    return next((new for old, new in RENAMED.items() if fnmatchcase(key, old)), None)
