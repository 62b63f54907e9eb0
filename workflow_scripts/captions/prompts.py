"""The prompt files of captions, and the values of their {placeholders}."""

import string
from pathlib import Path

from workflow_scripts.captions.facts import RoomFacts
from workflow_scripts.captions.grammar import article, format_metres, join_list
from workflow_scripts.captions.group_mentions import group_mentions
from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.label_text import phrase
from workflow_scripts.models.chat.prompt_files import Prompt

PLACEHOLDERS = ("article_and_category", "category", "layout", "objects", "room_type", "size")
# Placeholders of earlier versions.
RENAMED_PLACEHOLDERS = {"things": "objects"}


def read_prompt(folder: Path, kind: str) -> Prompt:
    """Read `{folder}/{kind}.txt`; `UserError` if it is missing or has an unknown placeholder."""
    path = folder / f"{kind}.txt"
    prompt = Prompt.read(path, kind=kind, key="captions.prompts")
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(prompt.template)]
    except ValueError as error:
        raise UserError(f"{path}: {error}; write {{{{ and }}}} for braces") from None
    for field in filter(lambda field: field is not None, fields):
        if field in RENAMED_PLACEHOLDERS:
            raise UserError(
                f"{path}: the placeholder {{{field}}} is now called "
                f"{{{RENAMED_PLACEHOLDERS[field]}}}; rename it in this file (captions.prompts)"
            )
        if field not in PLACEHOLDERS:
            allowed = allowed_values(str(field), PLACEHOLDERS)
            raise UserError(f"{path}: unknown placeholder {{{field}}}; {allowed}")
    return prompt


def fill_prompt(prompt: Prompt, request: CaptionRequest) -> str:
    """Return the text for one request."""
    return prompt.template.format_map(placeholder_values(request)).strip()


def placeholder_values(request: CaptionRequest) -> dict[str, str]:
    """Return a value for every placeholder; 'unknown' or '' where a request has none."""
    values = dict.fromkeys(PLACEHOLDERS, "")
    if request.room is not None:
        room = request.room
        values["room_type"] = room.room_type
        values["size"] = "unknown"
        if room.size_m is not None:
            values["size"] = (
                f"about {format_metres(room.size_m[0])} by {format_metres(room.size_m[1])} m"
            )
        values["objects"] = (
            join_list([mention.indefinite for mention in group_mentions(room.objects)]) or "nothing"
        )
        values["layout"] = layout(room) or "(none)"
    if request.asset is not None:
        noun = phrase(request.asset.category)
        width, depth, height = (format_metres(size) for size in request.asset.size_m)
        values["category"] = noun
        values["article_and_category"] = f"{article(noun)} {noun}"
        values["size"] = f"about {width} m wide, {depth} m deep and {height} m high"
    return values


def layout(room: RoomFacts) -> str:
    """List furniture with its place on the plan in centimetres, a line each."""
    if room.bounds_m is None:
        return "\n".join(f"- {obj.noun}" for obj in room.furniture)
    left, _, near, _ = room.bounds_m
    lines = []
    for obj in room.furniture:
        x_cm, y_cm = round(100 * (obj.right_m - left)), round(100 * (obj.ahead_m - near))
        supported = room.children.get(obj.object_id, [])
        contents = f", with {join_list([child.noun for child in supported])}" if supported else ""
        lines.append(f"- {obj.noun} ({x_cm}, {y_cm}){contents}")
    return "\n".join(lines)
