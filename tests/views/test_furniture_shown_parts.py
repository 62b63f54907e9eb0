"""What is drawn is labeled: no builder shows what a person would call by another category's name.

The list of parts is compared with the words of all other categories, and the meshes with what the
list does not name: things that lie on a seat, a mattress or a shelf, and a spout over a sink.
"""

import re

import numpy as np
import pytest
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from workflow_scripts.common.label_text import is_confusable, phrase, plural
from workflow_scripts.sources.readers.procthor_assets import (
    SUPPORT_SURFACES,
    assets_in_category,
    support_surfaces,
)
from workflow_scripts.views.furniture import build, sweethome
from workflow_scripts.views.furniture.catalogue import BUILDERS
from workflow_scripts.views.furniture.picture_textures import canvas
from workflow_scripts.views.furniture.shown_parts import SHOWN_PARTS
from workflow_scripts.views.meshes import Mesh

# What people also call the categories.
SYNONYMS = {
    "AlarmClock": ("clock",),
    "BasketBall": ("ball",),
    "Blinds": ("blind",),
    "Bread": ("toast", "bun"),
    "CellPhone": ("phone", "telephone"),
    "Cup": ("glass", "beaker"),
    "Desktop": ("computer",),
    "Doorway": ("door",),
    "Dresser": ("chest", "drawers"),
    "Faucet": ("tap",),
    "FloorLamp": ("lamp", "light"),
    "Fridge": ("refrigerator",),
    "GarbageBag": ("bag", "liner"),
    "GarbageCan": ("bin", "trash"),
    "HousePlant": ("plant", "flower", "branch"),
    "Painting": ("picture",),
    "Pillow": ("cushion", "bolster"),
    "Pot": ("jug", "carafe"),
    "ShowerHead": ("shower",),
    "Sofa": ("couch", "settee"),
    "Television": ("tv",),
    "Towel": ("towel",),
    "Vase": ("urn",),
}
# Heads that name a category only with the word before them ("TV stand").
GENERIC_HEADS = frozenset(["control", "decoration", "hanger", "holder", "machine", "stand", "unit"])
ALLOWED = {
    ("Fridge", "appliance doors"): "the category is asked about as a doorway, a way through a wall",
    ("HousePlant", "pot"): "a plant is never drawn or seen without it",
    ("Microwave", "appliance door"): "as the fridge's",
    ("Safe", "appliance door"): "as the fridge's",
    ("Toilet", "bowl"): "the toilet itself: 'the bowl' of a bathroom is not asked about",
}


def words_of(category: str) -> set[str]:
    """Return the words that name a category, in both numbers: "lamp", "lamps"."""
    noun = phrase(category).lower().rpartition(" of ")[2]
    head = noun.rpartition(" ")[2]
    names = {noun, *SYNONYMS.get(category, ())} | ({head} - GENERIC_HEADS)
    return names | {plural(name) for name in names}


def named_in(part: str, names: set[str]) -> set[str]:
    return {name for name in names if re.search(rf"\b{re.escape(name)}\b", part)}


def conflicts(category: str, parts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the parts of a category that bear another category's name."""
    return [
        (part, other)
        for part in parts
        for other in sorted(BUILDERS)
        if not is_confusable(category, other)
        and named_in(part, words_of(other) - words_of(category))
        and (category, part) not in ALLOWED
    ]


def test_every_builder_lists_what_it_shows():
    assert sorted(SHOWN_PARTS) == sorted(BUILDERS)
    assert all(parts and len(parts) == len(set(parts)) for parts in SHOWN_PARTS.values())


@pytest.mark.parametrize("category", sorted(SHOWN_PARTS))
def test_no_part_bears_the_name_of_another_category(category):
    assert conflicts(category, SHOWN_PARTS[category]) == []


@pytest.mark.parametrize(
    ("category", "part"),
    [
        ("Sofa", "loose pillows"),
        ("Bed", "cushion"),
        ("Sink", "faucet"),
        ("Sink", "tap"),
        ("Toaster", "slices of toast"),
        ("Safe", "garbage bag liner"),
        ("TableTopDecor", "bowl"),
        ("Desk", "books"),
        ("Dresser", "lamp"),
        ("CoffeeMachine", "mug"),
    ],
)
def test_what_another_category_names_is_found(category, part):
    assert conflicts(category, (part,))


def test_the_allow_list_holds_no_more_than_it_needs():
    for category, part in ALLOWED:
        assert part in SHOWN_PARTS[category]
        assert any(named_in(part, words_of(other)) for other in BUILDERS if other != category)


def heights_m(mesh: Mesh, x: np.ndarray, y: np.ndarray, start_m: float) -> np.ndarray:
    """Return the height [x, y] of what is seen from `start_m` straight down, in the box's frame."""
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, mesh.vertices_m[mesh.faces].astype(np.float32))
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    origins = np.column_stack([grid, np.full(len(grid), start_m)]).astype(np.float32)
    down = np.repeat([[0, 0, -1]], len(grid), axis=0).astype(np.float32)
    hit = scene.run(origins, down, query="INTERSECT", output=True)
    seen = np.where(hit["primID"] >= 0, start_m - hit["tfar"], -1e3)
    return seen.reshape(len(x), len(y))


@pytest.mark.parametrize("category", sorted(SUPPORT_SURFACES))
def test_nothing_is_drawn_on_what_carries_objects(category):
    """Seats, mattresses, boards and tops are empty: what lies on them is an object of its own."""
    # The round wall of a dog's bed cuts the corners of its mattress.
    edge = 0.22 if category == "DogBed" else 0.06
    share = np.linspace(edge, 1 - edge, 23)
    for asset in assets_in_category(category):
        mesh = build(category, asset.size_m, asset.asset_id)
        for surface in support_surfaces(asset):
            x = (surface.x0 + share * (surface.x1 - surface.x0)) * asset.width_m
            y = (surface.y0 + share * (surface.y1 - surface.y0)) * asset.depth_m
            level = (surface.height - 0.5) * asset.height_m
            above = 0.25 if surface.clearance is None else 0.9 * surface.clearance * asset.height_m
            occupied = heights_m(mesh, x, y, level + above) > level + 0.02
            # A back may lean over the rear of its seat, never over more than its last fifth.
            assert not occupied[:, len(y) // 5 :].any(), (asset.asset_id, surface)


@pytest.mark.parametrize("category", ["ArmChair", "Sofa"])
def test_no_pillow_leans_on_a_back(category):
    """Seen from above, seat and back are the same from the left to the right."""
    side = 0.25 if category == "ArmChair" else 0.36
    x_share, y_share = np.linspace(-side, side, 45), np.linspace(-0.45, 0.45, 31)
    for asset in assets_in_category(category):
        mesh = build(category, asset.size_m, asset.asset_id)
        height = heights_m(mesh, x_share * asset.width_m, y_share * asset.depth_m, asset.height_m)
        differs = np.abs(height - np.median(height, axis=0)) > 0.02
        # Only the gaps between seats differ.
        assert differs.mean(axis=0).max() <= 0.15, (asset.asset_id, differs.mean(axis=0).max())


def test_a_sink_ends_at_its_rim():
    """The highest part of a sink is as wide and deep as the sink: no spout stands on it."""
    for asset in assets_in_category("Sink"):
        mesh = build("Sink", asset.size_m, asset.asset_id)
        top = mesh.vertices_m[mesh.vertices_m[:, 2] > (0.5 - 0.04) * asset.height_m]
        extent = np.ptp(top, axis=0)[:2] / asset.size_m[:2]
        assert extent.min() > 0.9, (asset.asset_id, extent)


def test_paintings_show_no_object_of_a_room():
    """Only landscapes and abstract ones: a painted vase would be counted."""
    pictures = {canvas(np.random.default_rng(seed), 0.8).shape for seed in range(60)}
    assert pictures <= {(192, 256, 3), (224, 224, 3)}


def test_models_of_beds_are_not_used():
    """Every library's beds show pillows."""
    assert "Bed" not in sweethome.PATTERNS
