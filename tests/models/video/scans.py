"""A small scan that tests make: a room with boxes on its floor, seen from its middle."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from tests.train.models import MODELS
from workflow_scripts.config.video import VideoModelSettings
from workflow_scripts.geometry.cameras import intrinsics, rays_camera, world_from_camera
from workflow_scripts.models.shared_prefix import IGNORE_INDEX
from workflow_scripts.models.video.scan_rows import (
    EncodedQuestion,
    EncodedScan,
    ScanFrames,
    ScanQuestion,
)
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_generation import generate_tokens
from workflow_scripts.models.video.video_model import VideoModel

ROOM_M = np.array([4.0, 3.0, 2.5])
BASES = ("tiny", "llava-1.5", "onevision", "qwen2-vl", "qwen2.5-vl", "qwen3-vl")
# Parts of the walls: centre and size.
BOXES = np.array(
    [
        [4.0, 1.5, 1.25, 0.4, 3.0, 2.5],
        [2.0, 3.0, 1.25, 4.0, 0.4, 2.5],
        [0.0, 1.5, 1.25, 0.4, 3.0, 2.5],
    ]
)


def room_frames(count: int = 2, *, width_px: int = 56, height_px: int = 42) -> ScanFrames:
    """Return frames of a camera that turns in an empty room; the pixels are noise."""
    k = intrinsics(width_px=width_px, height_px=height_px, vertical_fov_deg=60.0)
    rays = rays_camera(k, width_px=width_px, height_px=height_px).reshape(-1, 3).T
    poses, depths = [], []
    middle = np.array([2.0, 1.5, 1.3])
    for number in range(count):
        pose = world_from_camera(middle, yaw_deg=90.0 * number, pitch_deg=-5.0)
        directions = pose[:3, :3] @ rays
        with np.errstate(divide="ignore"):
            walls = np.where(directions > 0, ROOM_M[:, None], 0.0) - middle[:, None]
            depths.append(np.min(walls / directions, axis=0).reshape(height_px, width_px))
        poses.append(pose)
    depth = np.array(depths, np.float32)
    depth[:, 3:5, 7:20] = np.nan
    rng = np.random.default_rng(count)
    rgb = rng.integers(0, 256, (count, height_px, width_px, 3), dtype=np.uint8)
    return ScanFrames(rgb, depth, np.array([k] * count), np.array(poses))


QUESTIONS = [
    ScanQuestion("Which object is it? The wall on the left.", "<ground>", targets=[1]),
    ScanQuestion("What is at <coord>?", "a wall", points_m=[(4.0, 1.5, 1.25)]),
    ScanQuestion("Is it?", "no"),
    ScanQuestion("Which object is it? The sofa.", "<ground>"),
    ScanQuestion("Which objects are walls?", "<ground> wall", targets=[0, 2]),
]


def check_tokens_are_those_read_anew(
    model: VideoModel,
    inputs: VideoProcessor,
    scan: EncodedScan,
    encoded: Sequence[EncodedQuestion],
    *,
    max_new_tokens: int,
) -> None:
    """Every generated token is the likeliest one after all before it, read without a cache."""
    (row,) = inputs.rows(scan, encoded)
    produced = generate_tokens(
        model, inputs.collate([row]), max_new_tokens=max_new_tokens, end_tokens=set()
    )
    for entry, answer in zip(encoded, produced, strict=True):
        read = entry
        for token in answer:
            batch = inputs.collate(inputs.rows(scan, [read]))
            hidden = model.read(batch, model.encode_scene(batch))[0, -1]
            assert int(model.base.get_output_embeddings()(hidden).argmax()) == token
            read = replace(read, tokens=[*read.tokens, token], labels=[*read.labels, IGNORE_INDEX])


def make_model(kind: str, **settings: object) -> tuple[VideoModel, VideoProcessor]:
    """Return a tiny video model of a class in float64, and its processor."""
    model, processor = MODELS[kind]()
    parsed = VideoModelSettings.parse(settings)
    inputs = VideoProcessor(processor, model.config, parsed)
    torch.manual_seed(5)
    video = VideoModel(model, inputs.special_tokens, parsed).double()
    return video.eval(), inputs
