"""Questions about shapes follow what is drawn; where only boxes are known they say so."""

import dataclasses

import numpy as np
import pytest

from testing.box_scenes import Box, write_shard
from testing.vqa.drawn_meshes import drawn_meshes
from testing.vqa.scenes import (
    DEFAULT_MARGINS,
    camera,
    furnished_shard,
    furniture,
    rectangular_room,
    view_contexts,
)
from tests.views import houses
from tests.views.shards import render, scene
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_table, write_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.vqa import audit, contact, measures, volume_measures
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.visible_surfaces import VisibleSurfaces


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A rendered house, what is asked about its views, and its triangles."""
    settings = {"backend": "pathtrace", "preset": "draft", "furniture": "procedural"}
    size = {"width_px": 128, "height_px": 128}
    house = scene("a", houses.living_room())
    shard = render(
        tmp_path_factory.mktemp("drawn"), [house], corner=2, random=2, **settings, **size
    )
    meshes = drawn_meshes(shard.path.with_name("scenes.jsonl"))
    return shard, [one for one in view_contexts(shard.path) if len(one) > 1], meshes


def mesh_of(view_context, meshes, row):
    measured = view_context.measured
    return meshes[measured.scene_id, int(measured.instance[row])]


def test_numbers_are_those_of_the_triangles(drawn):
    _, found, meshes = drawn
    assert found
    boxes_off = 0
    for view_context in found:
        measured = view_context.measured
        assert measured.shape_source == "surface"
        right = measured.camera.world_from_camera[:3, 0]
        for row in range(len(view_context)):
            mesh = mesh_of(view_context, meshes, row)
            footprint = measures.footprint_m2(view_context)[0][row]
            assert footprint == pytest.approx(mesh.footprint_m2, rel=1e-3)
            nearest = mesh.nearest_m(measured.camera.position_m)
            assert measured.nearest_m[row] == pytest.approx(nearest, rel=0.01, abs=0.01)
            assert measured.volumes_m3[row, 0] == pytest.approx(mesh.volume_m3, rel=1e-3)
            if abs(right[2]) < 1e-6:
                width = measures.view_width_m(view_context)[0][row]
                assert width == pytest.approx(np.ptp(mesh.corners @ right), rel=1e-3, abs=1e-4)
            boxes_off += footprint < 0.9 * measured.size_m[row, :2].prod()
            for other in range(row):
                gap = mesh.gap_m(mesh_of(view_context, meshes, other))
                assert measured.gap_m[row, other] == pytest.approx(gap, rel=0.01, abs=0.01)
    assert boxes_off


def test_a_footprint_is_asked_only_of_what_fills_its_outline(drawn):
    for view_context in drawn[1]:
        _, sigma = measures.footprint_m2(view_context)
        fills = view_context.measured.outline_fill >= measures.MIN_OUTLINE_FILL
        np.testing.assert_array_equal(np.isinf(sigma), ~fills)


def test_bigger_is_bigger_by_hull_by_surface_and_by_box(drawn):
    for view_context in drawn[1]:
        excess = volume_measures.cube_edge_ratio(view_context)[0]
        for readings in view_context.measured.volumes_m3.T:
            order = np.sign(readings[:, None] - readings)
            assert (order[excess != 0] == np.sign(excess[excess != 0])).all()


def test_what_stands_on_something_touches_the_surface_that_carries_it(drawn):
    supported = 0
    for view_context in drawn[1]:
        on_top = contact.on_top(view_context)
        for upper, lower in np.argwhere(on_top > 0):
            gap = mesh_of(view_context, drawn[2], upper).gap_m(
                mesh_of(view_context, drawn[2], lower)
            )
            assert gap < 0.02
            supported += 1
        for upper, lower in np.argwhere(on_top < 0):
            assert (
                view_context.parents.get(view_context.measured.object_id[upper])
                != (view_context.measured.object_id[lower])
            )
    assert supported


def test_nearer_is_nearer_by_what_is_visible_too(drawn):
    shard, found, _ = drawn
    for view_context in found:
        measured = view_context.measured
        depth = shard.depth_m(measured.view)
        mask = shard.instance(measured.view)
        middle = np.array([np.nanmedian(depth[mask == one]) for one in measured.instance.tolist()])
        front = measures.metres_in_front(view_context)[0]
        order = np.sign(middle[None, :] - middle[:, None])
        clear = np.abs(front) > 0.01
        assert (order[clear] == np.sign(front[clear])).all()


def test_an_order_of_centres_that_the_pixels_contradict_is_not_asked(tmp_path):
    (view_context, *_) = view_contexts(furnished_shard(tmp_path))
    before = measures.metres_in_front(view_context)[0]
    one, other = np.unravel_index(np.argmax(before), before.shape)
    assert view_context.visible is not None
    depth, distance = (
        values.copy() for values in (view_context.visible.depth_m, view_context.visible.distance_m)
    )
    # A box far deeper than the panel that is drawn: what shows of it lies behind.
    depth[one], distance[one] = depth[other] + 1.0, distance[other] + 1.0
    changed = dataclasses.replace(view_context, visible=VisibleSurfaces(depth, distance))
    assert measures.metres_in_front(changed)[0][one, other] == 0.0
    assert measures.metres_nearer(changed)[0][one, other] == 0.0
    excluded = {
        found.family.name
        for found in enumerate_batches(changed, DEFAULT_MARGINS, seed=1)
        if any({one, other} == set(pair) for pair in found.batch.objects[:, :2].tolist())
    }
    assert not excluded & {"front_behind", "camera_nearer"}


def boxes_only(folder, boxes=None):
    path = write_shard(
        folder / "0000.zarr",
        {"s": ([*rectangular_room(), *(boxes or furniture())], [camera()])},
        has_shapes=False,
    )
    return view_contexts(path)[0]


def test_where_only_boxes_are_known_questions_about_shapes_say_bounding_box(tmp_path):
    view_context = boxes_only(tmp_path)
    assert view_context.measured.shape_source == "box"
    about_shapes = {
        "footprint", "bigger", "same_size", "biggest", "smallest", "minimum_distance",
        "camera_nearest", "nearest_to", "farthest_from",
    }  # fmt: skip
    seen = set()
    for found in enumerate_batches(view_context, DEFAULT_MARGINS, seed=1):
        says_box = all("bounding box" in text for text in found.batch.questions.texts)
        if found.family.name in about_shapes:
            assert says_box, found.family.name
            seen.add(found.family.name)
    assert seen == about_shapes


def test_boxes_and_clouds_alone_never_say_that_a_thing_is_not_on_a_seat(tmp_path):
    """The back of a sofa reaches above a pillow on its seat; that says nothing of support."""
    sofa = Box("Sofa", (3.0, 2.6, 0.45), (1.7, 0.9, 0.9), 180.0)
    ball = Box("BasketBall", (3.0, 2.0, 0.57), (0.24, 0.24, 0.24), 0.0)
    view_context = boxes_only(tmp_path, [sofa, ball])
    row, column = (view_context.categories.index(name) for name in ("BasketBall", "Sofa"))
    names = view_context.measured.object_id
    for source in ("box", "cloud"):
        changed = dataclasses.replace(
            view_context,
            measured=dataclasses.replace(view_context.measured, shape_source=source),
            parents={names[row]: names[column]} if source == "box" else {},
        )
        assert contact.on_top(changed)[row, column] == 0.0


def test_things_on_what_stands_on_something_are_not_denied_to_be_on_it(tmp_path):
    boxes = [
        Box("DiningTable", (3.0, 2.6, 0.375), (1.4, 0.9, 0.75), 0.0),
        Box("Box", (3.0, 2.6, 0.95), (0.5, 0.5, 0.4), 0.0),
        Box("BasketBall", (3.0, 2.6, 1.27), (0.24, 0.24, 0.24), 0.0),
    ]
    path = write_shard(tmp_path / "0000.zarr", {"s": ([*rectangular_room(), *boxes], [camera()])})
    objects = read_table(table_path(path, "objects"))
    name = dict(zip(objects["category"], objects["object_id"], strict=True))
    for child, parent in (("BasketBall", "Box"), ("Box", "DiningTable")):
        objects.loc[objects["category"] == child, "parent_id"] = name[parent]
    write_table(table_path(path, "objects"), objects)
    (view_context,) = view_contexts(path)
    table, box, ball = (
        view_context.categories.index(one) for one in ("DiningTable", "Box", "BasketBall")
    )
    on_top = contact.on_top(view_context)
    assert on_top[ball, box] > 0
    assert on_top[box, table] > 0
    assert on_top[ball, table] == 0.0
    assert on_top[table, ball] < 0


def test_inside_is_within_the_hull_of_what_is_drawn(tmp_path):
    (view_context, *_) = view_contexts(furnished_shard(tmp_path))
    ball, tub = (view_context.categories.index(one) for one in ("BasketBall", "Bathtub"))
    assert contact.inside(view_context)[ball, tub] > 0
    share = view_context.measured.inside_share.copy()
    share[ball, tub] = 0.6
    measured = dataclasses.replace(view_context.measured, inside_share=share)
    assert contact.inside(dataclasses.replace(view_context, measured=measured))[ball, tub] == 0.0


def test_a_missing_gap_is_an_error_that_says_what_to_do(tmp_path):
    path = furnished_shard(tmp_path)
    gaps = table_path(path, "surface_gaps")
    write_table(gaps, read_table(gaps).iloc[:3])
    with pytest.raises(UserError, match=r"surface_gaps\.parquet has no gap of instances"):
        view_contexts(path)
    gaps.unlink()
    with pytest.raises(UserError, match="surface_gaps"):
        view_contexts(path)


def test_the_audit_says_what_boxes_would_get_wrong(drawn, tmp_path):
    shard, _, _ = drawn
    out = tmp_path / "0000.audit.parquet"
    settings = audit.ClaritySettings(min_pixels=20)
    audit.main(views=shard.path, out=out, labels=(), clouds=(), settings=settings, seed=1)
    facts = read_table(out)
    boxes = facts[facts["labels"] == "boxes"]
    footprint = boxes[boxes["family"] == "footprint"]
    assert (footprint["value"] > 1.05 * footprint["truth"]).any()
    height = boxes[boxes["family"] == "height"]
    assert len(height)
    np.testing.assert_allclose(height["value"], height["truth"])
    truth = facts[facts["labels"] == "truth"]
    assert not truth["is_wrong"].any()
    assert ViewShard.open(shard.path).objects["outline"].any()
