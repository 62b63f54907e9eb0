"""A small room with boxes that is seen by posed cameras: exact depth, colours and ids from rays.

Tests write it in the layouts of scanning programs and read it back. Colours follow the place of
what is seen, so that a picture that belongs to another frame is noticed.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry import cameras
from workflow_scripts.geometry.pose_conventions import intrinsics_at_size

ROOM_LOW_M = np.array([0.0, 0.0, 0.0])
ROOM_HIGH_M = np.array([4.0, 3.2, 2.5])
#: Label, low corner, high corner; ids are 1, 2, ... in this order.
BOXES = (
    ("table", (1.4, 2.2, 0.0), (2.6, 3.0, 0.75)),
    ("chair", (0.5, 0.4, 0.0), (1.0, 0.9, 0.9)),
    ("chair", (3.2, 1.8, 0.0), (3.7, 2.3, 0.9)),
    ("cabinet", (2.9, 0.0, 0.0), (3.9, 0.5, 1.8)),
)


@dataclass(frozen=True)
class PosedRoom:
    """What cameras see: colour [n, H, W, 3] u8; depth [n, h, w] f64 m and ids [n, h, w] u16.

    Colour and depth have cameras of their own with one centre; K [3, 3] has pixel centres at
    halves. Poses [n, 4, 4] are `world_from_camera`.
    """

    poses: np.ndarray
    colour: np.ndarray
    depth_m: np.ndarray
    instance: np.ndarray
    colour_intrinsics: np.ndarray
    depth_intrinsics: np.ndarray
    times_s: np.ndarray

    @property
    def colour_size_px(self) -> tuple[int, int]:
        return self.colour.shape[2], self.colour.shape[1]

    @property
    def depth_size_px(self) -> tuple[int, int]:
        return self.depth_m.shape[2], self.depth_m.shape[1]

    def __len__(self) -> int:
        return len(self.poses)

    @cached_property
    def depth_mm(self) -> np.ndarray:
        """Return depth as u16 millimetres."""
        return self.depth_counts(1000)

    def depth_counts(self, per_metre: float) -> np.ndarray:
        """Return depth as u16 of a unit."""
        return np.round(self.depth_m * per_metre).astype(np.uint16)


def walk(num_frames: int, *, roll_deg: float = 0.0) -> np.ndarray:
    """Return poses [n, 4, 4] of a camera that walks about the room's middle and looks around."""
    turn = np.linspace(0, 1, num_frames, endpoint=False)
    poses = []
    for part in turn:
        angle = 2 * np.pi * part
        position = [2.0 + 0.5 * np.cos(angle), 1.4 + 0.4 * np.sin(angle), 1.5 + 0.1 * np.sin(angle)]
        yaw = np.rad2deg(angle) + 20 * np.sin(3 * angle)
        pose = cameras.world_from_camera(position, yaw_deg=yaw, pitch_deg=-25.0)
        tilt = np.eye(4)
        tilt[:3, :3] = Rotation.from_euler(
            "z", roll_deg + 3 * np.sin(angle), degrees=True
        ).as_matrix()
        poses.append(pose @ tilt)
    return np.array(poses)


def cast(
    pose: np.ndarray, intrinsics: np.ndarray, size_px: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return planar depth f64, ids u16 and colours u8 of the rays through the pixels' centres."""
    width, height = size_px
    rays = cameras.rays_camera(intrinsics, width_px=width, height_px=height) @ pose[:3, :3].T
    return trace_rays(rays, pose[:3, 3])


def trace_rays(rays: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (factor of the ray, id, colour) of what world rays [h, w, 3] from a point hit."""
    with np.errstate(divide="ignore", invalid="ignore"):
        to_low, to_high = (ROOM_LOW_M - origin) / rays, (ROOM_HIGH_M - origin) / rays
        factor = np.maximum(to_low, to_high).min(axis=-1)
        instance = np.zeros(factor.shape, np.uint16)
        for number, (_, low, high) in enumerate(BOXES, start=1):
            a, b = (np.array(low) - origin) / rays, (np.array(high) - origin) / rays
            enters, leaves = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
            is_hit = (enters > 0) & (enters <= leaves) & (enters < factor)
            factor, instance = np.where(is_hit, enters, factor), np.where(is_hit, number, instance)
    return factor, instance.astype(np.uint16), colour_at(origin + rays * factor[..., None])


def colour_at(points_m: np.ndarray) -> np.ndarray:
    """Return the colour u8 [..., 3] of points of the room's surfaces."""
    share = np.nan_to_num((points_m - ROOM_LOW_M) / (ROOM_HIGH_M - ROOM_LOW_M))
    return np.clip(20 + 210 * share, 0, 255).round().astype(np.uint8)


def surface_distance_m(points_m: np.ndarray) -> np.ndarray:
    """Return the distances [n] from points to the nearest surface of the room or of a box."""
    points = np.asarray(points_m, dtype=np.float64)
    to_walls = np.minimum(np.abs(points - ROOM_LOW_M), np.abs(points - ROOM_HIGH_M)).min(axis=-1)
    nearest = to_walls
    for _, low, high in BOXES:
        outside = np.maximum(np.maximum(np.array(low) - points, points - np.array(high)), 0)
        inside = np.minimum(points - np.array(low), np.array(high) - points).min(axis=-1)
        distance = np.where(inside > 0, inside, np.linalg.norm(outside, axis=-1))
        nearest = np.minimum(nearest, distance)
    return nearest


def make_room(
    num_frames: int = 12,
    *,
    colour_size_px: tuple[int, int] = (96, 72),
    depth_size_px: tuple[int, int] = (64, 48),
    focal_share: float = 0.7,
    poses: np.ndarray | None = None,
) -> PosedRoom:
    """Return the room seen by a walk; the focal length is a share of the picture's width."""
    poses = walk(num_frames) if poses is None else poses
    width, height = colour_size_px
    # Off the middle, and not square, so that an exchange of axes is noticed.
    k = np.array(
        [
            [focal_share * width, 0, 0.51 * width],
            [0, 0.71 / 0.7 * focal_share * width, 0.48 * height],
            [0, 0, 1],
        ]
    )
    depth_k = intrinsics_at_size(k, colour_size_px, depth_size_px)
    seen = [cast(pose, depth_k, depth_size_px) for pose in poses]
    return PosedRoom(
        poses,
        np.array([cast(pose, k, colour_size_px)[2] for pose in poses]),
        np.array([depth for depth, _, _ in seen]),
        np.array([instance for _, instance, _ in seen]),
        k,
        depth_k,
        100.0 + np.arange(len(poses)) / 10,
    )
