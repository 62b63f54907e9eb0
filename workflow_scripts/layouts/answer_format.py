"""What a model is taught to write of a room, and reading what one wrote, in any of the formats."""

import dataclasses

from workflow_scripts.common.label_text import phrase
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.layouts.camera_boxes import read_camera_boxes, write_camera_boxes
from workflow_scripts.layouts.layout import RoomLayout
from workflow_scripts.layouts.object_list import (
    ObjectListStyle,
    read_object_list,
    write_object_list,
)
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.room_layout import room_layout
from workflow_scripts.layouts.room_record import RoomObject, RoomRecord
from workflow_scripts.layouts.spatiallm import read_script, write_script


def is_shown(item: RoomObject, settings: LayoutTextSettings) -> bool:
    """Say whether enough of an object is seen for a layout of visible objects."""
    return item.pixels >= settings.min_pixels


def with_visibility(record: RoomRecord, settings: LayoutTextSettings) -> RoomRecord:
    """Return a record whose objects are visible where `is_shown` says so."""
    objects = tuple(
        item.model_copy(update={"is_visible": is_shown(item, settings)}) for item in record.objects
    )
    return record.model_copy(update={"objects": objects})


def target_layout(record: RoomRecord, settings: LayoutTextSettings) -> RoomLayout:
    """Return the true layout that an answer should say, in the answer's frame.

    Objects are those of the room in its order, or the visible ones near to far, at most
    `max_objects`; labels are nouns ("side table"), or the captions of assets where a program is
    written in phrases.
    """
    layout = room_layout(
        with_visibility(record, settings),
        settings.frame,
        objects=settings.objects,
        include_children=settings.include_children,
        phrases=settings.phrases,
        open_walls=settings.format == "r2d3",
    )
    categories = {item.object_id: item.category for item in record.objects}
    boxes = tuple(
        dataclasses.replace(box, label=noun(box.label)) if box.label == categories[box.key] else box
        for box in layout.boxes[: settings.max_objects]
    )
    keys = {box.key for box in boxes}
    return dataclasses.replace(
        layout,
        boxes=tuple(
            box if box.parent in keys else dataclasses.replace(box, parent="") for box in boxes
        ),
    )


def noun(category: str) -> str:
    """Return what answers call a category: SideTable is "side table"."""
    return phrase(category).lower()


def write_answer(layout: RoomLayout, settings: LayoutTextSettings, record: RoomRecord) -> str:
    """Return the text of a layout in the format and frame of the settings."""
    if settings.format == "r2d3":
        return write_program(layout, phrases=settings.phrases)
    if settings.format == "spatiallm":
        return write_script(layout)
    if settings.format == "qwen3vl":
        return write_camera_boxes(layout)
    style = object_list_style(settings)
    return write_object_list(layout, style, width_px=record.width_px, height_px=record.height_px)


def read_answer(text: str, settings: LayoutTextSettings, record: RoomRecord) -> RoomLayout:
    """Read what a model wrote about a record's view, in the frame of the settings.

    What is no entry is a problem of the layout. A room that is said to be empty has neither
    objects nor problems.
    """
    if settings.format == "r2d3":
        return read_program(text, frame=settings.frame)
    if settings.format == "spatiallm":
        return read_script(text, frame=settings.frame)
    if settings.format == "qwen3vl":
        return read_camera_boxes(text)
    return read_object_list(
        text, frame=settings.frame, width_px=record.width_px, height_px=record.height_px
    )


def object_list_style(settings: LayoutTextSettings) -> ObjectListStyle:
    """Return how finely an object list says what."""
    return ObjectListStyle(
        fields=settings.fields,
        precision_m=settings.precision_m,
        yaw_step_deg=settings.yaw_step_deg,
    )
