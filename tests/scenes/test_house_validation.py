"""A house that cannot be used says why; one that can says nothing."""

import json
import math

import pytest

from tests.scenes.houses import house_with, small_house
from workflow_scripts.scenes.house_validation import unusable_reason


def test_a_good_house_has_no_reason():
    assert unusable_reason(small_house()) is None


def test_ids_without_a_type_are_fine():
    assert unusable_reason(house_with("objects.0.children.0.id", "small|2|7")) is None


def test_a_house_without_furniture_doors_and_windows_is_fine():
    house = small_house() | {"objects": [], "doors": [], "windows": []}
    assert unusable_reason(house) is None


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("metadata.schema", "0.9", "'0.9'; only '1.0.0'"),
        ("metadata", None, "metadata.schema is None"),
        ("rooms", [], "at least 1"),
        ("rooms", {"a": 1}, "must be a list, not dict"),
        ("rooms.0", 5, "must be an object, not 5"),
        ("rooms.0.roomType", "Kitchn", "did you mean 'Kitchen'"),
        ("rooms.0.floorPolygon", [{"x": 0, "y": 0, "z": 0}] * 4, "0.00 m2"),
        ("rooms.0.floorPolygon", None, "must be a list of points"),
        ("rooms.0.floorPolygon.1.x", math.nan, "finite"),
        ("rooms.0.id", None, "id None"),
        ("walls.0.roomId", "room|9", "'room|9' is no room"),
        ("walls.0.polygon", [], "0 points; 4"),
        ("walls.1.id", "wall|2|0.00|0.00|0.00|3.00", "occurs twice"),
        ("doors.0.wall0", "wall|2|gone", "'wall|2|gone' is not in the house"),
        ("doors.0.assetId", "Doorway_999", "unknown assetId 'Doorway_999'"),
        ("windows.0.holePolygon.1.x", 0.5, "from its lowest to highest"),
        ("windows.0.room0", "room|5", "'room|5' is not in the house"),
        ("objects.0.assetId", "Sofa_of_mine", "unknown assetId 'Sofa_of_mine'"),
        ("objects.0.assetId", ["Sofa"], "unknown assetId"),
        ("objects.0.position.y", math.nan, "finite"),
        ("objects.0.position.z", math.inf, "finite"),
        ("objects.0.position", None, "finite"),
        ("objects.0.rotation.y", "90", "finite"),
        ("objects.0.children.0.id", "2|0|0", "'2|0|0' occurs twice"),
        ("objects.0.children.0.position.x", math.nan, "small|2|0"),
        ("objects.0.position.x", True, "finite"),
        ("objects.0.children", 0, "must be a list"),
        ("objects.0.children", ["vase"], "'vase' is not an object"),
        ("proceduralParameters", None, "proceduralParameters"),
    ],
)
def test_a_broken_house_says_what_is_wrong(path, value, says):
    reason = unusable_reason(house_with(path, value))
    assert reason is not None
    assert says in reason


@pytest.mark.parametrize("value", [None, [], "house", 7])
def test_something_else_is_no_house(value):
    assert "must be a JSON object" in (unusable_reason(value) or "")


def test_nan_of_a_file_is_found():
    text = json.dumps(house_with("objects.0.position.x", math.nan))
    assert "NaN" in text
    assert "finite" in (unusable_reason(json.loads(text)) or "")


def test_whatever_stands_anywhere_gives_a_reason_or_none_but_never_an_exception():
    house = small_house()

    def paths(value, path=()):
        yield path
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items if isinstance(value, dict | list) else ():
            if isinstance(item, dict | list):
                yield from paths(item, (*path, key))
            else:
                yield (*path, key)

    junk = [None, 7, -1e300, "x", [], {}, [[1]], {"x": 1}, True, math.nan, 10**400]
    for path in paths(house):
        for value in junk if path else ():
            reason = unusable_reason(house_with(".".join(map(str, path)), value))
            assert reason is None or len(reason) > 10
