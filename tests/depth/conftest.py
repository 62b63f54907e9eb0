"""Views and tiny models for the tests of depth."""

from pathlib import Path

import pytest

from testing.box_scenes import living_room_scene, write_shard
from testing.depth_models import save_depth_anything, save_depth_pro, save_zoedepth


@pytest.fixture(scope="session")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three views of a room, wider than high."""
    boxes, cameras = living_room_scene(width_px=64, height_px=48)
    return write_shard(
        tmp_path_factory.mktemp("views") / "0000.zarr", {"house-a": (boxes, [*cameras, cameras[0]])}
    )


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of one metric model of each type."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "depth_anything": save_depth_anything(folder / "depth_anything"),
        "zoedepth": save_zoedepth(folder / "zoedepth"),
        "depth_pro": save_depth_pro(folder / "depth_pro"),
    }
