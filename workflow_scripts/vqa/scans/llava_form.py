"""Samples about scans in the JSON form that Video-3D LLM trains on and is scored with.

An entry has `id`, `video` ("scannet/<scan>"), `conversations` (human, gpt), `metadata` and, by its
data set, boxes (centre and size): `box`, or `box_input`, `gt_box` and `annotations`. What the form
has no place for (a text as it was written, situations, references) is in `metadata`.
"""

from typing import Any

from workflow_scripts.common.scan_samples import ScanSample

IMAGE, GROUND, COORD = "<image>", "<ground>", "<coord>"
GENERATED = "generated"
_ANY_NUMBER = ("zt", "st", "mt")
_INSTRUCTIONS = {
    "scanrefer": "Which object is described? There is exactly one.",
    "multi3drefer": "Which objects are described? There may be none, one or several.",
    "scan2cap": f"There is an object at {COORD}. Describe it in detail.",
    "scanqa": "Answer in a few words.",
    "sqa3d": "Answer with one word or a short phrase.",
}


def form_of(sample: ScanSample) -> str:
    """Return the data set whose form a sample has: its own, or for generated ones the nearest."""
    if sample.dataset != GENERATED:
        return sample.dataset
    if sample.task == "captioning":
        return "scan2cap"
    if sample.task == "question":
        return "sqa3d" if sample.situation else "scanqa"
    return "multi3drefer" if sample.question_type.split("_")[0] in _ANY_NUMBER else "scanrefer"


def object_number(instance: int) -> int:
    """Return the number of an object in lists of boxes: ScanNet's object id."""
    return instance - 1


def to_llava(sample: ScanSample, video: str) -> dict[str, Any]:
    """Return a sample as an entry; `video` names its scan, "scannet/scene0000_00"."""
    form = form_of(sample)
    metadata: dict[str, Any] = {
        "dataset": form,
        "question_type": sample.question_type,
        "generated": sample.dataset == GENERATED,
    }
    entry: dict[str, Any] = {
        "id": sample.sample_id,
        "video": video,
        "conversations": [
            {"from": "human", "value": f"{IMAGE}\n{_human(sample, form)}"},
            {"from": "gpt", "value": _gpt(sample)},
        ],
        "metadata": metadata,
    }
    numbers = [object_number(instance) for instance in sample.targets]
    boxes = [list(box) for box in sample.target_boxes]
    if sample.task == "grounding":
        metadata["description"] = sample.text
        if form == "scanrefer":
            metadata["object_id"] = str(numbers[0])
            metadata["ann_id"] = sample.sample_id.rsplit("-", 1)[-1]
            entry["box"] = boxes[0]
        else:
            metadata["object_id"] = numbers
            entry["box"] = boxes
    elif sample.task == "captioning":
        metadata["object_id"] = str(numbers[0])
        entry["gt_box"] = boxes[0]
        entry["box_input"] = _box_input(sample, boxes[0])
        entry["annotations"] = sample.answers
    else:
        metadata["question"] = sample.text
        metadata["answers"] = sample.answers
        if sample.situation:
            metadata["situation"] = sample.situation
    return entry


def _human(sample: ScanSample, form: str) -> str:
    instruction = _INSTRUCTIONS[form]
    if form == "scan2cap":
        return instruction
    text = _plain(sample.text)
    if sample.task == "grounding":
        return f"{instruction}\n{text[:1].upper()}{text[1:]}"
    options = [f"{chr(ord('A') + number)}. {text}" for number, text in enumerate(sample.options)]
    parts = [sample.situation, text, *options]
    return " ".join([*filter(None, map(_plain, parts)), instruction])


def _gpt(sample: ScanSample) -> str:
    if sample.task == "grounding":
        return GROUND
    text = _plain(sample.answer)
    return text.capitalize() if sample.task == "captioning" else text


def _plain(text: str) -> str:
    """Return a text in one line without special tokens, which would be counted as such."""
    for token in (IMAGE, GROUND, COORD):
        text = text.replace(token, token.strip("<>"))
    return " ".join(text.split())


def _box_input(sample: ScanSample, true_box: list[float]) -> list[float] | None:
    """Return the box whose centre is described; of a proposal only the centre is used."""
    if sample.point_m is None:
        return None
    return [*sample.point_m, *true_box[3:]]
