"""Light sources: ceiling panels, sky through windows, the sun."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.geometry.cameras import world_from_unity
from workflow_scripts.sources.readers.procthor_house import entries, read_vector
from workflow_scripts.views.pathtrace.frame_kernels import LightArrays
from workflow_scripts.views.pathtrace.shell import Lamp

AMBIENT = 0.11
"""Light of the bounces that are not traced, as irradiance over pi."""

_CELL_M = 0.5
_SLOTS_PER_CELL = 64
_BACKGROUND_EXPOSURE = 0.16
_TREES = np.array([0.34, 0.40, 0.33], dtype=np.float32)
_LAWN = np.array([0.46, 0.53, 0.37], dtype=np.float32)


@dataclass(frozen=True)
class Sky:
    """Radiance of the sky from horizon to zenith and of the ground below [3], and the sun.

    `to_sun` [3] is a unit vector, `sun` [3] the irradiance across it.
    """

    horizon: np.ndarray
    zenith: np.ndarray
    ground: np.ndarray
    to_sun: np.ndarray
    sun: np.ndarray

    @classmethod
    def of(cls, house: dict[str, Any]) -> "Sky":
        """Read the sky's name and the directional light of a house."""
        parameters = house.get("proceduralParameters") or {}
        name = str(parameters.get("skyboxId", ""))
        horizon, zenith = np.array([3.6, 3.8, 4.0]), np.array([1.6, 2.2, 3.2])
        sun = np.array([7.0, 6.4, 5.6])
        if "Dusk" in name or "Sunset" in name:
            horizon, zenith = np.array([4.2, 3.3, 2.6]), np.array([1.5, 1.7, 2.4])
            sun = np.array([7.0, 5.2, 3.4])
        elif "Snow" in name:
            horizon, zenith = np.array([4.0, 4.1, 4.2]), np.array([3.0, 3.2, 3.5])
            sun = np.array([2.5, 2.4, 2.3])
        to_sun = np.array([0.35, -0.45, 0.82])
        for light in entries(parameters, "lights"):
            if light.get("type") == "directional" and light.get("rotation"):
                rotation_deg = read_vector(
                    light["rotation"], where=f"light {light.get('id')!r} rotation"
                )
                pitch, yaw = np.deg2rad(rotation_deg[:2])
                forward = [np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)]
                to_sun = -world_from_unity(forward)
        to_sun = to_sun / np.linalg.norm(to_sun)
        if to_sun[2] < 0.1:
            sun = sun * 0.0
        return cls(horizon, zenith, np.array([1.9, 2.05, 1.6]), to_sun, sun)

    def radiance(self, directions: np.ndarray) -> np.ndarray:
        """Return radiance f32 [3, n] along directions [3, n] (any length)."""
        up = directions[2] / np.sqrt(np.einsum("ij,ij->j", directions, directions))
        elevation = np.sqrt(np.clip(up, 0, 1))
        colour = self.horizon[:, None] + (self.zenith - self.horizon)[:, None] * elevation
        below = np.clip(-up * 5, 0, 1)
        radiance: np.ndarray = colour + (self.ground[:, None] - colour) * below
        return radiance.astype(np.float32)

    def background(self, directions: np.ndarray) -> np.ndarray:
        """Return the radiance outside as the camera sees it, f32 [3, n]: sky, trees, lawn.

        Daylight is some twenty times brighter than lamps. A second, shorter exposure is used for
        it, so that windows are not overexposed.
        """
        length = np.sqrt(np.einsum("ij,ij->j", directions, directions))
        up, around = directions[2] / length, np.arctan2(directions[0], directions[1])
        sky_radiance = self.radiance(directions)
        background_radiance = (
            np.float32(_BACKGROUND_EXPOSURE)
            * sky_radiance
            * sky_radiance
            / np.float32(self.horizon.max())
        )
        treeline = 0.05 + sum(
            size * np.sin(cycles * around + start)
            for size, cycles, start in ((0.025, 3, 1.0), (0.012, 17, 2.0), (0.008, 53, 0.0))
        )
        trees = (up < treeline) & (up > -0.02)
        light = 0.94 + 0.06 * np.sin(67 * around + 40 * up)
        background_radiance = np.where(trees, _TREES[:, None] * light, background_radiance)
        return np.where(up <= -0.02, _LAWN[:, None], background_radiance).astype(np.float32)


class Lights:
    """Rectangular area lights, and a grid for importance sampling among them.

    Every cell of the floor plan has 64 slots with indices of lights; a light has slots in
    proportion to its power over distance squared. Drawing a slot draws a light in constant time,
    however many rooms the house has.
    """

    def __init__(self, lamps: Sequence[Lamp], portals: np.ndarray, sky: Sky) -> None:
        corners, sides, ups, radiance = [], [], [], []
        for lamp in lamps:
            half = lamp.side_m / 2
            corners.append(lamp.centre_m - [half, half, 0.003])
            sides.append([0.0, lamp.side_m, 0.0])
            ups.append([lamp.side_m, 0.0, 0.0])
            radiance.append(lamp.radiance)
        for corner, side, up in portals:
            corners.append(corner)
            sides.append(up)
            ups.append(side)
            radiance.append((sky.horizon + sky.zenith) / 2)
        self.corner = np.array(corners, dtype=np.float32)
        self.side = np.array(sides, dtype=np.float32)
        self.up = np.array(ups, dtype=np.float32)
        # Side and up vectors span each rectangle so that its normal points into the room.
        normals = np.cross(self.side, self.up)
        self.scaled_normal = normals.astype(np.float32)
        self.radiance = np.array(radiance, dtype=np.float32)
        self.is_portal = np.arange(len(corners)) >= len(lamps)
        self.area = np.linalg.norm(normals, axis=1)
        self.sky = np.stack([sky.horizon, sky.zenith, sky.ground]).astype(np.float32)

    def build_light_grid(self, low_m: np.ndarray, high_m: np.ndarray, height_m: float) -> None:
        """Fill the slots of a grid over the floor plan [2] to [2]."""
        self.grid_low = low_m.astype(np.float32) - 0.2
        self.grid_cells = np.maximum(1, np.ceil((high_m - low_m + 0.4) / _CELL_M)).astype(np.int32)
        x, y = (np.arange(n) * _CELL_M + _CELL_M / 2 for n in self.grid_cells)
        cell_centres = np.stack(
            [*np.meshgrid(x + self.grid_low[0], y + self.grid_low[1], indexing="ij")], -1
        )
        cell_centres = np.concatenate(
            [cell_centres, np.full((*cell_centres.shape[:2], 1), height_m * 0.4)], -1
        )
        middle = self.corner + (self.side + self.up) / 2
        to_cells = cell_centres.reshape(-1, 1, 3) - middle
        squared_distance = np.einsum("clk,clk->cl", to_cells, to_cells)
        facing = np.einsum("clk,lk->cl", to_cells, self.scaled_normal / self.area[:, None])
        facing = np.clip(facing / np.sqrt(squared_distance), 0.15, 1)
        power = self.area * self.radiance.mean(axis=1)
        probability = power * facing / (squared_distance + 0.5)
        probability = probability / probability.sum(axis=1, keepdims=True)
        ends = np.round(np.cumsum(probability, axis=1) * _SLOTS_PER_CELL).astype(np.int64)
        slot = np.arange(_SLOTS_PER_CELL)
        slots = (slot[None, :, None] >= ends[:, None, :]).sum(axis=2).astype(np.int32)
        slots = np.minimum(slots, len(self.corner) - 1)
        counts = np.diff(ends, axis=1, prepend=0)
        with np.errstate(divide="ignore"):
            weight = np.where(counts > 0, _SLOTS_PER_CELL / counts, 0).astype(np.float32)

        self.arrays = LightArrays(
            self.corner,
            self.side,
            self.up,
            self.scaled_normal,
            self.radiance,
            self.is_portal,
            middle,
            np.linalg.norm((self.side + self.up) / 2, axis=1),
            (self.area * self.radiance.sum(axis=1)).astype(np.float32),
            self.grid_low,
            self.grid_cells,
            slots,
            (ends - counts).astype(np.int32),
            weight,
            np.float32(_CELL_M),
        )
