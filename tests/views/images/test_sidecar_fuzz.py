"""Hundreds of broken depth maps, cameras and masks: each is read, or has a reason."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing.mutations import byte_mutations, cpu_limit, json_mutations
from testing.photos import picture, read_row
from workflow_scripts.common.image_decoding import UnusableImage, decode_image
from workflow_scripts.sources.readers.sidecar_files import UnusableSidecar
from workflow_scripts.views.images.backends.masks import UserMasks
from workflow_scripts.views.images.letterbox import Letterbox
from workflow_scripts.views.images.proposals import PhotoView, ProposerOptions
from workflow_scripts.views.images.sidecars import read_camera, read_depth

WIDTH_PX, HEIGHT_PX = 96, 64
SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
DEPTH_MM = np.linspace(800, 4000, WIDTH_PX * HEIGHT_PX).reshape(HEIGHT_PX, WIDTH_PX)
DEPTH_MM = DEPTH_MM.astype(np.uint16)
OUTLINE = [[20, 20, 60, 20, 60, 50, 20, 50]]
RUNS = {"size": [HEIGHT_PX, WIDTH_PX], "counts": [64, 640, 5440]}
COCO = {
    "images": [{"id": 1, "width": WIDTH_PX, "height": HEIGHT_PX}],
    "categories": [{"id": 3, "name": "box"}],
    "annotations": [
        {"category_id": 3, "segmentation": OUTLINE, "score": 0.9},
        {"category_id": 3, "segmentation": RUNS},
    ],
}
CAMERA = {
    "K": [[80.0, 0, 48.0], [0, 80.0, 32.0], [0, 0, 1]],
    "width": WIDTH_PX,
    "height": HEIGHT_PX,
    "world_from_camera": np.eye(4).tolist(),
}


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


DEPTH_FILES = {
    "a.png": saved(lambda file: Image.fromarray(DEPTH_MM).save(file, format="PNG")),
    "a.tif": saved(lambda file: Image.fromarray(DEPTH_MM).save(file, format="TIFF")),
    "a.npy": saved(lambda file: np.save(file, DEPTH_MM / np.float32(1000))),
    "a.npz": saved(lambda file: np.savez(file, depth=DEPTH_MM)),
}


@pytest.mark.parametrize("name", DEPTH_FILES)
def test_a_broken_depth_map_is_read_or_has_a_reason(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    messages: list[str] = []
    for broken in byte_mutations(DEPTH_FILES[name], seed=11, count=150):
        path.write_bytes(broken)
        with cpu_limit():
            try:
                depth_m = read_depth(path, depth_unit_m=0.001, **SIZE)
            except UnusableSidecar as error:
                messages.append(str(error))
                continue
        assert depth_m.ndim == 2
        assert depth_m.size < 10 * WIDTH_PX * HEIGHT_PX
        assert np.isfinite(depth_m).any()
    assert len(messages) > 20
    assert all(message.startswith("depth: ") for message in messages)


@pytest.mark.parametrize("name", ["a.json", "a.txt"])
def test_a_broken_camera_is_read_or_has_a_reason(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = "\n".join(" ".join(map(str, row)) for row in CAMERA["K"]).encode()  # type: ignore[attr-defined]
    is_json = name.endswith(".json")
    messages: list[str] = []
    for broken in json_mutations(CAMERA, seed=12) if is_json else byte_mutations(rows, seed=13):
        path.write_bytes(broken)
        with cpu_limit():
            try:
                camera = read_camera(path, **SIZE)
            except UnusableSidecar as error:
                messages.append(str(error))
                continue
        assert np.isfinite(camera.intrinsics).all()
        assert camera.world_from_camera is None or np.isfinite(camera.world_from_camera).all()
    assert len(messages) > 100
    assert all(message.startswith(("intrinsics: ", "pose: ")) for message in messages)


@pytest.mark.parametrize("form", ["list", "labels", "ids"])
def test_broken_masks_are_read_or_have_a_reason(tmp_path: Path, form: str) -> None:
    ids = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    ids[10:40, 10:50] = 1
    ids[:, 70:] = 7
    png = saved(lambda file: Image.fromarray(ids).save(file, format="PNG"))
    if form != "list":
        (tmp_path / "0.png").write_bytes(png)
    if form != "labels":
        (tmp_path / "0.json").write_text(json.dumps({"1": "box", "7": "chair"}))
    box = Letterbox.fit(**SIZE, frame_width_px=64, frame_height_px=64)
    rgb = box.rgb(picture(**SIZE))[box.y0 : box.y1, box.x0 : box.x1]
    photo = PhotoView(rgb, read_row(0, box))
    options = ProposerOptions(
        model="", phrases=(), min_confidence=0.3, masks=str(tmp_path), device="cpu"
    )
    reader = UserMasks(options)
    labels = {"labels": {"1": "box", "7": {"class": "chair"}, "9": None}}
    mutated = {
        "list": lambda: json_mutations(COCO, seed=14),
        "labels": lambda: json_mutations(labels, seed=15),
        "ids": lambda: byte_mutations(png, seed=16),
    }[form]
    num_refused = 0
    for broken in mutated():
        (tmp_path / ("0.png" if form == "ids" else "0.json")).write_bytes(broken)
        with cpu_limit():
            (proposals,) = reader.propose([photo])
        assert all(proposal.reason or proposal.mask.any() for proposal in proposals)
        for proposal in proposals:
            proposal.label.encode()
        num_refused += all(proposal.reason for proposal in proposals)
    assert num_refused > 20


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_broken_photo_is_read_or_has_a_reason(kind: str) -> None:
    content = saved(lambda file: Image.fromarray(picture(**SIZE)).save(file, format=kind))
    num_refused = 0
    for broken in byte_mutations(content, seed=17, count=150):
        with cpu_limit():
            try:
                image = decode_image(broken, min_side_px=16, max_pixels=1_000_000)
            except UnusableImage:
                num_refused += 1
                continue
        assert image.rgb.dtype == np.uint8
    assert num_refused > 20
