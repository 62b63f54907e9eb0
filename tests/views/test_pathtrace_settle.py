"""Objects that a house file places in the air, or too low, stand on the drawn surface."""

import numpy as np
import pytest

from tests.views.houses import living_room
from workflow_scripts.sources.readers.procthor_assets import (
    Asset,
    assets_in_category,
    support_surfaces,
)
from workflow_scripts.views.furniture import build
from workflow_scripts.views.pathtrace.scene import build_scene
from workflow_scripts.views.pathtrace.settle import settle_children

BEDS = assets_in_category("Bed")


def mesh_at(category: str, x: float, y: float, bottom_m: float, index: int = 0):
    asset = assets_in_category(category)[index]
    pose = np.eye(4)
    pose[:3, 3] = x, y, bottom_m + asset.height_m / 2
    return build(category, asset.size_m, asset.asset_id).transformed(pose)


def surface_m(category: str, index: int = 0, number: int = 0) -> tuple[float, float, float]:
    """Return the middle of a surface: x, y and height."""
    asset = assets_in_category(category)[index]
    surface = support_surfaces(asset)[number]
    return (
        (surface.x0 + surface.x1) / 2 * asset.width_m,
        (surface.y0 + surface.y1) / 2 * asset.depth_m,
        surface.height * asset.height_m,
    )


def above_surface_m(asset: Asset) -> float:
    """Return how far an asset reaches above its first surface."""
    return asset.height_m * (1 - support_surfaces(asset)[0].height)


def placed(parent: str, child: str, off_m: float, number: int = 0):
    x, y, height = surface_m(parent, number=number)
    meshes = {"p": mesh_at(parent, 0, 0, 0), "c": mesh_at(child, x, y, height + off_m)}
    return settle_children({"p": ["c"], "c": []}, meshes)["c"]


@pytest.mark.parametrize("off_m", [0.0, 0.04, 0.15, -0.05])
@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("DiningTable", "Vase"),
        ("Bed", "Pillow"),
        ("Sofa", "RemoteControl"),
        ("ArmChair", "Book"),
        ("Chair", "Newspaper"),
        ("CounterTop", "Toaster"),
        ("Desk", "Laptop"),
    ],
)
def test_an_object_stands_on_the_drawn_surface(parent, child, off_m):
    placement = placed(parent, child, off_m)
    assert placement.contact == "carried"
    assert placement.moved_z_m == pytest.approx(-off_m, abs=0.012)
    assert placement.support_z_m == pytest.approx(surface_m(parent)[2], abs=0.012)


@pytest.mark.parametrize("off_m", [0.0, 0.03, -0.03])
def test_a_book_stands_on_the_nearest_board_with_room_for_it(off_m):
    placement = placed("ShelvingUnit", "Book", off_m, number=1)
    assert placement.contact == "carried"
    assert placement.moved_z_m == pytest.approx(-off_m, abs=0.012)


def test_what_no_surface_carries_stays_and_is_unclear():
    meshes = {"p": mesh_at("DiningTable", 0, 0, 0), "c": mesh_at("Vase", 4, 0, 0.9)}
    placement = settle_children({"p": ["c"], "c": []}, meshes)["c"]
    assert (placement.moved_z_m, placement.contact) == (0.0, "unclear")
    # Two metres above the table is another mistake than the height of a surface.
    meshes["c"] = mesh_at("Vase", 0, 0, 2.9)
    assert settle_children({"p": ["c"], "c": []}, meshes)["c"].contact == "unclear"


def test_what_stands_on_the_floor_beside_its_parent_has_no_contact_with_it():
    meshes = {"p": mesh_at("DiningTable", 0, 0, 0), "c": mesh_at("Chair", 0, 1.2, 0)}
    placement = settle_children({"p": ["c"], "c": []}, meshes)["c"]
    assert (placement.moved_z_m, placement.contact) == (0.0, "")


def test_what_lies_in_a_closed_drawer_stays_and_is_unclear():
    x, y, height = surface_m("Dresser")
    for below_m in (0.15, 0.3, 0.45):
        phone = mesh_at("CellPhone", x, y, height - below_m)
        meshes = {"p": mesh_at("Dresser", 0, 0, 0), "c": phone}
        placement = settle_children({"p": ["c"], "c": []}, meshes)["c"]
        if placement.contact == "carried":
            # Near enough to the top to have been meant for it.
            assert placement.moved_z_m == pytest.approx(below_m, abs=0.012)
        else:
            assert (placement.moved_z_m, placement.contact) == (0.0, "unclear")


def test_children_move_with_their_parents():
    x, y, height = surface_m("DiningTable")
    plate = assets_in_category("Plate")[0]
    meshes = {
        "table": mesh_at("DiningTable", 0, 0, 0),
        "plate": mesh_at("Plate", x, y, height + 0.1),
        "apple": mesh_at("Apple", x, y, height + 0.1 + plate.height_m * 0.3),
    }
    tree = {"table": ["plate"], "plate": ["apple"], "apple": []}
    placements = settle_children(tree, meshes)
    assert placements["plate"].moved_z_m == pytest.approx(-0.1, abs=0.012)
    assert placements["apple"].moved_z_m == pytest.approx(-0.1, abs=0.03)


def test_two_objects_never_share_a_place():
    """Boards of the simulator may fall onto the same drawn board: only one object goes there."""
    x, y, height = surface_m("DiningTable")
    meshes = {
        "p": mesh_at("DiningTable", 0, 0, 0),
        "low": mesh_at("Book", x, y, height + 0.02),
        "high": mesh_at("Book", x, y, height + 0.3),
    }
    placements = settle_children({"p": ["low", "high"], "low": [], "high": []}, meshes)
    assert placements["low"].contact == "carried"
    assert placements["high"].contact == "unclear"


def test_what_is_stacked_in_the_house_file_stays_stacked():
    x, y, height = surface_m("DiningTable")
    plate = assets_in_category("Plate")[0]
    meshes = {
        "p": mesh_at("DiningTable", 0, 0, 0),
        "plate": mesh_at("Plate", x, y, height + 0.02),
        "mug": mesh_at("Mug", x, y, height + 0.02 + plate.height_m + 0.03),
    }
    placements = settle_children({"p": ["plate", "mug"], "plate": [], "mug": []}, meshes)
    assert placements["plate"].contact == "carried"
    assert placements["mug"].contact == "unclear"
    assert placements["mug"].support_z_m == 0.0
    mug_m, plate_m = (
        np.array(meshes[name].bounds_m)[:, 2] + placements[name].moved_z_m
        for name in ("mug", "plate")
    )
    assert height < mug_m[0] <= plate_m[1] + 1e-6


def test_what_leans_on_another_in_the_house_file_moves_with_it():
    x, y, height = surface_m("Bed")
    meshes = {
        "p": mesh_at("Bed", 0, 0, 0),
        "box": mesh_at("Box", x, y, height + 0.18),
        "pillow": mesh_at("Pillow", x + 0.1, y, height + 0.18),
    }
    placements = settle_children({"p": ["box", "pillow"], "box": [], "pillow": []}, meshes)
    for name in ("box", "pillow"):
        assert placements[name].contact == "carried"
        assert placements[name].moved_z_m == pytest.approx(-0.18, abs=0.012)


def test_a_pillow_at_the_height_of_the_headboard_lies_on_the_mattress():
    """The simulator's bed is another one: its mattress may be where ours has its headboard."""
    index = max(range(len(BEDS)), key=lambda place: above_surface_m(BEDS[place]))
    x, y, height = surface_m("Bed", index)
    up_m = above_surface_m(BEDS[index])
    assert up_m > 0.6
    meshes = {"p": mesh_at("Bed", 0, 0, 0, index), "c": mesh_at("Pillow", x, y, height + up_m)}
    placement = settle_children({"p": ["c"], "c": []}, meshes)["c"]
    assert placement.contact == "carried"
    assert placement.moved_z_m == pytest.approx(-up_m, abs=0.02)


def test_rows_say_where_objects_are_drawn():
    """The box, the mask and the record agree: a vase 20 cm above its table stands on it."""
    house = living_room()
    before = build_scene(house, "s", build)
    vase = next(entry for entry in house["objects"] if entry.get("children"))["children"][0]
    vase["position"]["y"] += 0.2
    after = build_scene(house, "s", build)
    (was,) = [row for row in before.objects if row.object_id == vase["id"]]
    (now,) = [row for row in after.objects if row.object_id == vase["id"]]
    assert now.contact == was.contact == "carried"
    assert now.z_m == pytest.approx(was.z_m, abs=1e-5)
    assert now.moved_z_m == pytest.approx(was.moved_z_m - 0.2, abs=1e-5)
    mesh = after.triangle_mesh
    drawn = mesh.triangles[mesh.instance == now.instance]
    assert drawn[..., 2].min() == pytest.approx(now.support_z_m, abs=0.012)
    assert drawn[..., 2].max() == pytest.approx(now.z_m + now.height_m / 2, abs=1e-3)
