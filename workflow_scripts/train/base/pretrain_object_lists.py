"""Lists of objects for pre-training: what an image shows and where.

Prompt and text are those of experiments of kind reconstruction whose answers say the centres alone
(`layout.fields: [centre]`): other numbers are learned no sooner and make a list twice as long.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workflow_scripts.config.reconstruction import LayoutTextSettings, RoomInputSettings
from workflow_scripts.geometry.cameras import Camera, rotation_about_up
from workflow_scripts.layouts.answer_format import noun, object_list_style
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout
from workflow_scripts.layouts.object_list import END, label_words, number_word, write_object_list
from workflow_scripts.layouts.room_prompt import room_prompt
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.train.base.pretrain_images import ObjectPoint
from workflow_scripts.train.base.pretrain_questions import Mention, PretrainSample

SETTINGS = RoomInputSettings(layout=LayoutTextSettings(fields=("centre",)))
STYLE = object_list_style(SETTINGS.layout)
# The nearest objects of an image; a list that would be longer is cut off.
MAX_LISTED = 12
# Boxes in the image are in hundredths.
_HUNDREDTHS = 100


def place_words(point: ObjectPoint) -> tuple[str, ...]:
    """Return the words for the centre of an object in the level camera frame."""
    return tuple(number_word(value, STYLE.precision_m) for value in point.level_center_m)


def list_prompt(camera: Camera, *, is_mirrored: bool = False) -> str:
    """Return the prompt for the list of what a camera sees, or its mirrored image shows."""
    k = camera.intrinsics
    middle_px = camera.width_px - k[0, 2] if is_mirrored else k[0, 2]
    # A prompt with intrinsics alone says nothing of the room.
    record = RoomRecord.model_construct(  # type: ignore[call-arg]
        width_px=camera.width_px,
        height_px=camera.height_px,
        intrinsics=(k[0, 0], k[1, 1], middle_px, k[1, 2]),
        world_from_camera=tuple(camera.world_from_camera.ravel()),
    )
    return room_prompt(record, SETTINGS.layout, SETTINGS.train_input.prompt)


def list_objects(points: Sequence[ObjectPoint], prompt: str) -> PretrainSample:
    """Ask for the objects of an image and list them, near to far."""
    order = np.argsort([point.camera_distance_m for point in points], kind="stable")
    answer, word_ends, mentions = "", [], []
    for index in order[:MAX_LISTED]:
        point = points[index]
        line = object_line(point)
        # The sign before a line chooses its object.
        before = len(answer.rstrip())
        name_end = len(answer) + len(label_words(noun(point.category)))
        line_end = len(answer) + line.index(END)
        answer += line
        spaces = (at for at in range(name_end, line_end) if answer[at] == " ")
        word_ends.append((*spaces, line_end, before))
        mention = Mention.of_object(point)
        mentions.append(replace(mention, object_number=int(index) + 1))
    nothing = write_object_list(RoomLayout("level_camera"), STYLE)
    return PretrainSample(
        prompt,
        (),
        (answer or nothing).rstrip(),
        tuple(mentions),
        answer_word_ends=tuple(word_ends),
        is_list=True,
        is_complete=len(points) <= MAX_LISTED,
    )


def object_line(point: ObjectPoint) -> str:
    """Return an object's line of the list."""
    box = LayoutBox(
        label=noun(point.category),
        centre_m=np.array(point.level_center_m),
        size_m=np.array(point.size_m),
        rotation=rotation_about_up(point.level_yaw_deg),
        box_2d_px=tuple(_HUNDREDTHS * np.array(point.box)),
    )
    return write_object_list(
        RoomLayout("level_camera", (box,)), STYLE, width_px=_HUNDREDTHS, height_px=_HUNDREDTHS
    )
