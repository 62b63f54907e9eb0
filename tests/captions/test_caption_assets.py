"""One caption per asset, from the picture that shows it best."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from testing.box_scenes import Box, room, write_shard
from tests.captions.rooms import cameras
from workflow_scripts.captions.requests import (
    asset_requests,
    best_asset_views,
    crop,
    select_views,
)
from workflow_scripts.common.records import Caption, ViewRow, records_to_frame
from workflow_scripts.common.storage import read_records, read_table, write_table
from workflow_scripts.common.view_shard import ViewShard, table_path

ROOT = Path(__file__).parents[2]
NEAR = Box("Ottoman", (2.5, 1.6, 0.3), (0.6, 0.6, 0.6), 0.0, (170, 40, 40))
FAR = replace(NEAR, centre_m=(2.5, 3.5, 0.3))
HIDDEN = Box("Vase", (2.5, 3.8, 0.02), (0.02, 0.02, 0.04), 0.0, (40, 60, 190))


def shards(tmp_path: Path, *, splits: dict[str, str] | None = None) -> list[Path]:
    """Write two shards: the ottoman is far in house-0 and near in house-1; a vase is hidden."""
    found = []
    for number, ottoman in enumerate((FAR, NEAR)):
        boxes = [*room(), ottoman, *([HIDDEN] if number else [])]
        path = tmp_path / f"{number:04d}.zarr"
        scenes = {f"house-{number}": (boxes, cameras())}
        found.append(write_shard(path, scenes, splits=splits))
    return found


def test_the_view_with_most_of_an_asset_wins_over_all_shards(tmp_path: Path) -> None:
    best = {
        found.facts.asset_id: found
        for found in best_asset_views(shards(tmp_path), source="procthor")
    }

    assert list(best) == ["Ottoman_1", "Vase_1"]
    assert (best["Ottoman_1"].scene_id, best["Ottoman_1"].view) == ("house-1", 0)
    assert best["Vase_1"].shard is None


def test_a_training_house_wins_over_a_better_view_of_a_test_house(tmp_path: Path) -> None:
    splits = {"house-0": "train", "house-1": "test"}
    ottoman, _ = best_asset_views(shards(tmp_path, splits=splits), source="procthor")

    assert (ottoman.scene_id, ottoman.split) == ("house-0", "train")


def test_a_hidden_part_counts_against_a_view(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    table_of_near = table_path(paths[1], "visibility")
    visibility = read_table(table_of_near)
    visibility["fraction_visible"] = 0.05
    write_table(table_of_near, visibility)

    ottoman, _ = best_asset_views(paths, source="procthor")
    assert ottoman.scene_id == "house-0"


def test_pictures_are_crops_around_the_asset_read_one_at_a_time(tmp_path: Path) -> None:
    requests = asset_requests(best_asset_views(shards(tmp_path), source="procthor"))
    found = {request.asset.asset_id: request for request in requests if request.asset}
    image = found["Ottoman_1"].image

    assert image is not None
    assert image.shape[0] < 120
    assert found["Ottoman_1"].asset is not None
    assert found["Ottoman_1"].asset.colour == "red"
    red = (image[..., 0] > 100) & (image[..., 1] < 60)
    assert 0.3 < red.mean() < 0.9
    assert not red[0].any()
    assert found["Vase_1"].image is None


def test_a_crop_keeps_a_margin_and_stays_inside_the_picture() -> None:
    rgb = np.arange(100 * 80 * 3, dtype=np.uint32).reshape(100, 80, 3).astype(np.uint8)

    assert crop(rgb, (30, 40, 50, 60)).shape == (36, 36, 3)
    np.testing.assert_array_equal(crop(rgb, (0, 0, 10, 10)), rgb[:18, :18])
    np.testing.assert_array_equal(crop(rgb, (0, 0, 80, 100)), rgb)


def test_the_command_writes_a_row_for_every_asset_also_those_not_seen(tmp_path: Path) -> None:
    paths = [str(path) for path in shards(tmp_path)]
    out = tmp_path / "assets.jsonl"
    command = [sys.executable, "-m", "workflow_scripts.captions.caption_assets", "--views", *paths]
    command += [
        "--source",
        "procthor",
        "--seed",
        "7",
        "--out",
        str(out),
        "--picture",
        str(tmp_path / "a.png"),
    ]
    for kinds, expected in (
        (["room", "asset"], ["a red ottoman", "a small vase"]),
        (["room"], []),
    ):
        done = subprocess.run(
            [*command, "--kinds", *kinds], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        assert [row.text for row in read_records(out, Caption)] == expected
    assert (tmp_path / "a.png").is_file()


@pytest.mark.parametrize("best", [0, 1, None])
def test_rooms_are_captioned_from_their_best_view_and_from_above(best: int | None) -> None:
    def row(view: int, policy: str, seen: int) -> ViewRow:
        return ViewRow(
            view=view,
            view_id=f"house-{view:03d}",
            scene_id="house",
            source="procthor",
            split="train",
            room_id="room|2",
            room_type="Kitchen",
            policy=policy,
            yaw_deg=0.0,
            pitch_deg=0.0,
            vertical_fov_deg=90.0,
            num_visible_objects=seen,
            is_best=view == best,
        )

    views = records_to_frame(
        [row(0, "corner", 3), row(1, "random", 5), row(2, "top_down", 9)], ViewRow
    )
    chosen = select_views(views, ("room", "top_down"))

    assert [(kind, found.view) for kind, found in chosen] == [
        ("room", 1 if best is None else best),
        ("top_down", 2),
    ]
    assert [kind for kind, _ in select_views(views[:2], ("room", "top_down"))] == ["room"]
    assert select_views(views[:0], ("room", "top_down")) == []


def test_shards_without_views_give_no_requests(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "0000.zarr", {"house": ([*room(), NEAR], cameras())})
    for name in ("views", "objects", "visibility"):
        table_of = table_path(path, name)
        write_table(table_of, read_table(table_of)[:0])

    assert best_asset_views([path], source="procthor") == []
    assert select_views(ViewShard.open(path).views, ("room", "top_down")) == []
