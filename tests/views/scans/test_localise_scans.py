"""Objects that a network finds in frames become objects of the scan; a stand-in finds them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing.posed_room import BOXES, PosedRoom, make_room, walk
from testing.scan_layouts.scannet import write_posed_images
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.scan_localise import LocaliseScansSettings, ScanLocaliseSettings
from workflow_scripts.sources.scans import ScansSettings
from workflow_scripts.views.images.proposals import PhotoView, Proposal
from workflow_scripts.views.scans import localise_scans, read_scans
from workflow_scripts.views.scans.open_scan import open_scene
from workflow_scripts.views.scans.read_scans import ScanViewSettings

SCAN = "scene0000_00"
SETTINGS = {"min_pixels": 1, "max_border_sides": 4, "exclude_labels": []}


class Finder:
    """Proposes the true masks of frames, known by their names; fails at some."""

    def __init__(self, masks: dict[str, np.ndarray], fails_at: str = "") -> None:
        self.masks, self.fails_at = masks, fails_at

    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        (photo,) = photos
        if photo.row.stem == self.fails_at:
            raise RuntimeError("out of order")
        ids = self.masks[photo.row.stem]
        assert photo.rgb.shape[:2] == ids.shape
        return [
            [
                Proposal(f"a {label}", 0.9, (0.0, 0.0, 9.0, 9.0), ids == number)
                for number, (label, _, _) in enumerate(BOXES, start=1)
                if (ids == number).any()
            ]
        ]


def find(folder: Path, room: PosedRoom, finder: Finder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a scan and find its masks."""
    path = write_posed_images(folder, room)
    scene = ScanScene(
        **{"source": "scans", "scene_id": f"scans-{SCAN}", "split": "train", "house": None},
        **{"origin": "tests", "format": "scannet", "name": SCAN, "path": str(path)},
    )
    write_records(folder / "scenes.jsonl", [scene])
    monkeypatch.setattr(localise_scans, "load", lambda *_: (finder, None))
    settings = LocaliseScansSettings.parse({"localise": {"backend": "florence2", **SETTINGS}})
    out = folder / "0000.masks"
    localise_scans.main(scenes=folder / "scenes.jsonl", out=out, settings=settings)
    return out


@pytest.mark.parametrize("roll_deg", [0, 90])
def test_objects_of_frames_become_objects_of_the_scan(
    roll_deg: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Colour has the size of depth, so that ids of depth are those of colour.
    size = (64, 48)
    poses = walk(8, roll_deg=roll_deg)
    room = make_room(8, colour_size_px=size, depth_size_px=size, poses=poses)
    # What the network sees stands upright.
    stored = {f"{10 * n:05d}": ids for n, ids in enumerate(room.instance)}
    with open_scene(scene_of(tmp_path / "look", room)) as scan:
        turns = scan.frames[0].quarter_turns
        assert bool(turns) == bool(roll_deg)
    masks = {name: np.rot90(ids, turns) for name, ids in stored.items()}
    out = find(tmp_path, room, Finder(masks), monkeypatch)
    written = np.asarray(Image.open(out / SCAN / "00000.png"))
    assert np.array_equal(written > 0, room.instance[0] > 0), "as the pictures are stored"
    labels = json.loads((out / SCAN / "00000.json").read_text())
    assert set(labels.values()) <= {label for label, *_ in BOXES}
    read_scans.main(
        scenes=tmp_path / "scenes.jsonl",
        out=tmp_path / "0000.zarr",
        settings=ScanViewSettings.parse({"min_pixels": 20, "min_mask_frames": 2}),
        localised_masks=out,
    )
    found = ViewShard.open(tmp_path / "0000.zarr").objects
    # A camera on its side does not see the cabinet.
    seen = BOXES[:3] if roll_deg else BOXES
    assert sorted(found.category) == sorted(label for label, *_ in seen)
    for row in found.itertuples():
        distances = [
            np.abs(np.array([row.x_m, row.y_m]) - (np.array(low) + np.array(high))[:2] / 2).max()
            for label, low, high in BOXES
            if label == row.category
        ]
        assert min(distances) < 0.25


def scene_of(folder: Path, room: PosedRoom) -> ScanScene:
    path = write_posed_images(folder, room)
    return ScanScene(
        **{"source": "scans", "scene_id": f"scans-{SCAN}", "split": "train", "house": None},
        **{"origin": "tests", "format": "scannet", "name": SCAN, "path": str(path)},
    )


def test_a_frame_in_which_the_search_fails_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (64, 48)
    room = make_room(6, colour_size_px=size, depth_size_px=size)
    masks = {f"{10 * n:05d}": ids for n, ids in enumerate(room.instance)}
    out = find(tmp_path, room, Finder(masks, fails_at="00020"), monkeypatch)
    assert len(list((out / SCAN).glob("*.png"))) == 5
    (row,) = read_records(tmp_path / "0000.masks.skipped.jsonl", SkippedItem)
    assert row.item == "masks of frame 00020"
    assert "out of order" in row.reason


def test_messages_about_networks_name_the_settings_of_scans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UserError("sources.images.localise.model: 'x' is no model")

    monkeypatch.setattr(localise_scans, "load_networks", fail)
    choices = ScanLocaliseSettings.parse({})
    with pytest.raises(UserError, match=r"sources\.scans\.localise\.model: 'x'"):
        localise_scans.load(choices, "scans", "cpu")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"masks": "m", "path": "p"}, "masks: given beside localise"),
        ({"boxes": "b.json", "path": "p"}, "boxes: given beside localise"),
        ({"format": "simulated"}, "path: null, but localise"),
        ({"path": "p", "localise": {"backend": "grounding_dino"}}, "phrases: empty"),
        ({"path": "p", "localise": {"backend": "masks"}}, "backend"),
    ],
)
def test_settings_that_do_not_fit_are_named(values: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        ScansSettings.parse({"format": "auto", "localise": {}, **values})
