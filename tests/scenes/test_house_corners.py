"""Repeated corners change nothing: not the house, not its split, not its views."""

from pathlib import Path

import pytest

from tests.scenes.houses import small_house
from workflow_scripts.scenes.house_reader import HouseEntry, read_houses
from workflow_scripts.scenes.house_validation import unusable_reason
from workflow_scripts.scenes.sample_houses import scene_of
from workflow_scripts.sources.readers import procthor_house
from workflow_scripts.sources.readers.house_corners import without_repeated_corners
from workflow_scripts.sources.readers.house_files import count_houses
from workflow_scripts.views.policies import corners

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
CASES = Path(__file__).parents[2] / "../shared/data/cases/houses"


def repeat(points, kind):
    if kind == "closed ring":
        return [*points, points[0]]
    if kind == "one corner":
        return [*points[:2], points[1], *points[2:]]
    if kind == "each three times and closed":
        return [point for point in points for _ in range(3)] + [points[0]]
    nearly = [{**point, "x": point["x"] + 2e-4} for point in points]
    return [point for pair in zip(points, nearly, strict=True) for point in pair]


@pytest.mark.parametrize(
    "kind", ["closed ring", "one corner", "each three times and closed", "each nearly twice"]
)
def test_repeated_corners_give_the_same_house(kind):
    house = small_house()
    for room in house["rooms"]:
        room["floorPolygon"] = repeat(room["floorPolygon"], kind)
    for wall in house["walls"]:
        wall["polygon"] = repeat(wall["polygon"], kind)
    entry, plain = (HouseEntry(0, "", content) for content in (house, small_house()))
    scene, expected = (scene_of(item, source="procthor", shares=SHARES) for item in (entry, plain))
    assert scene == expected
    (room,) = procthor_house.rooms(scene.house)
    assert len(corners(room)) == 4


def test_a_house_without_repeats_is_unchanged():
    assert without_repeated_corners(small_house()) == small_house()


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        {},
        {"rooms": None},
        {"rooms": [7]},
        {"rooms": [{"floorPolygon": 7}]},
        {"walls": [{"polygon": [7, 7, 7, 7, 7]}]},
        {"rooms": [{"floorPolygon": [{"x": []}] * 4}]},
    ],
)
def test_what_is_no_polygon_stays_for_the_check_to_refuse(value):
    assert without_repeated_corners(value) == value
    assert unusable_reason(value)


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the cases of ../shared/data")
def test_every_house_of_the_cases_is_used():
    for path in sorted(CASES.iterdir()):
        entries = list(read_houses(str(path), start=0, stop=count_houses(path)))
        for entry in entries:
            scene = scene_of(entry, source="procthor", shares=SHARES)
            assert scene.skipped is None, (path.name, scene.skipped)
            assert all(len(corners(room)) >= 4 for room in procthor_house.rooms(scene.house))
