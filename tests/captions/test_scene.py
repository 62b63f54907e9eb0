"""The scene backend: what it says is so, and said in proper English."""

import re
from pathlib import Path

import numpy as np
import pytest

from testing.box_scenes import Box, room
from tests.captions.rooms import WIDTH_M, dining_room, mirrored, shard_of
from workflow_scripts.captions.backends.scene import (
    SceneCaptioner,
    asset_caption,
    region,
    size_word,
)
from workflow_scripts.captions.facts import RoomFacts
from workflow_scripts.captions.group_mentions import group_mentions, preposition, relation
from workflow_scripts.captions.requests import (
    AssetFacts,
    CaptionRequest,
    room_requests,
    select_views,
)
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.sources.readers.procthor_assets import assets_in_category

PARENTS = {"Vase": "DiningTable", "Book": "DiningTable"}


def scene_captioner(seed: int) -> SceneCaptioner:
    return SceneCaptioner(ServerCaptionSettings(), ConnectionSettings(), seed=seed)


def requests_of(tmp_path: Path, boxes: list[Box]) -> dict[str, CaptionRequest]:
    """Return the requests of a room by kind."""
    shard = ViewShard.open(shard_of(tmp_path / "0000.zarr", {"house": boxes}, parents=PARENTS))
    chosen = select_views(shard.views, ("room", "top_down"))
    return {request.kind: request for request in room_requests(shard, chosen)}


def facts_of(tmp_path: Path, boxes: list[Box]) -> RoomFacts:
    found = requests_of(tmp_path, boxes)["room"].room
    assert found is not None
    return found


def captions(tmp_path: Path, boxes: list[Box], *, seed: int = 7) -> dict[str, str]:
    writer = scene_captioner(seed)
    return {
        kind: writer.caption(request).text for kind, request in requests_of(tmp_path, boxes).items()
    }


def relations(facts: RoomFacts) -> dict[tuple[str, str], str]:
    """Return every relation between two single things."""
    found = [mention for mention in group_mentions(facts.objects) if mention.count == 1]
    return {
        (one.obj.category, other.obj.category): relation(one, other, facts)
        for one in found
        for other in found
        if one is not other
    }


def test_facts_of_a_room_are_those_it_was_built_with(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, dining_room())
    objects = {obj.category: obj for obj in facts.objects}

    assert facts.room_type == "living room"
    assert facts.size_m == (5.0, 4.0)
    assert set(objects) == {"Sofa", "DiningTable", "Vase", "Painting"}
    assert [opening.category for opening in facts.openings] == ["window"]
    assert {obj.category: obj.colour for obj in facts.objects} == {
        "Sofa": "red",
        "DiningTable": "brown",
        "Vase": "blue",
        "Painting": "green",
    }
    assert objects["Sofa"].right_m == pytest.approx(1.0 - WIDTH_M / 2)
    assert objects["Sofa"].ahead_m == pytest.approx(2.9)
    assert [obj.category for obj in facts.children[objects["DiningTable"].object_id]] == ["Vase"]
    # Footprints: the sofa ends at x = 1.8, the table begins at 3.1.
    assert objects["Sofa"].gap_m(objects["DiningTable"]) == pytest.approx(1.3)


def test_left_and_right_are_as_seen_and_mirrored_with_the_scene(tmp_path: Path) -> None:
    straight = relations(facts_of(tmp_path / "a", dining_room()))
    mirror = relations(facts_of(tmp_path / "b", mirrored(dining_room())))

    assert straight["Sofa", "DiningTable"] == "to the left of the dining table"
    assert straight["DiningTable", "Sofa"] == "to the right of the sofa"
    assert mirror["Sofa", "DiningTable"] == "to the right of the dining table"
    assert mirror["DiningTable", "Sofa"] == "to the left of the sofa"


@pytest.mark.parametrize("seed", range(6))
def test_captions_of_a_mirrored_room_differ_in_left_and_right_alone(
    tmp_path: Path, seed: int
) -> None:
    straight = captions(tmp_path / "a", dining_room(), seed=seed)
    mirror = captions(tmp_path / "b", mirrored(dining_room()), seed=seed)
    other = {"left": "right", "right": "left"}

    for kind in ("room", "top_down"):
        assert re.search(r"\b(left|right)\b", straight[kind])
        swapped = re.sub(r"\b(left|right)\b", lambda found: other[found[0]], straight[kind])
        assert swapped == mirror[kind]


def test_in_front_and_behind_need_the_line_of_sight_and_clear_boxes(tmp_path: Path) -> None:
    boxes = [
        *room(),
        Box("Ottoman", (2.5, 1.6, 0.2), (0.6, 0.6, 0.4), 0.0, (170, 40, 40)),
        Box("Dresser", (2.5, 3.6, 0.6), (1.4, 0.5, 1.2), 0.0, (140, 90, 40)),
    ]
    found = relations(facts_of(tmp_path, boxes))

    assert found["Ottoman", "Dresser"] == "in front of the dresser"
    assert found["Dresser", "Ottoman"] == "behind the ottoman"


def test_things_on_things_are_counted_with_right_plurals(tmp_path: Path) -> None:
    book = {"size_m": (0.25, 0.2, 0.12), "colour": (30, 30, 34)}
    boxes = [
        *dining_room(),
        Box("Book", (3.3, 2.75, 0.81), **book),
        Box("Book", (4.1, 2.75, 0.81), **book),
    ]
    for seed in range(8):
        text = captions(tmp_path / str(seed), boxes, seed=seed)["room"]
        assert re.search(
            r"On the dining table are (a blue vase and two black books|two black books and a blue "
            r"vase)\.|(A blue vase and two black books|Two black books and a blue vase) are on the "
            r"dining table\.",
            text,
        ), text


def test_chairs_on_several_sides_stand_around_a_table(tmp_path: Path) -> None:
    table = Box("DiningTable", (2.5, 2.4, 0.3), (1.4, 1.0, 0.6), 0.0, (140, 90, 40))
    chairs = [
        Box("Chair", (2.5 + dx, 2.4 + dy, 0.45), (0.4, 0.4, 0.9), 0.0, (40, 60, 190))
        for dx, dy in ((-1.0, 0.0), (1.0, 0.0), (0.5, 0.9))
    ]
    facts = facts_of(tmp_path / "facts", [*room(), table, *chairs])
    found = {mention.obj.category: mention for mention in group_mentions(facts.objects)}
    text = captions(tmp_path / "text", [*room(), table, *chairs])["room"]

    assert relation(found["Chair"], found["DiningTable"], facts) == "around"
    assert "three blue chairs" in text
    assert re.search(
        r"The three chairs (stand|are) around the dining table\."
        r"|Around the dining table (stand|are) the three chairs\.",
        text,
    )


def test_two_of_a_kind_are_told_apart_by_colour_or_not_at_all(tmp_path: Path) -> None:
    def with_chairs(second: tuple[int, int, int]) -> list[Box]:
        return [
            *room(),
            Box("Chair", (1.2, 2.6, 0.45), (0.6, 0.6, 0.9), 0.0, (170, 40, 40)),
            Box("Chair", (3.8, 2.6, 0.45), (0.6, 0.6, 0.9), 0.0, second),
        ]

    mentions = group_mentions(facts_of(tmp_path / "a", with_chairs((40, 60, 190))).objects)
    same = group_mentions(facts_of(tmp_path / "b", with_chairs((170, 40, 40))).objects)

    assert sorted(mention.definite for mention in mentions) == ["the blue chair", "the red chair"]
    assert [mention.definite for mention in same] == ["the two chairs"]
    assert [mention.indefinite for mention in same] == ["two red chairs"]


def test_hung_things_openings_and_regions_of_the_plan_are_named(tmp_path: Path) -> None:
    found = requests_of(tmp_path, dining_room())
    writer = scene_captioner(7)
    above = found["top_down"].room
    assert above is not None
    regions = {obj.category: region(obj, above) for obj in above.objects}

    text = writer.caption(found["room"]).text
    assert "A green painting hangs on the wall." in text
    assert "window" in text
    assert regions["Sofa"] == "in the upper left corner"
    assert regions["DiningTable"] == "in the upper right corner"


def test_captions_vary_between_scenes_but_not_between_runs(tmp_path: Path) -> None:
    scenes = {f"house-{number}": dining_room() for number in range(8)}
    shard = ViewShard.open(shard_of(tmp_path / "0000.zarr", scenes, parents=PARENTS))
    chosen = select_views(shard.views, ("room",))
    texts = [
        [scene_captioner(7).caption(request).text for request in room_requests(shard, chosen)]
        for _ in range(2)
    ]

    assert texts[0] == texts[1]
    assert len(set(texts[0])) >= 4


def test_an_empty_room_without_a_floor_is_still_described() -> None:
    empty = RoomFacts("attic", 100, None, None)
    reply = scene_captioner(7).caption(
        CaptionRequest("room", "procthor", "house", "train", image=None, room=empty)
    )

    assert re.fullmatch(r"(This is|The picture shows|We look into) an attic\.", reply.text)


def test_what_is_deep_in_a_container_is_in_it(tmp_path: Path) -> None:
    objects = {
        obj.category: obj
        for obj in facts_of(
            tmp_path,
            [
                *room(),
                Box("GarbageCan", (2.0, 2.0, 0.3), (0.5, 0.5, 0.6), 0.0, (80, 80, 80)),
                Box("Apple", (3.0, 2.0, 0.5), (0.3, 0.3, 0.3), 0.0, (170, 40, 40)),
                Box("Vase", (4.0, 2.0, 0.75), (0.3, 0.3, 0.3), 0.0, (170, 40, 40)),
            ],
        ).objects
    }

    assert preposition(objects["Apple"], objects["GarbageCan"]) == "in"
    assert preposition(objects["Vase"], objects["GarbageCan"]) == "on"


def test_asset_captions_are_noun_phrases_with_size_colour_and_article() -> None:
    # No floor lamp of the asset tables is near 3 m high.
    tall = AssetFacts("FloorLamp_x", "FloorLamp", (0.4, 0.4, 3.0), "orange")
    plain = AssetFacts("x", "UnknownThing", (1.0, 1.0, 1.0), "")
    orange = AssetFacts("y", "UnknownThing", (1.0, 1.0, 1.0), "orange")

    assert asset_caption(tall) == "a tall orange floor lamp"
    assert asset_caption(plain) == "an unknown thing"
    assert asset_caption(orange) == "an orange unknown thing"


def test_size_words_compare_with_assets_of_the_same_kind() -> None:
    assert size_word(AssetFacts("s", "Sofa", (6.0, 1.0, 0.8))) == "wide"
    assert size_word(AssetFacts("s", "Sofa", (6.0, 3.0, 3.0))) == "large"
    assert size_word(AssetFacts("s", "Sofa", (0.5, 0.5, 0.2))) == "small"
    assert size_word(AssetFacts("s", "Sofa", tuple(np.median(_sofas(), axis=0)))) == ""


def _sofas() -> np.ndarray:
    return np.array([asset.size_m for asset in assets_in_category("Sofa")])
