"""What is known of two real recordings of reach_target: where the target is, and who sees it."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from testing.ball_demonstrator import episode
from workflow_scripts.common.demonstration_shard import Demonstration
from workflow_scripts.geometry.cameras import invert, rays_camera
from workflow_scripts.views.backends.rlbench_dataset import DatasetDemonstrator
from workflow_scripts.views.keypoints import project_keypoints

FOLDER = "reach_target/variation0/episodes/episode"
REAL = Path(__file__).parents[2].parent / "shared/data/rlbench_reach_target.tar"
# RLBench's target is a ball of 5 cm.
TARGET_RADIUS_M = 0.025


def ball_mask(k: np.ndarray, pose: np.ndarray, centre_m: np.ndarray) -> np.ndarray:
    """Return which pixel centres of a 128 px picture see a ball of the target's size."""
    rays = rays_camera(k, width_px=128, height_px=128)
    centre = (invert(pose) @ [*centre_m, 1])[:3]
    along = rays @ centre
    return along**2 > (rays**2).sum(-1) * (centre @ centre - TARGET_RADIUS_M**2)


def touches_border(mask: np.ndarray) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


@pytest.mark.shared_data
@pytest.mark.skipif(not REAL.is_file(), reason=f"{REAL.name} is not there")
class TestRealEpisodes:
    """What is known of real recordings: where the target is, and who sees it."""

    cameras = ("left_shoulder", "right_shoulder", "overhead", "wrist", "front")

    @pytest.fixture(scope="class")
    def recordings(self) -> list[Demonstration]:
        with DatasetDemonstrator(
            cameras=self.cameras, size_px=128, max_steps=100, max_attempts=1, dataset=REAL
        ) as backend:
            return [backend.demonstrate(episode(path=f"{FOLDER}{n}")) for n in (0, 1)]

    def target_in_view(self, recording: Demonstration, step: int, camera: int):
        """Return pixel, visible, depth, K, pose and mask of the target in a picture."""
        k, pose = recording.intrinsics[camera], recording.world_from_camera[step, camera]
        pixels, _, visible = project_keypoints(
            recording.keypoints_m[step],
            recording.keypoints,
            intrinsics=k,
            world_from_camera=pose,
            depth_m=recording.depth_m[step, camera],
            instance=recording.instance[step, camera],
        )
        mask = recording.instance[step, camera] == recording.keypoints[1].instance
        return pixels[1], bool(visible[1]), recording.depth_m[step, camera], k, pose, mask

    def test_lengths_and_handle(self, recordings: list[Demonstration]) -> None:
        assert [recording.num_steps for recording in recordings] == [70, 64]
        for recording in recordings:
            recording.check()
            assert recording.keypoints[1].parent_id == "handle-88"

    def test_the_projected_target_is_the_middle_of_its_mask(
        self, recordings: list[Demonstration]
    ) -> None:
        checked: Counter[str] = Counter()
        for recording in recordings:
            for step in range(recording.num_steps):
                for camera, name in enumerate(self.cameras):
                    pixel, visible, _, k, pose, mask = self.target_in_view(recording, step, camera)
                    whole = ball_mask(k, pose, recording.keypoints_m[step, 1])
                    # The middle of a mask that the border or the arm cuts lies elsewhere, and so
                    # does that of a ball close by, whose picture is an ellipse.
                    is_cut = (mask ^ whole).sum() > 0.12 * whole.sum() or touches_border(whole)
                    if visible and not is_cut and whole.sum() < 200:
                        rows, columns = np.nonzero(mask)
                        middle = (columns.mean() + 0.5, rows.mean() + 0.5)
                        assert np.hypot(*(pixel - middle)) < 0.7, (name, step)
                        checked[name] += 1
        assert min(checked[name] for name in self.cameras) > 20, checked

    def test_the_target_is_hidden_where_it_is(self, recordings: list[Demonstration]) -> None:
        visible = [self.target_in_view(recordings[0], 0, camera)[1] for camera in range(5)]
        assert dict(zip(self.cameras, visible, strict=True)) == {
            "left_shoulder": True,
            "right_shoulder": False,
            "overhead": True,
            "wrist": True,
            "front": False,
        }

    def test_depth_at_the_target_is_its_surface_s(self, recordings: list[Demonstration]) -> None:
        # The ball is a mesh, a little inside the sphere; the wrist at the end sees its size best.
        _, _, depth, k, pose, mask = self.target_in_view(
            recordings[1], recordings[1].num_steps - 1, 3
        )
        points = (rays_camera(k, width_px=128, height_px=128) * depth[..., None])[mask]
        centre = invert(pose) @ [*recordings[1].keypoints_m[-1, 1], 1]
        radius_m = float(np.median(np.linalg.norm(points - centre[:3], axis=1)))
        assert radius_m == pytest.approx(TARGET_RADIUS_M, abs=5e-4)
        checked = 0
        for recording in recordings:
            for camera in range(len(self.cameras)):
                pixel, visible, depth, k, pose, mask = self.target_in_view(recording, 0, camera)
                column, row = int(pixel[0]), int(pixel[1])
                if not (visible and mask[row, column]):
                    continue
                ray = rays_camera(k, width_px=128, height_px=128)[row, column]
                centre = (invert(pose) @ [*recording.keypoints_m[0, 1], 1])[:3]
                a, b = ray @ ray, ray @ centre
                surface = (b - np.sqrt(b**2 - a * (centre @ centre - radius_m**2))) / a
                assert depth[row, column] == pytest.approx(surface, abs=1e-3)
                checked += 1
        assert checked >= 7

    def test_pictures_of_one_pixel_less_index_would_be_half_a_pixel_off(
        self, recordings: list[Demonstration]
    ) -> None:
        pixel, _, _, _, _, mask = self.target_in_view(recordings[0], 0, 0)
        rows, columns = np.nonzero(mask)
        by_index = np.hypot(*(pixel - (columns.mean(), rows.mean())))
        by_centre = np.hypot(*(pixel - (columns.mean() + 0.5, rows.mean() + 0.5)))
        assert by_centre < 0.3 < by_index
