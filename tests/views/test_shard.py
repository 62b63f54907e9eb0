"""The stage's command: what it writes, what it skips, what it refuses, and being killed."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.synthetic import living_room_scene
from tests.synthetic import render as draw
from tests.views import houses
from tests.views.box_renderer import BoxHouse, BoxRenderer
from workflow_scripts.common.cameras import Camera, project
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import (
    ObjectRow,
    Scene,
    Skipped,
    ViewRow,
    VisibilityRow,
)
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.views import ViewShard, table_path
from workflow_scripts.views import shard
from workflow_scripts.views.policies import CAMERA_HEIGHT_M
from workflow_scripts.views.probe import BLOCKED, EMPTY
from workflow_scripts.views.renderer import BACKENDS, Credit, EngineError, Frame
from workflow_scripts.views.spool import FrameSpool

ROOT = Path(__file__).parents[2]
SMALL = {"width_px": 64, "height_px": 48, "min_pixels": 10, "seed": 3}
ENDINGS = (
    "credits.csv",
    "objects.parquet",
    "png",
    "skipped.jsonl",
    "views.parquet",
    "visibility.parquet",
    "zarr",
)


@pytest.fixture(autouse=True)
def _box_backend(monkeypatch):
    monkeypatch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")


def scene(scene_id: str, house: dict | None, skipped: str | None = None) -> Scene:
    return Scene(
        source="procthor",
        scene_id=scene_id,
        split="train",
        origin="by hand",
        house=house,
        skipped=skipped,
    )


def render(folder: Path, scenes: list[Scene], **flags) -> ViewShard:
    write_records(folder / "scenes.jsonl", scenes)
    out = folder / "0000.zarr"
    settings = {"backend": "boxes", **SMALL, **flags}
    shard.main(scenes=folder / "scenes.jsonl", out=out, **settings)
    return ViewShard.open(out)


def fingerprint(folder: Path) -> dict[str, str]:
    """Return a hash of every file of a shard, those inside the Zarr folder included."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "scenes.jsonl"
    }


@pytest.fixture(scope="module")
def two_scenes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")
        folder = tmp_path_factory.mktemp("two")
        return render(
            folder,
            [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())],
            corner=3,
            random=2,
            panorama=4,
        )


def test_every_policy_gives_its_number_of_views_per_room(two_scenes):
    counts = two_scenes.views.groupby(["scene_id", "policy"]).size().to_dict()
    for scene_id in "ab":
        assert counts[scene_id, "corner"] == 3
        assert counts[scene_id, "random"] == 2
        assert counts[scene_id, "panorama"] == 4
        assert counts[scene_id, "top_down"] == 1
    assert len(two_scenes) == len(two_scenes.views) == 20


def test_tables_have_the_columns_of_their_records_and_keys_are_unique(two_scenes):
    for rows, model, keys in (
        (two_scenes.views, ViewRow, ["view"]),
        (two_scenes.views, ViewRow, ["view_id"]),
        (two_scenes.objects, ObjectRow, ["scene_id", "instance"]),
        (two_scenes.visibility, VisibilityRow, ["view", "instance"]),
    ):
        assert list(rows.columns) == list(model.model_fields)
        assert not rows.duplicated(keys).any()
    assert two_scenes.views["view"].tolist() == list(range(20))


def test_masks_and_visibility_agree(two_scenes):
    for view in range(len(two_scenes)):
        numbers, counts = np.unique(two_scenes.instance(view), return_counts=True)
        found = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        found.pop(0, None)
        rows = two_scenes.visibility[two_scenes.visibility["view"] == view]
        assert dict(zip(rows.instance, rows.pixels, strict=True)) == found


def test_the_best_view_of_a_room_shows_most_objects(two_scenes):
    views = two_scenes.views
    for _, room in views[views.policy != "top_down"].groupby(["scene_id", "room_id"]):
        best = room[room.is_best]
        assert len(best) == 1
        assert best.num_visible_objects.item() == room.num_visible_objects.max()
    assert not views[views.policy == "top_down"].is_best.any()


def test_objects_below_min_pixels_do_not_count(two_scenes):
    kinds = two_scenes.objects.set_index(["scene_id", "instance"]).kind
    for row in two_scenes.views.itertuples():
        seen = two_scenes.visibility[two_scenes.visibility["view"] == row.view]
        things = [
            pixels
            for instance, pixels in zip(seen.instance, seen.pixels, strict=True)
            if kinds[row.scene_id, instance] == "object"
        ]
        assert row.num_visible_objects == sum(pixels >= SMALL["min_pixels"] for pixels in things)


def test_cameras_are_the_true_ones(two_scenes):
    for row in two_scenes.views.itertuples():
        camera = two_scenes.camera(row.view)
        assert camera.vertical_fov_deg == pytest.approx(row.vertical_fov_deg)
        if row.policy == "top_down":
            assert camera.world_from_camera[:3, 2] == pytest.approx([0, 0, -1])
        else:
            assert camera.position_m[2] == CAMERA_HEIGHT_M
            assert camera.vertical_fov_deg == pytest.approx(90.0)


def test_views_from_above_look_through_the_ceiling(two_scenes):
    objects = two_scenes.objects
    above = two_scenes.views[two_scenes.views.policy == "top_down"]
    for row in above.itertuples():
        ceilings = objects[(objects.category == "ceiling") & (objects.scene_id == row.scene_id)]
        assert len(ceilings) == 1
        assert not np.isin(two_scenes.instance(row.view), ceilings.instance).any()
        assert row.num_visible_objects >= 1


def test_the_attributes_say_how_the_shard_was_made(two_scenes):
    attributes = dict(two_scenes.group.attrs)
    assert attributes["backend"] == "boxes"
    assert attributes["renderer"] == {"renderer": "boxes"}
    assert attributes["policies"]["panorama"] == 4
    assert set(attributes["rejected_candidates"]) <= {"corner", "random"}
    assert "/" not in str(attributes)


def test_the_contact_sheet_is_a_picture(two_scenes):
    with Image.open(two_scenes.path.with_suffix(".png")) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 1000


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    scenes = [scene("a", houses.living_room())]
    for name in ("first", "second"):
        render(tmp_path / name, scenes, corner=1, random=1)
    assert fingerprint(tmp_path / "first") == fingerprint(tmp_path / "second")


def test_a_scene_does_not_depend_on_its_neighbours(tmp_path):
    alone = render(tmp_path / "alone", [scene("b", houses.l_shaped_room())], corner=2, random=1)
    after = render(
        tmp_path / "after",
        [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())],
        corner=2,
        random=1,
    )
    offset = int(after.views[after.views.scene_id == "b"]["view"].min())
    for view in range(len(alone)):
        assert (alone.rgb(view) == after.rgb(view + offset)).all()
        assert alone.views.view_id[view] == after.views.view_id[view + offset]


def test_what_cannot_be_shown_is_a_row_with_its_reason(tmp_path):
    bad = houses.living_room()
    bad["objects"][0]["assetId"] = "Sofa_of_nobody"
    empty = houses.living_room()
    empty["objects"] = []
    # A bed as large as the room leaves no place to stand.
    closet = [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
    full = houses.house_of(
        [houses.room_entry("room|4", closet)],
        houses.wall_entries("room|4", closet),
        [houses.thing("Bed|4|0", "Bed", (0.5, 0.5, 0.5))],
    )
    found = render(
        tmp_path,
        [
            scene("gone", None, "no area"),
            scene("bad", bad),
            scene("empty", empty),
            scene("full", full),
            scene("good", houses.living_room()),
        ],
    )
    assert set(found.views.scene_id) == {"good"}
    assert set(found.objects.scene_id) == {"good"}
    rows = read_records(tmp_path / "0000.skipped.jsonl", Skipped)
    reasons = {(row.scene_id, row.item): row.reason for row in rows}
    assert reasons["gone", "house"] == "no area"
    assert "Sofa_of_nobody" in reasons["bad", "house"]
    assert EMPTY in reasons["empty", "room|2 corner"]
    assert "no floor point" in reasons["full", "room|4 corner"]
    assert dict(found.group.attrs)["rejected_candidates"]["corner"][EMPTY] >= 8


def test_a_shard_of_unusable_scenes_is_whole_and_empty(tmp_path):
    found = render(tmp_path, [scene("gone", None, "no area")])
    assert len(found) == 0
    assert found.views.empty
    assert found.group["rgb"].shape == (0, 48, 64, 3)
    assert {path.name for path in tmp_path.iterdir()} == {
        "scenes.jsonl",
        *(f"0000.{ending}" for ending in ENDINGS),
    }


def test_a_wall_before_the_camera_is_rejected_and_counted(tmp_path):
    narrow = [(0.0, 1.3), (6.0, 1.3), (6.0, 0.0), (0.0, 0.0)]
    house = houses.house_of(
        [houses.room_entry("room|2", narrow)],
        houses.wall_entries("room|2", narrow),
        [houses.thing("Chair|2|0", "Chair", (5.5, 0.5, 0.6))],
    )
    found = render(tmp_path, [scene("hall", house)], corner=0, random=3)
    assert dict(found.group.attrs)["rejected_candidates"]["random"][BLOCKED] >= 1


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
    rows = read_records(tmp_path / "0000.skipped.jsonl", Skipped)
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
    assert [path.name for path in tmp_path.iterdir()] == ["scenes.jsonl"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"backend": "unity"}, "unknown views backend 'unity'"),
        ({"width_px": 0}, "views.width_px is 0"),
        ({"vertical_fov_deg": 180.0}, "views.vertical_fov_deg is 180.0"),
        ({"min_pixels": 0}, "views.min_pixels is 0"),
        ({"corner": -1}, "views.policies.corner is -1"),
        ({"corner": 0, "random": 0, "top_down": 0}, "asks for no view"),
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
    done = command(tmp_path, "--backend", "pathtrace")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].strip()
    assert "error:" in done.stderr
    assert "scenes.jsonl" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["scenes.jsonl"]


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
from workflow_scripts.views import shard
from workflow_scripts.views.renderer import BACKENDS
BACKENDS["boxes"] = "tests.views.box_renderer:BoxRenderer"
folder = Path(sys.argv[1])
shard.main(scenes=folder / "scenes.jsonl", out=folder / "0000.zarr", backend="boxes",
           width_px=64, height_px=48, min_pixels=10, seed=3, corner=2, random=2)
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
        for path in folder.iterdir():
            if path.name != "scenes.jsonl":
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


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (50, 50)])
def test_the_view_from_above_fits_pictures_of_every_shape(tmp_path, size):
    width_px, height_px = size
    found = render(
        tmp_path,
        [scene("l", houses.l_shaped_room())],
        corner=1,
        random=0,
        width_px=width_px,
        height_px=height_px,
    )
    row = found.views[found.views.policy == "top_down"].iloc[0]
    corners = np.array([[x, z, 0.0] for x, z in houses.L_SHAPE])
    camera = found.camera(row["view"])
    pixels, _ = project(corners, camera.intrinsics, camera.world_from_camera)
    assert (pixels > 0).all()
    assert (pixels < (width_px, height_px)).all()
