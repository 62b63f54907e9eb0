"""Source images: what cannot work together, who finds the objects, and how photos are sharded."""

from pathlib import Path
from typing import Any

import pytest

from testing.photos import encoded, picture
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.shards import Shard
from workflow_scripts.sources.base import PlanContext
from workflow_scripts.sources.images import (
    SOURCE,
    ImagesSettings,
    check_photos,
    plan_photos,
    resolve_localiser,
)


def settings(**changes: Any) -> ImagesSettings:
    return ImagesSettings.parse({"photos": "photos", "depth": "given", **changes})


def context(*, has_estimator: bool = False) -> PlanContext:
    depth = {"backend": "transformers" if has_estimator else "simulator", "sources": None}
    return PlanContext("images", {"depth": depth}, Path())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"localise": {"backend": "masks"}}, r"masks: null"),
        ({"localise": {"backend": "grounding_dino"}}, r"localise\.phrases: empty"),
        ({"depth": None}, r"sources\.images: photos have no depth of their own"),
        ({"masks": "given", "localise": {"backend": "florence2"}}, r"masks: given, .* florence2"),
        ({"filter": {"include": ["a"], "exclude": ["a", "b"]}}, "a is in include and in exclude"),
        ({"depth": "nowhere"}, r"sources\.images\.depth: nowhere does not exist"),
        ({"masks": "nowhere"}, r"sources\.images\.masks: nowhere does not exist"),
        (
            {"filter": {"include": ["a"], "model": "./clip"}},
            r"sources\.images\.filter\.model: \./clip: no such folder",
        ),
        (
            {"localise": {"model": "given/florence"}},
            r"sources\.images\.localise\.model: given/florence: no such folder",
        ),
        (
            {"localise": {"mask_model": "~/sam2"}},
            r"sources\.images\.localise\.mask_model: /.*/sam2: no such folder",
        ),
    ],
)
def test_settings_that_cannot_work_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict, message: str
) -> None:
    (tmp_path / "given").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        check_photos(settings(**changes), context())


def test_an_estimator_gives_photos_their_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_photos(settings(depth=None), context(has_estimator=True))


@pytest.mark.parametrize(
    ("backend", "masks", "chosen"),
    [
        ("auto", None, "florence2"),
        ("auto", "given", "masks"),
        ("florence2", None, "florence2"),
    ],
)
def test_the_user_s_own_masks_are_taken_where_there_are_any(
    backend: str, masks: str | None, chosen: str
) -> None:
    given = settings(localise={"backend": backend}, masks=masks)
    assert resolve_localiser(given).localise.backend == chosen


def test_photos_are_planned_in_order_and_a_changed_one_changes_its_own_shard(
    tmp_path: Path,
) -> None:
    for name in "abcde":
        (tmp_path / f"{name}.png").write_bytes(encoded(picture()))
    given = settings(photos=str(tmp_path), photos_per_shard=2)
    before = plan_photos(given, context())
    assert before.shards == {"0000": Shard(0, 2), "0001": Shard(2, 4), "0002": Shard(4, 5)}
    (tmp_path / "e.png").unlink()
    (tmp_path / "f.png").write_bytes(b"another")
    after = plan_photos(given, context())
    assert [before.digests[name] == after.digests[name] for name in after.shards] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("key", "own", "of_none"),
    [
        ("depth", "A_depth.npy", "c.npy"),
        ("masks", "b_mask.json", "b.txt"),
        ("intrinsics", "a.json", "cameras.json"),
    ],
)
def test_a_folder_without_the_file_of_any_photo_is_an_error_before_anything_runs(
    tmp_path: Path, key: str, own: str, of_none: str
) -> None:
    for name in ("photos", "beside"):
        (tmp_path / name).mkdir()
    for name in "ab":
        (tmp_path / f"photos/{name}.png").write_bytes(encoded(picture()))
    given = settings(photos=str(tmp_path / "photos"), **{key: str(tmp_path / "beside")})
    (tmp_path / "beside" / of_none).write_bytes(b"x")
    with pytest.raises(UserError, match=rf"sources\.images\.{key}: no file .* 2 photos.*'a\."):
        plan_photos(given, context())
    (tmp_path / "beside" / own).write_bytes(b"x")
    assert len(plan_photos(given, context()).shards) == 1


def test_photos_are_measured_not_known() -> None:
    assert SOURCE.answers_from == "measured"
    assert SOURCE.depth_kind(settings(photos="photos")) == "sensor"
    assert not SOURCE.has_truth
