"""How large objects and rooms are."""

from collections.abc import Iterator

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types.vsi_samples import number_sample
from workflow_scripts.vqa.scans.question_types.wording import pick
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

OBJECT_SIZE, ROOM_SIZE = "object_size_estimation", "room_size_estimation"
# Answers are whole centimeters, so of smaller objects they would be more than a twentieth off.
MIN_SIDE_M = 0.1
TOO_SMALL = f"an object of less than {MIN_SIDE_M} m"
CUT_OFF = "an object that no chosen frame shows as a whole"
ROOM_NOT_KNOWN = "a room whose floor is not known"
ROOM_IS_OPEN = "a room that goes on into another one without a wall"
ROOM_NOT_SHOWN = "a scan of whose surface the chosen frames show too little"
OBJECT_WORDINGS = (
    "How long is the longest side of the {a}, in centimeters?",
    "In centimeters, what is the largest dimension of the {a}: its length, width, or height?",
    "Take the longest of length, width, and height of the {a}. How many centimeters is it?",
    "How many centimeters does the {a} measure along its longest side?",
    "What does the {a} measure in its longest dimension, in centimeters?",
)
ROOM_WORDINGS = (
    "What is the floor area of this room in square meters? If the camera walks through several "
    "rooms, add them up.",
    "How many square meters of floor does this room have? Count all rooms that the camera enters.",
    "How large is the room in the video, in square meters? For several rooms, give their total.",
    "In square meters, how big is the floor of the space that the camera walks through?",
)


def generate_object_sizes(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield questions for the longest side of objects that a frame shows as a whole."""
    fitting = []
    for item in context.alone:
        if max(item.size_m) < MIN_SIDE_M:
            yield DroppedSample(OBJECT_SIZE, TOO_SMALL)
        elif not item.is_shown_whole:
            yield DroppedSample(OBJECT_SIZE, CUT_OFF)
        else:
            fitting.append(item)
    for place in rng.permutation(len(fitting))[: settings.samples_per_type]:
        yield _object_sample(context, fitting[place], rng)


def _object_sample(context: ScanContext, item: ScanObject, rng: np.random.Generator) -> ScanSample:
    width_m, depth_m, height_m = item.size_m.tolist()
    longest_m, second_m, _ = sorted((width_m, depth_m, height_m), reverse=True)
    return number_sample(
        context,
        question_type=OBJECT_SIZE,
        text=pick(rng, OBJECT_WORDINGS).format(a=item.phrase),
        value=100 * longest_m,
        digits=0,
        answer_type="centimetres",
        referents=(item,),
        margin=longest_m - second_m,
        margin_unit="m",
        evidence={"width_m": width_m, "depth_m": depth_m, "height_m": height_m},
        reasoning=f"Seen from above the sides of the {item.phrase} are {width_m:.2f} meters and "
        f"{depth_m:.2f} meters long, and the height is {height_m:.2f} meters. The longest of "
        f"these is {longest_m:.2f} meters, or {100 * longest_m:.0f} centimeters.",
    )


def generate_room_size(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield the question for the area of the rooms that the camera walks through."""
    if not context.rooms:
        yield DroppedSample(ROOM_SIZE, ROOM_NOT_KNOWN)
        return
    if any(room.is_open for room in context.rooms):
        yield DroppedSample(ROOM_SIZE, ROOM_IS_OPEN)
        return
    if not context.surface_coverage >= settings.min_surface_coverage:
        yield DroppedSample(ROOM_SIZE, ROOM_NOT_SHOWN)
        return
    areas_m2 = [room.area_m2 for room in context.rooms]
    total_m2 = sum(areas_m2)
    parts = " + ".join(f"{area:.2f}" for area in areas_m2)
    reasoning = f"The floor of the room has {total_m2:.2f} square meters."
    if len(areas_m2) > 1:
        reasoning = (
            f"The camera walks through {len(areas_m2)} rooms with floors of "
            f"{parts} = {total_m2:.2f} square meters."
        )
    yield number_sample(
        context,
        question_type=ROOM_SIZE,
        text=pick(rng, ROOM_WORDINGS),
        value=total_m2,
        digits=1,
        answer_type="square_metres",
        margin=context.surface_coverage - settings.min_surface_coverage,
        margin_unit="ratio",
        evidence={
            "area_m2": total_m2,
            "rooms": len(areas_m2),
            "surface_coverage": context.surface_coverage,
        },
        reasoning=reasoning,
    )
