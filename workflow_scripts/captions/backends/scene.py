"""Captions written from the scene's own metadata: true by construction, free, offline.

The wording varies, chosen by (seed, scene, room, kind) alone, so that the same scene always gets
the same caption.
"""

from functools import cache

import numpy as np

from workflow_scripts.captions.backends import CaptionReply
from workflow_scripts.captions.facts import RoomFacts, VisibleObject
from workflow_scripts.captions.grammar import (
    article,
    as_sentence,
    count_phrase,
    format_metres,
    is_or_are,
    join_list,
    with_colour,
)
from workflow_scripts.captions.group_mentions import (
    ON_WALLS,
    Mention,
    group_mentions,
    is_on_wall,
    preposition,
    relation,
)
from workflow_scripts.captions.requests import AssetFacts, CaptionRequest
from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.seeds import rng
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.sources.readers.procthor_assets import assets_in_category

MAX_FURNITURE = 7
MAX_RELATIONS = 4
MAX_SURFACES = 3
MAX_ON_SURFACE = 4
_MIDDLE_SHARE = 1 / 3
_FURNITURE_M = 0.5
_PURPOSES = {
    "Bed": "sleeping",
    "DiningTable": "eating",
    "Stove": "cooking",
    "StoveBurner": "cooking",
    "Fridge": "preparing food",
    "Television": "watching television",
    "Desk": "working",
    "Sofa": "sitting together",
    "Toilet": "personal care",
    "WashingMachine": "doing the laundry",
}


class SceneCaptioner:
    """Write captions from a request's facts."""

    def __init__(
        self, settings: ServerCaptionSettings, limits: ConnectionSettings, *, seed: int
    ) -> None:
        del settings, limits  # A server's.
        self.seed = seed

    def caption(self, request: CaptionRequest) -> CaptionReply:
        """Write one caption; an asset's is a noun phrase, a room's a few sentences."""
        if request.asset is not None:
            return CaptionReply("ok", asset_caption(request.asset))
        generator = rng(self.seed, request.scene_id, request.room_id, request.kind)
        room = request.room
        if room is None:
            raise ValueError(f"{request.name}: neither a room nor an asset")
        write = room_caption if request.kind == "room" else top_down_caption
        return CaptionReply("ok", write(room, generator))


def room_caption(room: RoomFacts, generator: np.random.Generator) -> str:
    """Describe a room from eye level: what there is, where it lies, what stands on it."""
    standing = [obj for obj in room.furniture if not is_on_wall(obj)]
    on_walls = [obj for obj in room.furniture if is_on_wall(obj)]
    mentioned = group_mentions(standing)
    sentences = [_opening_sentence(room, generator)]
    if mentioned:
        sentences.append(_list_furniture(mentioned, generator))
        sentences += _describe_relations(mentioned, room, generator)
    sentences += _describe_surfaces(mentioned, room, generator)
    if on_walls:
        wall_mentions = group_mentions(on_walls)
        count = sum(mention.count for mention in wall_mentions)
        objects = join_list([mention.indefinite for mention in wall_mentions])
        verb = "hangs" if count == 1 else "hang"
        sentences.append(as_sentence(f"{objects} {verb} on the wall"))
    if room.openings:
        sentences.append(_describe_openings(room, generator))
    return " ".join(sentences)


def _opening_sentence(room: RoomFacts, generator: np.random.Generator) -> str:
    kind = f"{article(room.room_type)} {room.room_type}"
    size = ""
    if room.size_m is not None:
        size = f"about {format_metres(max(room.size_m))} by {format_metres(min(room.size_m))} m"
    starts = (f"this is {kind}", f"the picture shows {kind}", f"we look into {kind}")
    ends = (f" of {size}", f", {size} in size") if size else ("",)
    return as_sentence(_choose_wording(starts, generator) + _choose_wording(ends, generator))


def _list_furniture(mentioned: list[Mention], generator: np.random.Generator) -> str:
    shown = mentioned[:MAX_FURNITURE]
    objects = join_list([mention.indefinite for mention in shown])
    verb = is_or_are(shown[0].count)
    starts = (f"there {verb} {objects}", f"it has {objects}", f"in it we see {objects}")
    return as_sentence(_choose_wording(starts, generator))


def _describe_relations(
    mentioned: list[Mention],
    room: RoomFacts,
    generator: np.random.Generator,
    *,
    is_from_above: bool = False,
) -> list[str]:
    """Describe where objects are, relative to the largest single object or one already placed."""
    single = [mention for mention in mentioned if mention.count == 1]
    if not single:
        return []
    anchors = [single[0]]
    written: list[str] = []
    for subject in mentioned:
        if subject is anchors[0] or len(written) == MAX_RELATIONS:
            continue
        for anchor in reversed(anchors):
            where = relation(subject, anchor, room, is_from_above=is_from_above)
            if where:
                break
        else:
            continue
        where = f"around {anchor.definite}" if where == "around" else where
        verb = _choose_wording(
            ("stands", is_or_are(1)) if subject.count == 1 else ("stand", is_or_are(2)), generator
        )
        swap = "next to" not in where and generator.random() < 0.4
        words = (
            f"{where} {verb} {subject.definite}" if swap else f"{subject.definite} {verb} {where}"
        )
        written.append(as_sentence(words))
        if subject.count == 1:
            anchors.append(subject)
    return written


def _describe_surfaces(
    mentioned: list[Mention], room: RoomFacts, generator: np.random.Generator
) -> list[str]:
    """Describe what stands on the furniture with most pixels."""
    written: list[str] = []
    for mention in mentioned:
        name = mention.definite if mention.count == 1 else f"one of {mention.definite}"
        for parent in mention.objects:
            children = room.children.get(parent.object_id, [])
            if not children or len(written) == MAX_SURFACES:
                continue
            where = preposition(children[0], parent)
            same_place = [child for child in children if preposition(child, parent) == where]
            supported = group_mentions(same_place)[:MAX_ON_SURFACE]
            objects = join_list([child.indefinite for child in supported])
            verb = is_or_are(sum(child.count for child in supported))
            forms = (f"{where} {name} {verb} {objects}", f"{objects} {verb} {where} {name}")
            written.append(as_sentence(_choose_wording(forms, generator)))
            name = f"{'the other' if mention.count == 2 else 'another'} {parent.noun}"
    return written


def _describe_openings(room: RoomFacts, generator: np.random.Generator) -> str:
    counts: dict[str, int] = {}
    for opening in room.openings:
        noun = "window" if opening.category == "window" else "doorway"
        counts[noun] = counts.get(noun, 0) + 1
    objects = join_list([count_phrase(count, noun) for noun, count in sorted(counts.items())])
    total, first = sum(counts.values()), counts[min(counts)]
    forms = (
        f"{objects} {is_or_are(total)} in view",
        f"we also see {objects}",
        f"there {is_or_are(first)} {objects}",
    )
    return as_sentence(_choose_wording(forms, generator))


def top_down_caption(room: RoomFacts, generator: np.random.Generator) -> str:
    """Describe a room from above: what lies in which part of the picture, and what it is for."""
    kind = room.room_type
    sentences = [
        as_sentence(
            _choose_wording(
                (
                    f"seen from above, this is {article(kind)} {kind}",
                    f"{article(kind)} {kind} seen from above",
                ),
                generator,
            )
            + (
                f", about {format_metres(max(room.size_m))} by {format_metres(min(room.size_m))} m"
                if room.size_m
                else ""
            )
        )
    ]
    regions: dict[str, list[VisibleObject]] = {}
    standing = [obj for obj in room.furniture if not is_on_wall(obj)]
    for obj in standing:
        regions.setdefault(region(obj, room), []).append(obj)
    for where, objects in regions.items():
        mentioned = group_mentions(objects)[:MAX_FURNITURE]
        words = [mention.indefinite + _contents_phrase(mention, room) for mention in mentioned]
        verb = is_or_are(mentioned[0].count if len(mentioned) == 1 else 2)
        forms = (f"{where} {verb} {join_list(words)}", f"{join_list(words)} {verb} {where}")
        sentences.append(as_sentence(_choose_wording(forms, generator)))
    sentences += _describe_relations(group_mentions(standing), room, generator, is_from_above=True)[
        :2
    ]
    purposes = dict.fromkeys(
        _PURPOSES[obj.category] for obj in room.objects if obj.category in _PURPOSES
    )
    if purposes:
        sentences.append(as_sentence(f"it is a place for {join_list(list(purposes)[:3])}"))
    return " ".join(sentences)


def region(obj: VisibleObject, room: RoomFacts) -> str:
    """Return in which part of the picture from above an object lies."""
    if room.bounds_m is None:
        return "in the room"
    left, right, near, far = room.bounds_m
    across = (2 * obj.right_m - left - right) / max(right - left, 1e-6)
    along = (2 * obj.ahead_m - near - far) / max(far - near, 1e-6)
    side = "" if abs(across) < _MIDDLE_SHARE else ("right" if across > 0 else "left")
    end = "" if abs(along) < _MIDDLE_SHARE else ("upper" if along > 0 else "lower")
    if side and end:
        return f"in the {end} {side} corner"
    if side:
        return f"on the {side} side"
    return {"upper": "at the top", "lower": "at the bottom", "": "in the middle"}[end]


def _contents_phrase(mention: Mention, room: RoomFacts) -> str:
    """Return " with a vase on it" for a single object that supports others."""
    children = room.children.get(mention.obj.object_id, [])
    if mention.count != 1 or not children:
        return ""
    where = preposition(children[0], mention.obj)
    same_place = [child for child in children if preposition(child, mention.obj) == where]
    objects = join_list([child.indefinite for child in group_mentions(same_place)[:2]])
    return f" with {objects} {where} it"


def asset_caption(asset: AssetFacts) -> str:
    """Return a noun phrase: how big for its kind, which colour, what it is."""
    words = f"{size_word(asset)} {with_colour(phrase(asset.category), asset.colour)}".strip()
    return f"{article(words)} {words}"


def size_word(asset: AssetFacts) -> str:
    """Return "tall", "small" and so on where an asset stands out among those of its kind.

    It stands out in a measure if it is beyond nine tenths of its kind there and a fifth away
    from the median. Only furniture is called tall, low, wide or narrow; a pen or a painting is
    just large or small.
    """
    limits = _size_limits(asset.category)
    if limits is None:
        return ""
    low, median, high = limits
    size_m = np.array([max(asset.size_m[:2]), asset.size_m[2], float(np.prod(asset.size_m))])
    big = (size_m >= high) & (size_m > 1.2 * median)
    small = (size_m <= low) & (size_m < 0.8 * median)
    is_furniture = max(median[:2]) >= _FURNITURE_M and asset.category not in ON_WALLS
    if is_furniture and not (big[:2].all() or small[:2].all()):
        named = (("tall", big[1]), ("low", small[1]), ("wide", big[0]), ("narrow", small[0]))
        return next((word for word, stands_out in named if stands_out), "")
    if big[:2].all() or big[2]:
        return "large"
    return "small" if small[:2].all() or small[2] else ""


@cache
def _size_limits(category: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the 10th, 50th and 90th percentile of width, height, volume; None below 5 assets."""
    sizes = np.array([asset.size_m for asset in assets_in_category(category)])
    if len(sizes) < 5:
        return None
    kinds = np.stack([sizes[:, :2].max(axis=1), sizes[:, 2], sizes.prod(axis=1)], axis=1)
    low, median, high = np.percentile(kinds, [10, 50, 90], axis=0)
    return low, median, high


def _choose_wording(forms: tuple[str, ...], generator: np.random.Generator) -> str:
    return forms[int(generator.integers(len(forms)))]
