"""R2D3's list without mask pictures, and as a gzip file."""

import gzip
import json

import numpy as np
import pytest

from tests.layouts.r2d3_files import convert, entry, save_pictures, vec
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.geometry.cameras import Camera, project
from workflow_scripts.layouts.answer_format import target_layout
from workflow_scripts.layouts.frustum import box_area_px
from workflow_scripts.layouts.r2d3_list import iterate_json_list
from workflow_scripts.layouts.room_layout import record_camera


@pytest.mark.parametrize("named", [True, False])
def test_without_mask_pictures_answers_say_what_the_camera_can_see(tmp_path, named):
    save_pictures(tmp_path / "images", 0, masks=False)
    item = entry(0)
    item[3]["2"] = [vec(3.0, 0.9, 0.5), vec(0, 180, 0)]  # towards the wall behind the camera
    if not named:
        item[5] = [[], None]
    records, _ = convert(tmp_path, [item])
    ahead, behind = records
    assert ahead.visibility == behind.visibility == ("names" if named else "frustum")
    seen = [item for item in ahead.objects if item.is_visible]
    assert {item.category for item in seen} == (
        {"DiningTable"} if named else {"DiningTable", "Chair"}
    )
    table = seen[0]
    # The box's outline: between the pixels of its middle and those of the whole picture.
    camera = record_camera(ahead)
    _, depth = project(table.centre_m, camera.intrinsics, camera.world_from_camera)
    least = (table.size_m[2] * camera.intrinsics[1, 1] / depth) ** 2 / 4
    assert least < table.pixels < 80 * 80
    assert not [item for item in behind.objects if item.pixels]
    settings = LayoutTextSettings(format="object_list", objects="visible")
    assert "dining table" in [box.label for box in target_layout(ahead, settings).boxes]
    assert target_layout(behind, settings).boxes == ()


def test_a_box_as_large_as_the_picture_covers_it():
    camera = Camera.look(
        [0, 0, 0], yaw_deg=0, pitch_deg=0, width_px=80, height_px=60, vertical_fov_deg=90
    )
    ahead = camera.world_from_camera[:3, 2]
    upright = np.eye(3)
    assert box_area_px(3 * ahead, np.full(3, 100.0), upright, camera) == 80 * 60  # within it
    assert box_area_px(-3 * ahead, np.ones(3), upright, camera) == 0
    # A face of 1 m at 2.5 m and a focal length of 30 pixels.
    area = box_area_px(3 * ahead, np.ones(3), upright, camera)
    assert area == pytest.approx((30 / 2.5) ** 2)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_list_may_be_gzipped(tmp_path, start):
    content = start + json.dumps([[1, "x"], {}]).encode()
    path = tmp_path / "list.json.gz"
    path.write_bytes(gzip.compress(content))
    assert list(iterate_json_list(path)) == [[1, "x"], {}]
    whole = path.read_bytes()
    for broken in (whole[:-9], whole[:20] + b"\0" + whole[21:]):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=r"list\.json\.gz: damaged gzip file|not valid JSON"):
            list(iterate_json_list(path))
