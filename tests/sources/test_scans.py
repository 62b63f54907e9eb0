"""Source scans: how simulated scans and scans from files are sharded and split."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.config import resolved
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.shards import Shard
from workflow_scripts.scenes.sample_scans import sample_scans
from workflow_scripts.sources.annotation_settings import AnnotationsSettings
from workflow_scripts.sources.base import ALL_STAGES, PlanContext, SampleRequest
from workflow_scripts.sources.planning import plan_sources, resolved_sources, stages
from workflow_scripts.sources.readers.scans import base
from workflow_scripts.sources.readers.scans.base import ScanEntry
from workflow_scripts.sources.scan_settings import walk_picture_settings
from workflow_scripts.sources.scans import (
    ScanFilesSettings,
    ScansSettings,
    plan_scans,
    resolve_format,
    scan_files,
)

CONTEXT = PlanContext("scans", {}, Path())
SHARES = {"train": 0.5, "val": 0.2, "test": 0.3}


class FolderReader:
    """A layout of tests: a folder with a file `poses` is a scan; rooms are named `room_visit`."""

    looks_for = "a folder with a file poses is needed"

    def matches(self, path: Path) -> bool:
        return any(path.glob("*/poses"))

    def list_scans(self, path: Path) -> list[ScanEntry]:
        folders = sorted(file.parent for file in path.glob("*/poses"))
        if not folders:
            raise UserError(f"{path}: no folder with a file poses")
        return [ScanEntry(each.name, each, place=each.name.split("_")[0]) for each in folders]


@pytest.fixture
def scans_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(base, "READERS", {"folders": f"{__name__}:FolderReader"})
    for room in range(10):
        for visit in range(2):
            folder = tmp_path / "scans" / f"{room:02d}_{visit}"
            folder.mkdir(parents=True)
            (folder / "poses").write_text("1 0 0\n")
    return tmp_path / "scans"


def from_files(path: Path, **changes: Any) -> ScansSettings:
    """Return settings of a layout that only tests know."""
    settings = ScansSettings.parse({"num_scans": None, **changes})
    return settings.model_copy(update={"format": "folders", "path": str(path)})


def request(stop: int) -> SampleRequest:
    return SampleRequest("scans", start=0, stop=stop, seed=7, shares=SHARES)


def test_simulated_scans_need_no_input() -> None:
    settings = ScansSettings.parse({"num_scans": 5, "scans_per_shard": 2})
    plan = plan_scans(settings, CONTEXT)
    assert list(plan.shards.values()) == [Shard(0, 2), Shard(2, 4), Shard(4, 5)]
    assert set(plan.digests.values()) == {""}
    assert scan_files(settings) == ()
    with pytest.raises(UserError, match=r"sources\.scans\.num_scans: null needs a file of houses"):
        plan_scans(ScansSettings.parse({"num_scans": None}), CONTEXT)


def test_the_source_is_off_until_it_is_turned_on() -> None:
    assert (
        resolved({"sources": {"procthor": {}}, "train": {"experiments": {"a": {}}}})["sources"][
            "scans"
        ]
        is None
    )
    config = {"sources": resolved_sources({"scans": {"num_scans": 3}, "images": None})}
    assert list(plan_sources(config, Path())) == ["scans"]


def test_simulated_scans_are_split_by_their_house() -> None:
    scans = list(sample_scans(ScanFilesSettings(), request(2)))
    assert [scan.scene_id for scan in scans] == ["scans-000000", "scans-000001"]
    assert all(scan.house and scan.format == "simulated" for scan in scans)


def test_scans_of_files_are_named_after_them_and_split_by_their_place(scans_folder: Path) -> None:
    settings = from_files(scans_folder, scans_per_shard=8)
    plan = plan_scans(settings, CONTEXT)
    assert [shard.stop for shard in plan.shards.values()] == [8, 16, 20]
    assert len(set(plan.digests.values())) == 3
    scans = list(sample_scans(settings, request(20)))
    assert [scan.name for scan in scans[:3]] == ["00_0", "00_1", "01_0"]
    assert len({scan.scene_id for scan in scans}) == 20
    for first, second in zip(scans[::2], scans[1::2], strict=True):
        assert first.split == second.split
    assert len({scan.split for scan in scans}) > 1
    assert scan_files(settings) == (str(scans_folder),)
    assert len(plan_scans(from_files(scans_folder, num_scans=3), CONTEXT).shards) == 1


def test_a_changed_scan_changes_its_shard_only(scans_folder: Path) -> None:
    settings = from_files(scans_folder, scans_per_shard=8)
    before = plan_scans(settings, CONTEXT).digests
    (scans_folder / "05_1/poses").write_text("1 0 0\n2 0 0\n")
    after = plan_scans(settings, CONTEXT).digests
    assert [before[name] == after[name] for name in before] == [True, False, True]


def test_auto_finds_the_layout_or_says_what_is_known(scans_folder: Path, tmp_path: Path) -> None:
    settings = from_files(scans_folder).model_copy(update={"format": "auto"})
    assert resolve_format(settings).format == "folders"
    (tmp_path / "nothing").mkdir()
    nothing = settings.model_copy(update={"path": str(tmp_path / "nothing")})
    with pytest.raises(UserError, match=r"no known layout of scans \(folders\)"):
        resolve_format(nothing)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": "auto"}, "path: null, but format is auto"),
        ({"path": "rooms"}, "path: given, but format is simulated"),
        ({"format": "scanet", "path": "rooms"}, "format: 'scanet'"),
        ({"scan_unit": "flat"}, "scan_unit"),
        ({"frames": 0}, "frames"),
        ({"frames": 6000}, "frames"),
        ({"rate_hz": 0}, "rate_hz"),
        ({"selection": {"strategy": "ratio95"}}, "selection.strategy"),
        ({"selection": {"max_tokens": 10}}, "selection.max_tokens"),
    ],
)
def test_bad_settings_name_their_key(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message.replace(".", r"\.").replace("(", r"\(")):
        ScansSettings.parse(values)


VIEWS = {"width_px": 336, "height_px": 336, "min_pixels": 100, "preset": "default", "backend": "b"}


def test_pictures_of_scans_are_those_of_views_unless_they_are_given() -> None:
    scans = ScansSettings().model_dump()
    assert walk_picture_settings(VIEWS, scans) == VIEWS
    smaller = walk_picture_settings(VIEWS, {**scans, "size_px": 112, "preset": "draft"})
    assert smaller == {
        **{"width_px": 112, "height_px": 112, "min_pixels": 11, "preset": "draft"},
        "backend": "b",
    }
    assert walk_picture_settings(VIEWS, {**scans, "size_px": 16})["min_pixels"] == 1


def test_scans_of_one_house_share_house_and_split() -> None:
    settings = ScanFilesSettings(scans_per_house=3)
    request = SampleRequest("scans", 0, 6, 7, SHARES)
    scenes = list(sample_scans(settings, request))
    assert [scene.scene_id for scene in scenes] == [f"scans-{number:06d}" for number in range(6)]
    assert [scene.scan_of_house for scene in scenes] == [0, 1, 2, 0, 1, 2]
    assert [scene.first_scan for scene in scenes] == ["scans-000000"] * 3 + ["scans-000003"] * 3
    assert scenes[0].house == scenes[2].house != scenes[3].house
    assert len({scene.split for scene in scenes[:3]}) == 1
    second = SampleRequest("scans", 3, 6, 7, SHARES)
    assert list(sample_scans(settings, second)) == scenes[3:]


def test_a_house_is_in_one_shard() -> None:
    settings = ScansSettings(num_scans=9, scans_per_house=3, scans_per_shard=6)
    assert list(plan_scans(settings, CONTEXT).shards.values()) == [Shard(0, 6), Shard(6, 9)]


@pytest.mark.parametrize("key", ["num_scans", "scans_per_shard"])
def test_scans_that_do_not_fill_houses_are_refused(key: str) -> None:
    with pytest.raises(UserError, match=f"{key}.* 7 is no multiple of scans_per_house, 2"):
        ScansSettings.parse({"num_scans": 8, "scans_per_house": 2, key: 7})


def annotations(folder: Path, **names: list[str]) -> dict[str, Any]:
    """Write a file of ScanQA for each split, and return the settings that name them."""
    given = {}
    for split, scans in names.items():
        path = folder / f"ScanQA_{split}.json"
        path.write_text(json.dumps([{"scene_id": scan} for scan in scans]))
        given[split] = str(path)
    return {"scanqa": given}


def test_scans_are_in_the_split_of_the_published_file_that_names_them(
    scans_folder: Path, tmp_path: Path
) -> None:
    published = annotations(
        tmp_path,
        train=["00_0", "01_0", "02_0", "03_1", "707_0"],
        val=["01_1", "scannet/04_0"],
        test=["02_0"],
    )
    settings = from_files(scans_folder).model_copy(
        update={"annotations": AnnotationsSettings.parse(published)}
    )
    splits = {scan.name: scan.split for scan in sample_scans(settings, request(20))}
    # Scans of one place share the strictest split that any of them has.
    assert (splits["00_0"], splits["00_1"]) == ("train", "train")
    assert (splits["01_0"], splits["01_1"]) == ("val", "val")
    assert (splits["02_0"], splits["02_1"]) == ("test", "test")
    assert (splits["03_0"], splits["03_1"]) == ("train", "train")
    assert (splits["04_0"], splits["04_1"]) == ("val", "val")
    plain = {scan.name: scan.split for scan in sample_scans(from_files(scans_folder), request(20))}
    others = [name for name in splits if name[:2] > "04"]
    assert [splits[name] for name in others] == [plain[name] for name in others]


def test_files_of_annotations_are_checked_before_anything_runs(
    scans_folder: Path, tmp_path: Path
) -> None:
    def planned(given: dict[str, Any]) -> dict[str, str]:
        settings = from_files(scans_folder).model_copy(
            update={"annotations": AnnotationsSettings.parse(given)}
        )
        return plan_scans(settings, CONTEXT).digests

    given = annotations(tmp_path, train=["00_0"])
    before = planned(given)
    Path(given["scanqa"]["train"]).write_text("[]")
    assert planned(given) != before
    with pytest.raises(
        UserError, match=r"sources\.scans\.annotations: nowhere\.json: no such file"
    ):
        planned({"scanqa": {"val": "nowhere.json"}})
    with pytest.raises(UserError, match=r"sources\.scans\.annotations: no file of a data set"):
        planned({"scanqa": {}})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "annotations: given, but scans are simulated: set path"),
        ({"format": "auto", "path": "x", "boxes": "b.json"}, "boxes: given beside annotations"),
        ({"format": "auto", "path": "x", "masks": "masks"}, "masks: given beside annotations"),
    ],
)
def test_annotations_need_the_objects_of_their_data_set(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        ScansSettings.parse({**values, "annotations": {"scanqa": {"train": "a.json"}}})


def test_later_stages_are_chosen() -> None:
    def with_scans(**values: Any) -> dict[str, Any]:
        houses = {"houses": "generate", "num_houses": 2, "houses_per_shard": "auto"}
        whole = resolved_sources({"procthor": houses, "scans": values})
        return {"depth": {"backend": "simulator", "sources": None}, "sources": whole}

    everything = with_scans()
    assert stages(everything, "scans") == ALL_STAGES
    few = with_scans(later_stages=["pointclouds", "depth"])
    assert stages(few, "scans") == ("scenes", "views", "depth", "pointclouds")
    assert stages(few, "procthor") == ALL_STAGES
    assert list(plan_sources(few, Path())) == ["procthor", "scans"]
    few["sources"]["procthor"] = None
    with pytest.raises(UserError, match=r"sources\.scans\.later_stages: without vqa"):
        plan_sources(few, Path())
