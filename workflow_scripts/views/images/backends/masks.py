"""Objects from the user's masks: an image of ids with labels, or COCO segmentations."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common import coco_rle
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.sources.readers.sidecar_files import MASK_ENDINGS, find_sidecar
from workflow_scripts.views.images.letterbox import nearest_samples
from workflow_scripts.views.images.proposals import PhotoView, Proposal, ProposerOptions
from workflow_scripts.views.visibility import mask_box

MAX_MASKS = 4096
DEFAULT_LABEL = "object"
_LABEL_KEYS = ("label", "class", "name", "category", "category_name", "class_name")
_ASPECT_TOLERANCE = 0.02
_MAX_ID_DIGITS = 10


class UserMasks:
    """Reads `{stem}.png` (ids, 0 for none) with labels in `{stem}.json` ({"1": "box"}), or
    `{stem}.json` alone: a list of {"label", "segmentation", "score"}, or an object with such a
    list under "objects".
    """

    def __init__(self, options: ProposerOptions) -> None:
        if not options.masks:
            raise UserError(
                "sources.images.localise.backend is masks, but sources.images.masks is null: give "
                "the folder of masks, or choose florence2 or grounding_dino"
            )
        self._folder = Path(options.masks)
        if not self._folder.is_dir():
            raise UserError(f"sources.images.masks: {self._folder} is not a folder of masks")

    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        """Return the masks of each photo, in the size of the photo within the frame."""
        return [self._proposals_of(photo) for photo in photos]

    def _proposals_of(self, photo: PhotoView) -> list[Proposal]:
        stem = photo.row.stem
        try:
            ids = find_sidecar(self._folder, stem, (".png",), MASK_ENDINGS)
            table = find_sidecar(self._folder, stem, (".json",), MASK_ENDINGS)
        except UserError as error:
            return [rejected_proposal(f"masks: {error}")]
        if ids is None and table is None:
            return [rejected_proposal(f"no masks: no file is called {stem!r}")]
        try:
            content = parse_json(read_text(table), table.name) if table else {}
            object_list, names = _object_list(content)
            labels = _labels_by_id(content, names) if ids is not None else None
            if isinstance(object_list, list) and labels is None:
                return list(_from_list(object_list, names, photo))
            if ids is None or labels is None:
                return [rejected_proposal(f"masks: {table.name} has no list of objects")]  # type: ignore[union-attr]
            return list(_from_ids(ids, labels, photo))
        except Exception as error:  # decoders raise many types for damaged bytes
            name = (ids or table).name  # type: ignore[union-attr]
            return [rejected_proposal(f"masks: {name} is broken ({_first_line(error)})")]


def rejected_proposal(reason: str, label: str = "", confidence: float = 0.0) -> Proposal:
    """Return a proposal for an object that could not be read."""
    return Proposal(label, confidence, (0.0, 0.0, 0.0, 0.0), reason=reason)


def proposal_from_mask(
    mask: np.ndarray, label: str, confidence: float, photo: PhotoView
) -> Proposal:
    """Return a proposal of a mask bool [h, w] over the whole photo, at any resolution."""
    height, width = photo.rgb.shape[:2]
    rows, columns = nearest_samples(height, mask.shape[0]), nearest_samples(width, mask.shape[1])
    fitted = mask[rows[:, None], columns]
    if not fitted.any():
        return rejected_proposal("no pixel: nothing of it is left in the frame", label, confidence)
    x0, y0, x1, y1 = map(float, mask_box(fitted))
    return Proposal(label, confidence, (x0, y0, x1, y1), fitted)


def _object_list(content: Any) -> tuple[Any, dict[str, str]]:
    """Return the list of objects of a file, and the names of COCO's categories by their ids."""
    if not isinstance(content, dict):
        return content, {}
    names = {}
    categories = content.get("categories")
    for category in categories if isinstance(categories, list) else ():
        if isinstance(category, dict) and isinstance(category.get("id"), int | str):
            names[str(category["id"])] = _label_text(category)
    return content.get("objects", content.get("annotations")), names


def _labels_by_id(content: Any, names: dict[str, str]) -> dict[int, str] | None:
    """Return the labels of an image of ids, None if the file has a list of segmentations instead.

    By id ({"1": "box"}, {"001": {"class": "box"}}), as a list whose first entry is of id 0, or as
    entries with an "id" (COCO's segments_info).
    """
    if isinstance(content, dict):
        for key in ("labels", "segments_info", "objects", "annotations"):
            if isinstance(content.get(key), dict | list):
                content = content[key]
                break
    if isinstance(content, dict):
        return {
            int(key): _label_text(value)
            for key, value in content.items()
            if key.isdecimal() and len(key) <= _MAX_ID_DIGITS
        }
    if not isinstance(content, list) or any(
        isinstance(entry, dict) and "segmentation" in entry for entry in content
    ):
        return None
    labels = {}
    for place, entry in enumerate(content):
        if isinstance(entry, dict):
            number = entry.get("id")
            category = names.get(str(entry.get("category_id")))
            is_named = category is None or any(key in entry for key in _LABEL_KEYS)
            if isinstance(number, int):
                labels[number] = _label_text(entry) if is_named else category
        elif place:
            labels[place] = _label_text(entry)
    return {number: label for number, label in labels.items() if label is not None}


def _label_text(value: Any) -> str:
    """Return a label of any form as text: dictionaries name it under one of some keys."""
    if isinstance(value, dict):
        values = [value.get(key) for key in _LABEL_KEYS]
        return next((_label_text(inner) for inner in values if inner is not None), DEFAULT_LABEL)
    return DEFAULT_LABEL if value is None else str(value)


def _from_ids(path: Path, labels: dict[int, str], photo: PhotoView) -> Iterator[Proposal]:
    with Image.open(path) as image:
        if image.mode not in ("1", "L", "P", "I", "I;16"):
            yield rejected_proposal(
                f"masks: {path.name} has mode {image.mode}; ids are one gray channel"
            )
            return
        ids = np.asarray(image).astype(np.int64)
    mismatch = _size_mismatch(ids.shape[1], ids.shape[0], photo)
    if mismatch:
        yield rejected_proposal(f"masks: {path.name} {mismatch}")
        return
    numbers = np.unique(ids[ids > 0])
    if len(numbers) > MAX_MASKS:
        yield rejected_proposal(f"masks: {path.name} has {len(numbers)} ids, more than {MAX_MASKS}")
        return
    for number in numbers.tolist():
        label = labels.get(number, DEFAULT_LABEL)
        yield proposal_from_mask(ids == number, label, 1.0, photo)
    for number, label in labels.items():
        if number not in numbers:
            yield rejected_proposal("no pixel: its number is not in the mask", label, 1.0)


def _from_list(objects: list[Any], names: dict[str, str], photo: PhotoView) -> Iterator[Proposal]:
    for entry in objects[:MAX_MASKS]:
        if not isinstance(entry, dict):
            yield rejected_proposal("masks: an entry is not an object with label and segmentation")
            continue
        category = entry.get("category_id")
        is_named = any(key in entry for key in _LABEL_KEYS)
        if isinstance(category, int | str) and not is_named and str(category) not in names:
            yield rejected_proposal(
                f"masks: category_id {category!r:.20} has no name; give each entry a 'label', or "
                "the file 'annotations' and 'categories'"
            )
            continue
        label = _label_text(entry) if is_named else names.get(str(category), DEFAULT_LABEL)
        score = entry.get("score", 1.0)
        confidence = float(score) if isinstance(score, int | float) else float("nan")
        try:
            mask = coco_rle.mask_from_segmentation(
                entry.get("segmentation"), height=photo.row.height_px, width=photo.row.width_px
            )
        except UserError as error:
            yield rejected_proposal(f"masks: {error}", label, confidence)
            continue
        mismatch = _size_mismatch(mask.shape[1], mask.shape[0], photo)
        if mismatch:
            yield rejected_proposal(f"masks: a segmentation {mismatch}", label, confidence)
        else:
            yield proposal_from_mask(mask, label, confidence, photo)
    if len(objects) > MAX_MASKS:
        yield rejected_proposal(f"masks: {len(objects)} objects, only {MAX_MASKS} are read")


def _size_mismatch(width: int, height: int, photo: PhotoView) -> str:
    if not width or not height:
        return "has no pixels"
    photo_aspect = photo.row.width_px / photo.row.height_px
    if abs(width / height / photo_aspect - 1) <= _ASPECT_TOLERANCE:
        return ""
    return f"is {width} x {height}, the upright photo {photo.row.width_px} x {photo.row.height_px}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
