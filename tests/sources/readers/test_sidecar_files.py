"""Depth maps and masks that lie among the photos are never both."""

from pathlib import Path

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.photo_files import list_folder
from workflow_scripts.sources.readers.sidecar_files import refuse_photos_as_sidecars


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (["room.jpg", "room_depth.png"], "depth"),
        (["room.png", "room.npy"], "depth"),
        (["ROOM.JPG", "room-Depth.TIF"], "depth"),
        (["room.jpg", "room_mask.png"], "masks"),
        (["room.png", "room.json"], "masks"),
    ],
)
def test_pictures_that_would_be_photo_and_sidecar_are_refused(
    tmp_path: Path, files: list[str], kind: str
) -> None:
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    names = [file.name for file in list_folder(tmp_path)]
    (tmp_path / "link").symlink_to(tmp_path)
    for folder in (tmp_path, tmp_path / "link"):
        with pytest.raises(
            UserError, match=rf"sources\.images\.{kind}: .*would be photo and {kind}"
        ):
            refuse_photos_as_sidecars("sources.images", tmp_path, names, {kind: str(folder)})
    (tmp_path / "own").mkdir()
    refuse_photos_as_sidecars("sources.images", tmp_path, names, {kind: str(tmp_path / "own")})


@pytest.mark.parametrize("files", [["room.jpg", "room.npy"], ["room.jpg", "room_mask.json"]])
def test_files_that_are_no_pictures_may_lie_beside_the_photos(
    tmp_path: Path, files: list[str]
) -> None:
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    names = [file.name for file in list_folder(tmp_path)]
    folders = dict.fromkeys(("depth", "masks", "intrinsics"), str(tmp_path))
    refuse_photos_as_sidecars("sources.images", tmp_path, names, folders)
