"""Where photos lie: folders and data sets are counted, sharded and read alike."""

import os
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

from testing.photos import encoded, exif_of, picture
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_decoding import decode_image
from workflow_scripts.sources.images import ImagesSettings, resolve_photos
from workflow_scripts.sources.procthor import HousesSettings
from workflow_scripts.sources.readers import photo_files


def count(photos: Path | str, num_photos: int | None = None, dataset_split: str = "train") -> int:
    return photo_files.count_photos(str(photos), dataset_split=dataset_split, num_photos=num_photos)


def digests(photos: Path | str, photos_per_shard: int, num_photos: int | None = None) -> list[str]:
    return photo_files.photo_shard_digests(
        str(photos),
        dataset_split="train",
        num_photos=count(photos, num_photos),
        photos_per_shard=photos_per_shard,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five photos, one below, among things that are none."""
    top = tmp_path / "photos"
    (top / "below").mkdir(parents=True)
    for name in ("b.jpg", "a.PNG", "d.webp", "below/c.jpeg"):
        (top / name).write_bytes(encoded(picture(seed=len(name))))
    (top / "e.heic").write_bytes(b"cannot be read, must be listed")
    (top / "notes.txt").write_text("no photo")
    (top / "._b.jpg").write_bytes(b"")
    (top / ".hidden").mkdir()
    (top / ".hidden/x.jpg").write_bytes(b"")
    return top


def read(source: Path | str, start: int, stop: int, *, column: str = "image", split="train"):
    return list(
        photo_files.read_photos(
            str(source), column=column, dataset_split=split, start=start, stop=stop
        )
    )


def test_a_folder_is_listed_in_order_of_names(folder):
    assert count(folder) == 5
    found = read(folder, 0, 5)
    assert [file.origin for file in found] == ["a.PNG", "b.jpg", "below/c.jpeg", "d.webp", "e.heic"]
    assert [file.stem for file in found] == ["a", "b", "below/c", "d", "e"]
    assert found[1].content == (folder / "b.jpg").read_bytes()
    assert [file.index for file in read(folder, 2, 4)] == [2, 3]


def test_only_the_shard_of_a_changed_photo_has_another_digest(folder):
    before = digests(folder, 2)
    assert len(before) == 3
    (folder / "d.webp").write_bytes(b"changed")
    after = digests(folder, 2)
    photo_files._list_folder.cache_clear()
    after = digests(folder, 2)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_num_photos_takes_the_first(folder):
    assert count(folder, num_photos=2) == 2
    assert count(folder, num_photos=99) == 5
    assert len(digests(folder, 2, num_photos=3)) == 2


def test_a_photo_that_cannot_be_opened_is_a_reason(folder):
    (folder / "c.jpg").symlink_to(folder / "nothing")
    found = {file.origin: file for file in read(folder, 0, 6)}
    assert "No such file" in found["c.jpg"].reason
    assert not found["a.PNG"].reason


def test_names_of_every_alphabet(tmp_path):
    names = ["Überraschung.jpg", "写真.png", "a b'\"$(x).jpg", "🪑.webp", "no.dots.here.png"]
    for name in names:
        (tmp_path / name).write_bytes(encoded(picture()))
    found = read(tmp_path, 0, len(names))
    assert {file.origin for file in found} == set(names)
    assert not any(file.reason for file in found)


@pytest.mark.parametrize("name", ["missing", "./missing/too", "a file.jpg"])
def test_a_folder_that_is_not_there_is_named(tmp_path, name):
    (tmp_path / "a file.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"no such folder of photos.*sources\.images\.photos"):
        count(tmp_path / name)


def test_a_folder_without_photos_is_named(tmp_path):
    with pytest.raises(UserError, match="no photo in it"):
        count(tmp_path)


def place(folder: Path, *names: str) -> None:
    """Write a picture under each name, folders included."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(seed=len(name))))


def origins(folder: Path, **options: object) -> list[str]:
    photo_files._list_folder.cache_clear()
    listed = photo_files.list_folder(folder, **options)
    return [file.name for file in listed]


def test_frames_without_leading_zeros_are_in_order_of_their_numbers(tmp_path):
    names = ["f1.jpg", "f2.jpg", "f10.jpg", "f10b.jpg", "scene2/9.png", "scene10/1.png"]
    place(tmp_path, *reversed(names))
    assert origins(tmp_path) == names


def test_litter_of_systems_is_no_photo_and_changes_no_digest(tmp_path):
    place(tmp_path, "a.jpg", "b")
    before = photo_files.folder_digests([str(tmp_path)])
    litter = ["._a.jpg", ".DS_Store", "__MACOSX/a.jpg", "@eaDir/a.jpg", "Thumbs.db", "desktop.ini"]
    place(tmp_path, *litter)
    assert origins(tmp_path) == ["a.jpg", "b"]
    assert photo_files.folder_digests([str(tmp_path)]) == before


def test_endings_of_every_kind_and_none_are_known_by_content(tmp_path):
    place(tmp_path, "a.JPG", "b.jfif", "c", "d.1", "e.txt")
    (tmp_path / "README").write_text("no photo")
    (tmp_path / "empty").write_bytes(b"")
    assert origins(tmp_path) == ["a.JPG", "b.jfif", "c", "d.1"]
    assert [file.stem for file in read(tmp_path, 0, 4)] == ["a", "b", "c", "d.1"]


def test_photos_of_one_base_name_have_companions_of_their_own(tmp_path):
    place(tmp_path, "a.jpg", "a.PNG", "x/b.jpg", "y/b.jpg", "C.jpg", "c.png", "d.jpg")
    stems = [file.stem for file in read(tmp_path, 0, 7)]
    assert sorted(stems) == sorted(["a.jpg", "a.PNG", "x/b", "y/b", "C.jpg", "c.png", "d"])


def test_linked_folders_are_followed_and_circles_end(tmp_path):
    place(tmp_path / "elsewhere", "far.jpg", "deep/er.jpg")
    place(tmp_path / "photos", "own/a.jpg")
    (tmp_path / "photos/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos/again").symlink_to("own")
    (tmp_path / "photos/own/circle").symlink_to(tmp_path / "photos")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "photos")
    (tmp_path / "photos/itself").symlink_to("itself")
    assert origins(tmp_path / "photos") == ["linked/deep/er.jpg", "linked/far.jpg", "own/a.jpg"]


def test_a_folder_that_cannot_be_read_and_a_pipe_are_rows(tmp_path, monkeypatch):
    place(tmp_path, "a.jpg", "locked/b.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")

    def refuse(function: Callable[..., object]) -> Callable[..., object]:
        def refusing(path: object) -> object:
            if str(path).rstrip("/").endswith("locked"):
                raise PermissionError(13, "Permission denied")
            return function(path)

        return refusing

    monkeypatch.setattr(os, "scandir", refuse(os.scandir))
    monkeypatch.setattr(os, "listdir", refuse(os.listdir))
    reasons = {file.origin: file.reason for file in read(tmp_path, 0, 3)}
    assert reasons["a.jpg"] == ""
    assert reasons["locked/"] == "a folder that cannot be read: Permission denied"
    assert "not a file" in reasons["pipe.jpg"]


def test_folders_of_companions_among_the_photos_hold_no_photos(tmp_path):
    place(tmp_path, "a.png", "depth/a.png", "masks/a.png", "more/b.png")
    settings = ImagesSettings(
        photos=str(tmp_path), depth=str(tmp_path / "depth"), masks=str(tmp_path / "masks")
    )
    ignored = resolve_photos(settings).ignore_folders
    assert origins(tmp_path, ignore_folders=ignored) == ["a.png", "more/b.png"]
    outside = settings.model_copy(update={"photos": str(tmp_path / "more")})
    assert resolve_photos(outside).ignore_folders == ()


def test_names_that_are_no_utf8_begin_with_a_dash_or_have_braces(tmp_path):
    names = [b"caf\xe9.jpg", b"-rf.jpg", b"{shard}.jpg", b"{0}{{.jpg", b"a\nb.jpg"]
    for name in names:
        Path(tmp_path, os.fsdecode(name)).write_bytes(encoded(picture()))
    found = read(tmp_path, 0, len(names))
    assert not any(file.reason for file in found)
    assert "caf\\xe9.jpg" in {file.origin for file in found}
    for file in found:
        f"{file.origin}{file.stem}".encode()
    assert all(digests(tmp_path, 2))


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = ImagesSettings(photos="~/photos", depth="~/depth")
    assert settings.photos == str(tmp_path / "photos")
    assert settings.depth == str(tmp_path / "depth")
    assert HousesSettings(houses="~/h.jsonl").houses == str(tmp_path / "h.jsonl")
    assert HousesSettings(houses="generate").houses == "generate"


@pytest.mark.parametrize(
    "name", ["data/photos", "data/", "my photos/a", "~/photos", "a/b/c", "a\\b/c"]
)
def test_a_local_path_is_no_hub_id(tmp_path, monkeypatch, name):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no such folder of photos|no photo in it"):
        count(name, num_photos=3)


def jpeg(**options: object) -> bytes:
    return encoded(picture(), kind="JPEG", exif=exif_of(orientation=6, focal_35mm=28, **options))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A data set of three rows, the last without a picture, saved to disk."""
    values = [
        {"bytes": jpeg(), "path": "one.jpg"},
        {"bytes": encoded(picture()), "path": None},
        None,
    ]
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    rows = datasets.Dataset.from_dict({"image": values, "text": ["x"] * 3}, features=features)
    rows.save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def test_a_saved_data_set_keeps_exif(saved):
    assert count(saved) == 3
    found = read(saved, 0, 3)
    assert [file.stem for file in found] == ["one", "000001", "000002"]
    assert found[0].origin == "saved:train[0]"
    assert found[0].content == jpeg()
    assert decode_image(found[0].content, min_side_px=1, max_pixels=10**6).rgb.shape == (96, 64, 3)
    assert found[2].reason == "no picture in this row"
    found = digests(saved, 2)
    assert len(found) == 2
    assert all(found)


def test_rows_that_were_selected_are_counted(saved, tmp_path):
    datasets.load_from_disk(str(saved)).select([2, 0]).save_to_disk(tmp_path / "fewer")
    assert count(tmp_path / "fewer") == 2


def test_splits_columns_and_their_nearest_names(saved, tmp_path):
    rows = datasets.load_from_disk(str(saved))
    datasets.DatasetDict({"train": rows, "validation": rows.select([0])}).save_to_disk(
        tmp_path / "both"
    )
    assert count(tmp_path / "both", dataset_split="validation") == 1
    assert len(read(tmp_path / "both", 0, 1, split="validation")) == 1
    with pytest.raises(UserError, match="did you mean 'validation'"):
        count(tmp_path / "both", dataset_split="validatoin")
    with pytest.raises(UserError, match=r"column: 'imge'.*did you mean 'image'"):
        read(saved, 0, 1, column="imge")


@pytest.mark.parametrize("feature", ["bytes", "path"])
def test_columns_of_bytes_and_of_paths(tmp_path, feature):
    (tmp_path / "p.png").write_bytes(encoded(picture()))
    value = encoded(picture()) if feature == "bytes" else str(tmp_path / "p.png")
    rows = datasets.Dataset.from_dict({"image": [value, None]})
    rows.save_to_disk(tmp_path / "saved")
    found = read(tmp_path / "saved", 0, 2)
    assert found[0].content == encoded(picture())
    assert found[1].reason


def test_rows_whose_files_have_one_name_have_companions_of_their_own(tmp_path):
    paths = ["x/1.jpg", "y/1.png", "2.jpg"]
    features = datasets.Features({"image": datasets.Image()})
    values = [{"bytes": encoded(picture()), "path": path} for path in paths]
    datasets.Dataset.from_dict({"image": values}, features=features).save_to_disk(tmp_path / "s")
    assert [file.stem for file in read(tmp_path / "s", 0, 3)] == ["000000", "000001", "2"]


def test_rows_that_name_a_pipe_or_no_path_have_a_reason(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    paths = [str(tmp_path / "pipe.jpg"), str(tmp_path), "a\0b.jpg", str(tmp_path / "none.jpg")]
    datasets.Dataset.from_dict({"image": paths}).save_to_disk(tmp_path / "s")
    reasons = [file.reason for file in read(tmp_path / "s", 0, 4)]
    assert all("not a file" in reason for reason in reasons[:2])
    assert "null byte" in reasons[2]
    assert "No such file" in reasons[3]


def test_a_damaged_data_set_is_named(saved):
    arrow = next(saved.glob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes()[:100])
    with pytest.raises(UserError, match="not a whole data set"):
        count(saved)
    (saved / "state.json").write_text("{")
    with pytest.raises(UserError, match="not a saved data set"):
        count(saved)


def test_a_hub_data_set_needs_a_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"num_photos: null, but how many photos owner/name"):
        count("owner/name")
    assert count("owner/name", num_photos=7) == 7
    assert digests("owner/name", 4, num_photos=7) == ["", ""]


def test_a_hub_data_set_that_cannot_be_loaded_is_named(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(UserError, match=r"owner/name \(split train\) cannot be loaded.*no route"):
        read("owner/name", 0, 1)


def test_shards_of_photos_are_larger_than_of_houses():
    assert photo_files.photos_per_shard(10, "auto") == 64
    assert photo_files.photos_per_shard(100_000, "auto") == 1024
    assert photo_files.photos_per_shard(10, 3) == 3
