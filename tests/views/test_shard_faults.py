"""The stage's command with bad input, a failing engine, a full disk, and being killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.box_scenes import living_room_scene
from testing.box_scenes import render as draw
from testing.result_files import record_checksum
from tests.views import houses
from tests.views.box_renderer import BoxHouse, BoxRenderer
from tests.views.shards import ROOT, fingerprint, render, scene
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import table_path
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views import shard
from workflow_scripts.views.credits import Credit
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.renderer import BACKENDS, EngineError


@pytest.fixture(autouse=True)
def _box_backend(monkeypatch):
    monkeypatch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")


class FailingHouse(BoxHouse):
    def render(self, camera, *, seed):
        if seed % 2:
            raise UserError("Unity failed twice")
        return super().render(camera, seed=seed)


def test_a_room_that_fails_halfway_leaves_no_frame_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(
        BoxRenderer, "load", lambda self, house, *, scene_id: FailingHouse(house, scene_id)
    )
    found = render(tmp_path, [scene(name, houses.living_room()) for name in "abcdef"], random=0)
    rows = read_records(tmp_path / "0000.skipped.jsonl", SkippedItem)
    assert rows
    assert {row.reason for row in rows} == {"Unity failed twice"}
    assert not set(found.views.scene_id) & {row.scene_id for row in rows}
    assert len(found) == len(found.views)
    assert set(found.visibility["view"]) == set(found.views["view"])


def test_an_engine_that_cannot_run_stops_the_shard(tmp_path, monkeypatch):
    def fail(self, house, *, scene_id):
        raise EngineError("AI2-THOR cannot start")

    monkeypatch.setattr(BoxRenderer, "load", fail)
    with pytest.raises(EngineError):
        render(tmp_path, [scene("a", houses.living_room())])
    assert [path.name for path in tmp_path.iterdir() if path.name != ".checksums"] == [
        "scenes.jsonl"
    ]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"backend": "unity"}, "unknown views backend 'unity'"),
        ({"width_px": 0}, "width_px: 0 is less than the minimum of 16"),
        ({"vertical_fov_deg": 180.0}, "vertical_fov_deg: 180.0 is greater than the maximum"),
        ({"min_pixels": 0}, "min_pixels: 0 is less than the minimum of 1"),
        ({"min_pixels": 9999}, "min_pixels: 9999 is more than the 3072 pixels of a view"),
        ({"corner": -1}, "policies.corner: -1 is less than the minimum of 0"),
        ({"corner": 0, "random": 0, "top_down": 0}, "policies: asks for no view"),
    ],
)
def test_impossible_settings_are_refused_by_key(tmp_path, flags, words):
    with pytest.raises(UserError, match=words.replace("(", r"\(")):
        render(tmp_path, [scene("a", houses.living_room())], **flags)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "has no scene"), ('{"house": 1}\n', "line 1"), ("{", "line 1")],
)
def test_a_damaged_scene_file_is_named_without_a_stack_trace(tmp_path, text, words):
    (tmp_path / "scenes.jsonl").write_text(text)
    record_checksum(tmp_path / "scenes.jsonl")
    done = command(tmp_path, "--backend", "pathtrace", "--seed", "7")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].strip()
    assert "error:" in done.stderr
    assert "scenes.jsonl" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != ".checksums"] == [
        "scenes.jsonl"
    ]


def command(folder: Path, *flags: str) -> subprocess.CompletedProcess:
    """Run the stage as a user would."""
    words = [sys.executable, "-m", "workflow_scripts.views.shard"]
    files = ["--scenes", str(folder / "scenes.jsonl"), "--out", str(folder / "0000.zarr")]
    return subprocess.run(
        [*words, *files, *flags], cwd=ROOT, capture_output=True, text=True, check=False
    )


SLOW_RUN = """
import sys
from pathlib import Path
from tests.views.shards import SEED, view_settings
from workflow_scripts.views import shard
from workflow_scripts.views.renderer import BACKENDS
BACKENDS["boxes"] = "tests.views.box_renderer:BoxRenderer"
folder = Path(sys.argv[1])
shard.main(scenes=folder / "scenes.jsonl", out=folder / "0000.zarr", seed=SEED,
           settings=view_settings(corner=2, random=2))
"""


def test_a_kill_at_any_moment_leaves_nothing_half_written(tmp_path):
    scenes = [scene(name, houses.living_room()) for name in "abc"]
    whole = tmp_path / "whole"
    render(whole, scenes, corner=2, random=2)
    wanted = fingerprint(whole)
    folder = tmp_path / "killed"
    write_records(folder / "scenes.jsonl", scenes)
    words = [sys.executable, "-c", SLOW_RUN, str(folder)]
    start = time.monotonic()
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    duration = time.monotonic() - start
    assert fingerprint(folder) == wanted
    for share in (0.6, 0.8, 0.93):
        for path in [*folder.iterdir(), *(folder / ".checksums").iterdir()]:
            if path.name not in ("scenes.jsonl", "scenes.jsonl.json", ".checksums"):
                subprocess.run(["rm", "-r", str(path)], check=True)
        process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
        time.sleep(share * duration)
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = {p: h for p, h in fingerprint(folder).items() if ".partial" not in p}
        assert left.items() <= wanted.items()
        if any(name.startswith("0000.zarr") for name in left):
            zarr = {name for name in wanted if name.startswith("0000.zarr")}
            assert zarr <= set(left)
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    assert fingerprint(folder) == wanted


def test_the_spool_forgets_what_is_truncated(tmp_path):
    boxes, cameras = living_room_scene(width_px=16, height_px=12)
    with FrameSpool(tmp_path, width_px=16, height_px=12) as spool:
        frames = [Frame(*draw(boxes, camera)) for camera in cameras]
        for frame, camera in zip(frames, cameras, strict=True):
            spool.add(frame, camera)
        spool.truncate(1)
        spool.add(frames[1], cameras[1])
        arrays = spool.arrays()
        assert len(spool) == 2
        assert (arrays["rgb"][1] == frames[1].rgb).all()
        np.testing.assert_array_equal(arrays["depth_m"][0], frames[0].depth_m.astype("f4"))
        with pytest.raises(ValueError, match="pixels"):
            spool.add(
                Frame(*(a[:5] for a in (frames[0].rgb, frames[0].depth_m, frames[0].instance))),
                cameras[0],
            )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path):
    images = Frame(np.zeros((12, 16, 3)), np.zeros((12, 16)), np.zeros((12, 16)))
    camera = Camera(16, 12, np.eye(3), np.eye(4))
    with FrameSpool(tmp_path, width_px=16, height_px=12) as spool:
        spool._files["rgb"].close()
        spool._files["rgb"] = open("/dev/full", "wb")  # noqa: SIM115 (closed by the spool)
        spool.add(images, camera)
        with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"):
            spool.arrays()


def test_credits_are_sorted_and_named_once(tmp_path):
    credit = Credit("Chair_1", "Scopia", "Chair", "Scopia", "CC-BY 3.0")
    other = Credit("Bed_1", "BlendSwap", "Bed", "Ann", "CC0")
    shard.write_credits(tmp_path / "x.credits.csv", [credit, other, credit])
    rows = pd.read_csv(tmp_path / "x.credits.csv")
    assert rows.asset_id.tolist() == ["Bed_1", "Chair_1"]
    assert table_path(tmp_path / "x.zarr", "views").name == "x.views.parquet"


def test_a_room_and_a_house_that_break_a_renderer_cost_only_themselves(tmp_path, monkeypatch):
    class BrokenRoom(BoxHouse):
        def render(self, camera, *, seed):
            raise KeyError("polygon")

    def load(self, house, *, scene_id):
        if scene_id == "b":
            raise ZeroDivisionError("a wall of no length")
        return (BrokenRoom if scene_id == "c" else BoxHouse)(house, scene_id)

    monkeypatch.setattr(BoxRenderer, "load", load)
    found = render(tmp_path, [scene(name, houses.living_room()) for name in "abcd"])
    assert set(found.views.scene_id) == {"a", "d"}
    rows = read_records(tmp_path / "0000.skipped.jsonl", SkippedItem)
    reasons = {row.scene_id: row.reason for row in rows if row.scene_id in "bc"}
    assert reasons == {"b": "ZeroDivisionError: a wall of no length", "c": "KeyError: 'polygon'"}
    # Where it leaves nothing, it is no fault of the houses.
    with pytest.raises(ZeroDivisionError):
        render(tmp_path / "none", [scene("b", houses.living_room())])
