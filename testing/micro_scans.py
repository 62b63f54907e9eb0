"""Scans that a test makes in a moment: coloured boxes in an empty room, seen from two places."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from testing.micro_training import MICRO
from workflow_scripts.common.records import ViewRow, records_to_frame
from workflow_scripts.common.scan_samples import ProposalRow, ScanSample
from workflow_scripts.common.storage import write_records, write_table
from workflow_scripts.common.view_shard import sibling_path, write_views
from workflow_scripts.experiments.video import VideoTrainingSettings
from workflow_scripts.geometry.cameras import intrinsics, world_from_camera
from workflow_scripts.train.base.tiny_vlm import make_model, make_processor
from workflow_scripts.train.video.experiment import VideoExperiment

WIDTH, HEIGHT = 48, 32
COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}
SIDE_M = 1.4
# Patches small enough for the boxes to fill some.
MICRO_VIDEO = replace(MICRO, image_px=128)


def make_base(folder: Path) -> None:
    """Write an untrained base of one layer."""
    processor = make_processor(MICRO_VIDEO)
    model = make_model(MICRO_VIDEO, processor, seed=1)
    model.model.vision_tower.fold_batch_norm()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def make_scans(
    folder: Path, *, splits: dict[str, int] | None = None, frames: int = 2, source: str = "scans"
) -> tuple[Path, Path]:
    """Write a shard of scans with chosen frames, proposals, and samples of every split.

    Each scan has a box of every colour at a place of its own. Returns the shard and the table of
    proposals; samples lie in `{split}.jsonl`.
    """
    splits = splits or {"train": 4, "val": 1, "test": 2}
    rng = np.random.default_rng(3)
    views, rows, chosen, proposals = [], [], [], []
    samples: dict[str, list[ScanSample]] = {split: [] for split in splits}
    k = intrinsics(width_px=WIDTH, height_px=HEIGHT, vertical_fov_deg=60)
    for split, count in splits.items():
        for number in range(count):
            scene = f"{source}-{split}{number}"
            order = rng.permutation(list(COLOURS))
            centers = np.array([[1.5 * at - 1.5, 4.0, 1.5] for at in range(len(order))])
            for frame in range(frames):
                pose = world_from_camera((0.1 * frame, 0.0, 1.5), yaw_deg=0, pitch_deg=0)
                view = len(views)
                views.append(_render(k, pose, centers, order))
                rows.append(_view_row(view, scene, split, frame, source))
                chosen.append(_chosen_row(view, scene, frame))
            for at, name in enumerate(order):
                proposals.append(_proposal(scene, at, str(name), centers[at]))
            samples[split] += _samples(scene, split, source, order, centers)
    shard = folder / f"{source}.zarr"
    names = ("rgb", "depth_m", "instance", "intrinsics", "world_from_camera")
    arrays = {name: np.stack([view[at] for view in views]) for at, name in enumerate(names)}
    write_views(shard, arrays, attributes={})
    write_table(sibling_path(shard, "views.parquet"), records_to_frame(rows, ViewRow))
    write_table(sibling_path(shard, "frames.parquet"), pd.DataFrame(chosen))
    table = folder / f"{source}.proposals.parquet"
    write_table(table, records_to_frame(proposals, ProposalRow))
    for split, entries in samples.items():
        write_records(folder / f"{split}.jsonl", entries)
    return shard, table


def scan_experiment(
    folder: Path, out: Path, settings: Mapping[str, object], *, validation: Path | None = None
) -> VideoExperiment:
    """Return a training into `out` on the scans and the base of `folder`."""
    return VideoExperiment(
        name="micro",
        base=str(folder / "base"),
        data=folder / "train.jsonl",
        views=[folder / "scans.zarr"],
        proposals=[folder / "scans.proposals.parquet"],
        out=out,
        seed=7,
        settings=VideoTrainingSettings.parse(settings),
        validation=validation,
    )


def _render(
    k: np.ndarray, pose: np.ndarray, centers: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return picture, depth, instances and camera of boxes in front of a wall."""
    rgb = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    depth = np.full((HEIGHT, WIDTH), 6.0, np.float32)
    instance = np.zeros((HEIGHT, WIDTH), np.uint16)
    x = (np.arange(WIDTH) + 0.5 - k[0, 2]) / k[0, 0]
    y = (np.arange(HEIGHT) + 0.5 - k[1, 2]) / k[1, 1]
    distance = float(centers[0, 1] - SIDE_M / 2)
    for at, center in enumerate(centers):
        across = np.abs(x * distance + pose[0, 3] - center[0]) < SIDE_M / 2
        upright = np.abs(y * distance) < SIDE_M / 2
        shown = upright[:, None] & across[None, :]
        rgb[shown] = COLOURS[str(order[at])]
        depth[shown] = distance
        instance[shown] = at + 1
    return rgb, depth, instance, k, pose


def _view_row(view: int, scene: str, split: str, frame: int, source: str) -> ViewRow:
    return ViewRow(
        view=view,
        view_id=f"{scene}-{frame:03d}",
        scene_id=scene,
        source=source,
        split=split,  # type: ignore[arg-type]
        room_id="room",
        room_type="Bedroom",
        policy="walk",
        yaw_deg=0.0,
        pitch_deg=0.0,
        vertical_fov_deg=60.0,
        num_visible_objects=3,
        is_best=frame == 0,
        frame=frame,
        timestamp_s=float(frame),
    )


def _chosen_row(view: int, scene: str, frame: int) -> dict[str, object]:
    return {
        "scene_id": scene,
        "view": view,
        "view_id": f"{scene}-{frame:03d}",
        "frame": frame,
        "timestamp_s": float(frame),
        "strategy": "mc",
        "rank": frame,
    }


def _proposal(scene: str, at: int, name: str, center: np.ndarray) -> ProposalRow:
    x, y, z = center.tolist()
    # Boxes are a little larger than what is drawn of them, so that their front lies inside.
    side = SIDE_M + 0.02
    return ProposalRow(
        scene_id=scene,
        proposal=at,
        instance=at + 1,
        category=name,
        x_m=x,
        y_m=y,
        z_m=z,
        width_m=side,
        depth_m=side,
        height_m=side,
    )


def _samples(
    scene: str, split: str, source: str, order: np.ndarray, centers: np.ndarray
) -> list[ScanSample]:
    samples = []
    shared = {"source": source, "scene_id": scene, "split": split}
    for at, name in enumerate(order):
        samples.append(
            ScanSample(
                sample_id=f"{scene}-find-{name}",
                task="grounding",
                question_type="unique",
                text=f"the {name} box",
                targets=[at + 1],
                target_boxes=[(*centers[at].tolist(), SIDE_M, SIDE_M, SIDE_M)],
                **shared,  # type: ignore[arg-type]
            )
        )
        samples.append(
            ScanSample(
                sample_id=f"{scene}-describe-{name}",
                task="captioning",
                question_type="unique",
                text="",
                point_m=tuple(centers[at].tolist()),
                targets=[at + 1],
                target_boxes=[(*centers[at].tolist(), SIDE_M, SIDE_M, SIDE_M)],
                answer=str(name),
                answers=[str(name)],
                answer_type="text",
                **shared,  # type: ignore[arg-type]
            )
        )
    samples.append(
        ScanSample(
            sample_id=f"{scene}-left",
            task="question",
            question_type="what",
            situation="You face the wall.",
            text="Which color is on the left?",
            answer=str(order[0]),
            answers=[str(order[0])],
            answer_type="text",
            **shared,  # type: ignore[arg-type]
        )
    )
    return samples
