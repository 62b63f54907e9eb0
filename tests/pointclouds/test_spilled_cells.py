"""A scan with more cells than fit is fused in parts: the same points as in one part."""

from pathlib import Path

import numpy as np
import pytest

from testing.box_scenes import living_room_scene
from tests.pointclouds.conftest import corner_cameras
from tests.pointclouds.test_fuse import views_of
from workflow_scripts.pointclouds.fuse import View, fuse
from workflow_scripts.pointclouds.spilled_cells import SpilledCells
from workflow_scripts.pointclouds.voxel_accumulator import VoxelAccumulator


@pytest.fixture(scope="module")
def views() -> list[View]:
    return views_of(living_room_scene()[0], corner_cameras())


@pytest.mark.parametrize("max_cells", [700, 5000])
@pytest.mark.parametrize("normals", [True, False])
def test_the_cloud_is_that_of_one_part(views: list[View], max_cells: int, normals: bool) -> None:
    whole, num_pixels = fuse(views, voxel_m=0.04, normals=normals)
    parts, same_pixels = fuse(views, voxel_m=0.04, normals=normals, max_cells=max_cells)
    assert num_pixels == same_pixels
    assert len(whole) > 3000
    assert np.array_equal(parts.instance, whole.instance)
    np.testing.assert_allclose(parts.point_m, whole.point_m, atol=2e-5)
    assert np.abs(parts.colour.astype(int) - whole.colour).max() <= 1
    if normals:
        np.testing.assert_allclose(parts.normal, whole.normal, atol=1e-3)
    else:
        assert parts.normal is None


def test_equal_views_give_equal_bytes(views: list[View]) -> None:
    first, second = (fuse(views, voxel_m=0.04, max_cells=900)[0] for _ in range(2))
    assert first.point_m.tobytes() == second.point_m.tobytes()


def test_ranges_have_about_the_rows_that_are_asked_for(views: list[View], tmp_path: Path) -> None:
    spilled = SpilledCells(tmp_path)
    rng = np.random.default_rng(0)
    for _ in range(4):
        cells = VoxelAccumulator(normals=False)
        cells._keys = rng.integers(-40, 40, (5000, 4)).astype(np.int32)
        cells._keys = np.unique(cells._keys, axis=0)
        cells.num_cells = len(cells._keys)
        cells._count = np.ones(cells.num_cells, np.int32)
        cells._sums = np.ones((cells.num_cells, 6), np.float32)
        spilled.add(cells)
    sizes = spilled.merge(lambda keys, count, _: (len(keys), int(count.sum())), max_rows=2000)
    assert len(sizes) == 10
    assert max(rows for rows, _ in sizes) < 2600
    assert sum(count for _, count in sizes) == sum(spilled.rows)
