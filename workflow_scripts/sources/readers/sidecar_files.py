"""Find the files that belong to a photo: its depth map, its camera, its masks."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.photo_folder import name_key, walk_files

DEPTH_SUFFIXES = (".png", ".npy", ".npz", ".tif", ".tiff")
CAMERA_SUFFIXES = (".json", ".txt")
DEPTH_ENDINGS = ("_depth", "-depth", ".depth")
CAMERA_ENDINGS = ("_camera", "_intrinsics", "_cam", "-camera", "-intrinsics")
MASK_SUFFIXES = (".png", ".json")
MASK_ENDINGS = ("_mask", "_masks", "-mask", "-masks", ".mask", "_seg", "_segmentation")
_FORMS = {
    "depth": (DEPTH_SUFFIXES, DEPTH_ENDINGS),
    "intrinsics": (CAMERA_SUFFIXES, CAMERA_ENDINGS),
    "masks": (MASK_SUFFIXES, MASK_ENDINGS),
}


class UnusableSidecar(UserError):
    """Why a sidecar cannot be used; the message is written to a table."""


def find_sidecar(
    folder: Path | None, stem: str, suffixes: Sequence[str], endings: Sequence[str] = ()
) -> Path | None:
    """Return the sidecar of a stem, None if there is none; a file serves all photos.

    It is called like the photo, perhaps with one of `endings` after the name, in any case of
    letters. A name that fits exactly comes first; of suffixes and endings the first.
    `UnusableSidecar` if two files fit that differ in the case of letters alone.
    """
    if folder is None:
        return None
    if folder.is_file():
        return folder
    for ending in ("", *endings):
        for suffix in suffixes:
            # Not with_suffix: "room.1" has no suffix.
            path = folder / f"{stem}{ending}{suffix}"
            if path.is_file():
                return path
    by_key = _files_by_key(folder, folder.stat().st_mtime_ns)
    for ending in ("", *endings):
        for suffix in suffixes:
            names = by_key.get(name_key(f"{stem}{ending}{suffix}"), ())
            if len(names) > 1:
                raise UnusableSidecar(
                    f"ambiguous: {' and '.join(names)} differ in the case of letters alone; keep "
                    "one"
                )
            if names and (folder / names[0]).is_file():
                return folder / names[0]
    return None


def require_sidecars(key: str, stems: Sequence[str], folders: Mapping[str, str | None]) -> None:
    """Raise `UserError` for a folder (of "depth", "intrinsics", "masks") that has no photo's file.

    `key` is where the folders are set; a missing folder, or one file for all, is no matter here.
    """
    for name, folder in folders.items():
        if folder is None or not Path(folder).is_dir():
            continue
        suffixes, endings = _FORMS[name]
        if not any(_has_sidecar(Path(folder), stem, suffixes, endings) for stem in stems):
            raise UserError(
                f"{key}.{name}: no file in {folder} belongs to one of the {len(stems)} photos; it "
                f"must be called like its photo, {stems[0] + suffixes[0]!r}"
            )


def refuse_photos_as_sidecars(
    key: str, photos: Path, names: Sequence[str], folders: Mapping[str, str | None]
) -> None:
    """Raise `UserError` if depth maps or masks lie among the photos, where either would be both.

    `names` are those of the photos below their folder. Files of other endings (.npy, .json) may
    lie beside the photos.
    """
    known = {name_key(name) for name in names}
    for name, folder in folders.items():
        if folder is None or not Path(folder).is_dir() or not photos.samefile(folder):
            continue
        suffixes, endings = _FORMS[name]
        for photo in names:
            stem = photo.rpartition(".")[0] or photo
            candidates = [f"{stem}{end}{suffix}" for end in ("", *endings) for suffix in suffixes]
            if any(name_key(candidate) in known for candidate in candidates):
                raise UserError(
                    f"{key}.{name}: {folder} is the folder of the photos, where pictures such as "
                    f"{photo!r} would be photo and {name} at once; move the {name} into a folder "
                    "of their own (it may lie below that of the photos)"
                )


def _has_sidecar(folder: Path, stem: str, suffixes: Sequence[str], endings: Sequence[str]) -> bool:
    try:
        return find_sidecar(folder, stem, suffixes, endings) is not None
    except UnusableSidecar:
        return True


@lru_cache(maxsize=8)
def _files_by_key(folder: Path, _: int) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for file in walk_files(folder):
        files.setdefault(name_key(file.name), []).append(file.name)
    return files
