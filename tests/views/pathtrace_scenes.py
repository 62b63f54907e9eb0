"""Traced houses and cameras for the path tracer's tests."""

from typing import Any

from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.backends.pathtrace import PathtraceRenderer, TracedHouse


def load(house: dict[str, Any], *, preset: str = "draft") -> TracedHouse:
    """Load a house with procedural furniture."""
    return PathtraceRenderer(preset=preset, furniture="procedural").load(house, scene_id="test")


def camera(
    position_m: tuple[float, float, float],
    *,
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    size_px: int = 48,
    fov_deg: float = 90.0,
) -> Camera:
    """Return a square camera."""
    return Camera.look(
        position_m,
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        width_px=size_px,
        height_px=size_px,
        vertical_fov_deg=fov_deg,
    )


def seen_at(house: TracedHouse, position_m: tuple[float, float, float], yaw_deg: float) -> str:
    """Return the id of what lies straight ahead of a point, '' for nothing."""
    _, instance = house.geometry(camera(position_m, yaw_deg=yaw_deg, size_px=1, fov_deg=1.0))
    return "" if instance[0, 0] == 0 else house.objects[instance[0, 0] - 1].object_id


def depth_at(house: TracedHouse, position_m: tuple[float, float, float], yaw_deg: float) -> float:
    """Return the distance to what lies straight ahead of a point."""
    depth, _ = house.geometry(camera(position_m, yaw_deg=yaw_deg, size_px=1, fov_deg=1.0))
    return float(depth[0, 0])
