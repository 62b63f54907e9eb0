"""The prompt files of captions, and what fills their {placeholders}."""

import string
from pathlib import Path

from workflow_scripts.captions.facts import RoomFacts
from workflow_scripts.captions.mentions import mentions
from workflow_scripts.captions.requests import Request
from workflow_scripts.captions.words import article, listed, metres
from workflow_scripts.common.chat.prompts import Prompt
from workflow_scripts.common.errors import UserError, nearest
from workflow_scripts.common.names import phrase

PLACEHOLDERS = ("article_and_category", "category", "layout", "room_type", "size", "things")


def read_prompt(folder: Path, kind: str) -> Prompt:
    """Read `{folder}/{kind}.txt`; `UserError` if it is missing or asks for what we lack."""
    path = folder / f"{kind}.txt"
    prompt = Prompt.read(path, kind=kind, key="captions.prompts")
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(prompt.template)]
    except ValueError as error:
        raise UserError(f"{path}: {error}; write {{{{ and }}}} for braces") from None
    for field in filter(lambda field: field is not None, fields):
        if field not in PLACEHOLDERS:
            raise UserError(
                f"{path}: unknown placeholder {{{field}}}; {nearest(str(field), PLACEHOLDERS)}"
            )
    return prompt


def fill(prompt: Prompt, request: Request) -> str:
    """Return the text for one request."""
    return prompt.template.format_map(placeholders(request)).strip()


def placeholders(request: Request) -> dict[str, str]:
    """Return a value for every placeholder; 'unknown' or '' where a request has none."""
    values = dict.fromkeys(PLACEHOLDERS, "")
    if request.room is not None:
        room = request.room
        values["room_type"] = room.room_type
        values["size"] = "unknown"
        if room.size_m is not None:
            values["size"] = f"about {metres(room.size_m[0])} by {metres(room.size_m[1])} m"
        values["things"] = (
            listed([found.indefinite for found in mentions(room.things)]) or "nothing"
        )
        values["layout"] = layout(room) or "(none)"
    if request.asset is not None:
        noun = phrase(request.asset.category)
        width, depth, height = (metres(size) for size in request.asset.size_m)
        values["category"] = noun
        values["article_and_category"] = f"{article(noun)} {noun}"
        values["size"] = f"about {width} m wide, {depth} m deep and {height} m high"
    return values


def layout(room: RoomFacts) -> str:
    """List furniture with its place on the plan in centimetres, a line each."""
    if room.bounds_m is None:
        return "\n".join(f"- {thing.noun}" for thing in room.furniture)
    left, _, near, _ = room.bounds_m
    lines = []
    for thing in room.furniture:
        x_cm, y_cm = round(100 * (thing.right_m - left)), round(100 * (thing.ahead_m - near))
        carried = room.children.get(thing.object_id, [])
        on_it = f", with {listed([child.noun for child in carried])}" if carried else ""
        lines.append(f"- {thing.noun} ({x_cm}, {y_cm}){on_it}")
    return "\n".join(lines)
