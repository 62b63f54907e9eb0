"""Write demonstrations as `sim_all_formal.npz`, the layout that published pose code trains on.

One key `pose`: a pickled dictionary {'T<task id>': {'exemple_<n>': [camera, ...]}} with a float64
array [T, K, 8] for each of four cameras (left shoulder, right shoulder, overhead, front): u, v,
observed u, observed v, x, y, z, visibility. Beside it lie the cameras' matrices in the
simulator's own convention (negative focal lengths, poses with axes x left, y up), and `index.json`.

What differs from files made by the published code, because there it is wrong:
pixels are those of the pictures as they are (not of 128 px pictures while those have 256), with
pixel centres at + 0.5, and never clamped; the noise is a share of the same side; visibility is 1
or 0 from a depth test (not 1 - noise); K is the number of keypoints (not of steps at which the
gripper acts); the matrices are for the pictures' size.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import run
from workflow_scripts.common.demonstration_shard import DemonstrationShard, KeypointTrack
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SPLITS
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.geometry.cameras import coppeliasim_from_opencv
from workflow_scripts.sources.readers.rlbench_tasks import FIXED_CAMERAS, task_id
from workflow_scripts.sources.rlbench import NpzSettings

logger = logging.getLogger(__name__)
DEFAULT = NpzSettings()
# Standard deviation of the published noise, as a share of the picture's side.
NOISE_SHARE = 0.00504
FILE_NAMES = {
    "left_shoulder": "over_shoulder_left",
    "right_shoulder": "over_shoulder_right",
    "overhead": "overhead",
    "front": "front",
}


def camera_arrays(track: KeypointTrack, *, noise: float, seed: int) -> list[np.ndarray]:
    """Return [T, K, 8] for each of the four cameras; the noise depends on seed and episode."""
    steps, count = track.keypoints_m.shape[:2]
    generator = rng(seed, "export_npz", track.scene_id)
    errors = generator.normal(size=(len(FIXED_CAMERAS), steps, count, 2))
    errors *= noise * NOISE_SHARE * track.width_px
    arrays = []
    for number, name in enumerate(FIXED_CAMERAS):
        camera = track.cameras.index(name)
        pixels = track.keypoints_px[:, camera]
        seen = track.visible[:, camera, :, None].astype(np.float64)
        columns = (pixels, pixels + errors[number], track.keypoints_m, seen)
        arrays.append(np.ascontiguousarray(np.concatenate(columns, axis=-1)))
    return arrays


def simulator_matrices(track: KeypointTrack) -> dict[str, np.ndarray]:
    """Return the intrinsics [3, 3] and extrinsics [4, 4] of the four cameras by file name."""
    matrices = {}
    for name in FIXED_CAMERAS:
        camera = track.cameras.index(name)
        k = track.intrinsics[0, camera].copy()
        k[[0, 1], [0, 1]] *= -1
        pose = coppeliasim_from_opencv(track.world_from_camera[0, camera])
        matrices[f"_cam_{FILE_NAMES[name]}_intrinsics.npy"] = k
        matrices[f"_cam_{FILE_NAMES[name]}_extrinsics.npy"] = pose
    return matrices


def check_tracks(tracks: Sequence[KeypointTrack]) -> None:
    """Raise `UserError` where the layout cannot hold the data."""
    if not tracks:
        raise UserError("there is no episode to export; see the skipped items")
    missing = sorted(set(FIXED_CAMERAS) - set(tracks[0].cameras))
    if missing:
        raise UserError(
            f"the npz layout needs the cameras {', '.join(FIXED_CAMERAS)}; "
            f"sources.rlbench.cameras lacks {', '.join(missing)}"
        )
    first = simulator_matrices(tracks[0])
    for track in tracks:
        for name, matrix in simulator_matrices(track).items():
            if np.abs(matrix - first[name]).max() > 1e-6:
                raise UserError(
                    f"the npz layout has one set of cameras, but those of {track.scene_id} and "
                    f"{tracks[0].scene_id} differ; export them in runs of their own"
                )


def main(
    *, shards: tuple[Path, ...], out: Path, seed: int, settings: NpzSettings = DEFAULT
) -> None:
    """Export all shards of a source.

    Args:
        shards: the view shards.
        out: folder to write; `sim_all_formal.npz`, `cameras_matrixes/` and `index.json` are in it.
        seed: the workflow's seed.
        settings: noise in the observed pixels.
    """
    opened = [DemonstrationShard.open(path) for path in shards]
    tracks = [shard.track(str(name)) for shard in opened for name in shard.episodes.scene_id]
    check_tracks(tracks)
    # The published split takes the last fifth of a task's examples for testing.
    tracks.sort(key=lambda track: (track.task, SPLITS.index(track.split), track.scene_id))
    poses: dict[str, dict[str, list[np.ndarray]]] = {}
    index: dict[str, dict[str, dict[str, str]]] = {}
    for track in tracks:
        task = f"T{task_id(track.task)}" if task_id(track.task) >= 0 else track.task
        name = f"exemple_{len(poses.setdefault(task, {}))}"
        poses[task][name] = camera_arrays(track, noise=settings.npz_noise, seed=seed)
        index.setdefault(task, {})[name] = {"scene_id": track.scene_id, "split": track.split}
    with atomic_write(out) as partial:
        (partial / "cameras_matrixes").mkdir(parents=True)
        holder = np.empty((), dtype=object)
        holder[()] = poses
        np.savez(partial / "sim_all_formal.npz", pose=holder)
        for name, matrix in simulator_matrices(tracks[0]).items():
            np.save(partial / "cameras_matrixes" / name, matrix)
        text = json.dumps(index, indent=2, sort_keys=True)
        (partial / "index.json").write_text(text + "\n", encoding="utf-8")
    logger.info("%d episodes of %d tasks", len(tracks), len(poses))


if __name__ == "__main__":
    run(main)
