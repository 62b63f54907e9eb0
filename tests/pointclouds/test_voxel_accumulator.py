"""The hash table of cells: growth, crowded slots and the edges of its numbers."""

import numpy as np
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.pointclouds import voxel_accumulator as cells_module
from workflow_scripts.pointclouds.voxel_accumulator import VoxelAccumulator


def add(
    cells: VoxelAccumulator, in_voxels: np.ndarray, instance: np.ndarray, **changes: np.ndarray
) -> None:
    """Add one row of pixels that lie at `in_voxels` [3, w], each at depth 1."""
    width = in_voxels.shape[1]
    cells.add(
        **{
            "depth_m": np.ones((1, width), np.float32),
            "instance": instance[None].astype(np.uint16),
            "rgb": np.full((1, width, 3), 7, np.uint8),
            "normal": None,
            "per_column": in_voxels.astype(np.float64),
            "per_row": np.zeros((3, 1)),
            "position": np.zeros(3),
            **changes,
        }
    )


def as_dictionary(cells: VoxelAccumulator) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Map each key to its count and its sums of colour."""
    return {
        tuple(key): (int(count), *sums[3:6].astype(int))
        for key, count, sums in zip(cells.keys.tolist(), cells.count, cells.sums, strict=True)
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_table_that_grows_row_by_row_equals_one_that_never_does(seed):
    rng = np.random.default_rng(seed)
    small, large = (
        VoxelAccumulator(normals=False, capacity=1),
        VoxelAccumulator(normals=False, capacity=10_000),
    )
    expected: dict[tuple[int, ...], tuple[int, ...]] = {}
    for _ in range(20):
        in_voxels = rng.integers(-5, 5, (3, 100)) + rng.random((3, 100)) * 0.9
        instance = rng.integers(0, 3, 100)
        for cells in (small, large):
            add(cells, in_voxels, instance)
        for number, point in zip(instance.tolist(), np.floor(in_voxels).T.astype(int), strict=True):
            key = (number, *point.tolist())
            count = expected.get(key, (0,))[0] + 1
            expected[key] = (count, 7 * count, 7 * count, 7 * count)

    assert as_dictionary(small) == as_dictionary(large) == expected
    np.testing.assert_array_equal(small.keys, large.keys)
    np.testing.assert_array_equal(small.sums, large.sums)


def test_cells_whose_search_begins_at_one_slot_stay_apart():
    cells = VoxelAccumulator(normals=False, capacity=200)
    x = np.arange(20_000)
    first = np.array([cells_module._first_slot(len(cells._slots), 0, i, 0, 0) for i in x.tolist()])
    crowded = x[first == np.bincount(first).argmax()]
    assert len(crowded) > 5
    in_voxels = np.zeros((3, len(crowded)))
    in_voxels[0] = crowded

    for _ in range(2):
        add(cells, in_voxels, np.zeros(len(crowded)))

    assert cells.keys[:, 1].tolist() == crowded.tolist()
    assert cells.count.tolist() == [2] * len(crowded)


def test_slots_are_spread_over_neighbouring_cells():
    """Cells of a room are neighbours; a hash that maps them to few slots would be slow."""
    grid = np.stack(np.meshgrid(*[np.arange(-16, 16)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    slots = [cells_module._first_slot(1 << 16, 5, *cell) for cell in grid.tolist()]

    # 32,768 cells assigned at random to 65,536 slots fill 25,787 of them on average.
    assert len(set(slots)) > 0.97 * 65_536 * (1 - np.exp(-0.5))


@pytest.mark.parametrize("place", [2.0**31 - 1, -(2.0**31) + 1])
def test_the_largest_indices_are_kept(place):
    cells = VoxelAccumulator(normals=False)
    add(cells, np.array([[place], [0.5], [0.5]]), np.zeros(1))

    assert cells.keys.tolist() == [[0, int(place), 0, 0]]


@pytest.mark.parametrize("place", [2.0**31, -(2.0**31) - 1, np.inf, np.nan])
def test_indices_beyond_32_bits_are_refused(place):
    cells = VoxelAccumulator(normals=False)
    with pytest.raises(UserError, match="voxel_m is too small"):
        add(cells, np.array([[0.0, place], [0.0, 0.0], [0.0, 0.0]]), np.zeros(2))


def test_a_pixel_on_a_lower_border_belongs_to_the_cell_above_it():
    cells = VoxelAccumulator(normals=False)
    add(cells, np.array([[0.999, 1.0, -0.0], [0.0] * 3, [0.0] * 3]), np.zeros(3))

    assert as_dictionary(cells) == {(0, 0, 0, 0): (2, 14, 14, 14), (0, 1, 0, 0): (1, 7, 7, 7)}


def test_normals_are_summed_and_arrays_need_not_be_contiguous():
    cells = VoxelAccumulator(normals=True)
    rgb = np.zeros((2, 6, 3), np.uint8)[::2, ::2]
    normal = np.arange(9, dtype=np.float32).reshape(1, 3, 3)[:, ::-1]
    add(cells, np.full((3, 3), 0.25), np.zeros(3), rgb=rgb, normal=normal)

    assert cells.count.tolist() == [3]
    np.testing.assert_array_equal(cells.sums, [[0.75, 0.75, 0.75, 0, 0, 0, 9, 12, 15]])
