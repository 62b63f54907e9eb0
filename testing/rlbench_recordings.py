"""Write a small data set in RLBench's own form, from an exact scene, to read back.

The pickles name `rlbench.demo.Demo` and `rlbench.backend.observation.Observation` as real ones do;
the classes exist only while they are written.
"""

import io
import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.demonstration_shard import Demonstration
from workflow_scripts.geometry.cameras import coppeliasim_from_opencv

NEAR_M, FAR_M = 0.01, 4.5
# Large enough to need the third byte of a mask's colour.
HANDLES = {0: 10, 1: 88, 2: 66129, 3: 48}


@contextmanager
def rlbench_modules() -> Iterator[tuple[type, type]]:
    """Yield classes Demo and Observation under RLBench's names; gone afterwards."""
    names = ("rlbench", "rlbench.demo", "rlbench.backend", "rlbench.backend.observation")
    modules = {name: types.ModuleType(name) for name in names}
    demo = type("Demo", (), {"__module__": "rlbench.demo"})
    observation = type("Observation", (), {"__module__": "rlbench.backend.observation"})
    modules["rlbench.demo"].Demo = demo  # type: ignore[attr-defined]
    modules["rlbench.backend.observation"].Observation = observation  # type: ignore[attr-defined]
    sys.modules.update(modules)
    try:
        yield demo, observation
    finally:
        for name in names:
            del sys.modules[name]


def pickle_observations(
    states: list[dict[str, Any]], *, protocol: int = pickle.DEFAULT_PROTOCOL
) -> bytes:
    """Return observations as RLBench pickles them."""
    with rlbench_modules() as (demo_class, observation_class):
        demo = demo_class()
        demo._observations = []
        demo.random_seed = np.random.RandomState(3).get_state()
        for state in states:
            observation = observation_class()
            vars(observation).update(state)
            demo._observations.append(observation)
        return pickle.dumps(demo, protocol=protocol)


def observations_from(demonstration: Demonstration) -> list[dict[str, Any]]:
    """Return the observations of a demonstration whose first keypoint is reach_target's target."""
    states = []
    for step in range(demonstration.num_steps):
        misc: dict[str, Any] = {}
        for number, name in enumerate(demonstration.cameras):
            k = demonstration.intrinsics[number].copy()
            k[0, 0], k[1, 1] = -k[0, 0], -k[1, 1]
            pose = coppeliasim_from_opencv(demonstration.world_from_camera[step, number])
            misc |= {
                f"{name}_camera_intrinsics": k,
                f"{name}_camera_extrinsics": pose,
                f"{name}_camera_near": NEAR_M,
                f"{name}_camera_far": FAR_M,
            }
        states.append(
            {
                "front_rgb": None,
                "joint_positions": demonstration.joint_positions_rad[step],
                "joint_velocities": demonstration.joint_velocities_rad_per_s[step],
                "gripper_open": float(demonstration.gripper_opening[step] > 0.9),
                "gripper_joint_positions": np.full(2, 0.04 * demonstration.gripper_opening[step]),
                "gripper_pose": demonstration.tip_pose[step],
                "task_low_dim_state": demonstration.keypoints_m[step, 0],
                "misc": misc,
            }
        )
    return states


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def depth_png(depth_m: np.ndarray) -> bytes:
    """Write depth as RLBench does: 24 bits in R (high), G, B; the far plane where nothing is."""
    share = np.clip((np.nan_to_num(depth_m, nan=FAR_M) - NEAR_M) / (FAR_M - NEAR_M), 0, 1)
    steps = np.floor(share.astype(np.float64) * (2**24 - 1) + 0.5).astype(np.int64)
    return png(np.stack([steps >> 16, (steps >> 8) & 255, steps & 255], axis=-1))


def mask_png(instance: np.ndarray) -> bytes:
    """Write handles as RLBench does: R + 256 G + 65536 B."""
    handles = np.vectorize(HANDLES.__getitem__)(instance)
    return png(np.stack([handles & 255, (handles >> 8) & 255, handles >> 16], axis=-1))


def write_recording(
    root: Path, demonstration: Demonstration, *, task: str = "reach_target", number: int = 0
) -> Path:
    """Write an episode and return its folder."""
    folder = root / task / "variation0" / "episodes" / f"episode{number}"
    folder.mkdir(parents=True)
    (folder / "low_dim_obs.pkl").write_bytes(pickle_observations(observations_from(demonstration)))
    for number_of_camera, name in enumerate(demonstration.cameras):
        for kind, write in (("rgb", png), ("depth", depth_png), ("mask", mask_png)):
            place = folder / f"{name}_{kind}"
            place.mkdir()
            arrays = {
                "rgb": demonstration.rgb,
                "depth": demonstration.depth_m,
                "mask": demonstration.instance,
            }
            for step in range(demonstration.num_steps):
                content = write(arrays[kind][step, number_of_camera])
                (place / f"{step}.png").write_bytes(content)
    return folder
