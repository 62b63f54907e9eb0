"""Find the folders of scans below a path, and the files in them, in natural order."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans import base
from workflow_scripts.sources.readers.scans.base import ScanEntry

MAX_LEVELS = 3
"""Scans lie at the path itself or at most so many folders below it."""
MAX_FOLDERS = 20_000
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return a sort key by which "9.jpg" comes before "10.jpg"."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def scan_folders(path: Path, is_scan: Callable[[Path], bool], *, first: bool = False) -> list[Path]:
    """Return the folders at or below a path that are scans; of a scan, no folder below it."""
    found: list[Path] = []
    level = [path] if path.is_dir() else []
    for _ in range(MAX_LEVELS + 1):
        below: list[Path] = []
        for folder in level:
            if _is_scan(folder, is_scan):
                found.append(folder)
                if first:
                    return found
            else:
                below += _subfolders(folder)
        level = below[:MAX_FOLDERS]
    return sorted(found, key=lambda folder: natural_key(str(folder)))


def require_one_layout(path: Path, name: str) -> None:
    """Raise `UserError` if scans below a path have another layout than `name`, which would be lost.

    Folders in a scan of layout `name` are its own, whatever they look like.
    """
    readers = {key: base.load_reader(key) for key in base.READERS}
    known = {key: reader for key, reader in readers.items() if isinstance(reader, FolderReader)}
    if name not in known or not path.is_dir():
        return
    ordered = [known[name], *(reader for key, reader in known.items() if key != name)]
    found: dict[str, list[Path]] = {}

    def is_scan(folder: Path) -> bool:
        reader = next((each for each in ordered if _is_scan(folder, each.is_scan)), None)
        if reader is not None:
            found.setdefault(reader.name, []).append(folder)
        return reader is not None

    scan_folders(path, is_scan)
    # A data set may have a scan in two layouts: ScanNet's .sens beside `posed_images`.
    names = {folder.name for folder in found.get(name, [])}
    lost = {
        key: [folder for folder in folders if folder.name not in names]
        for key, folders in found.items()
    }
    others = {key: folders for key, folders in lost.items() if folders}
    if others:
        listed = ", ".join(
            f"{key} ({len(folders)}, {folders[0]})" for key, folders in others.items()
        )
        raise UserError(
            f"{path}: scans of layout {name} ({len(found.get(name, []))}) and of {listed}: give "
            "sources.scans.format one layout, and path a folder of scans of that layout"
        )


def _is_scan(folder: Path, is_scan: Callable[[Path], bool]) -> bool:
    try:
        return is_scan(folder)
    except OSError:  # a folder that may not be read
        return False


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def files_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Return the files with one of some endings by their stem, in natural order; {} if missing.

    Of two files with one stem the ending that comes first in `suffixes` wins.
    """
    if not folder.is_dir():
        return {}
    files = [path for path in folder.iterdir() if path.suffix.lower() in suffixes]
    # Apple's programs put a file "._name" beside each file on other systems' disks.
    files = [path for path in files if not path.name.startswith(".")]
    files.sort(key=lambda p: (natural_key(p.stem), -suffixes.index(p.suffix.lower())))
    return {path.stem: path for path in files}


def is_file(path: Path) -> bool:
    """Say whether a path that a user's file names is a file; one that cannot be one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, links in a circle
        return False


def scan_id_of(name: str) -> str:
    """Return a scan's name with letters, digits, "-" and "_" only."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "scan"


def place_of(name: str) -> str:
    """Return the place of a scan of ScanNet, which numbers its scans of one place; else ""."""
    match = re.fullmatch(r"(scene\d{4})_\d\d", name)
    return match[1] if match else ""


def entries_of(root: Path, paths: Iterable[Path], *, suffix: str = "") -> list[ScanEntry]:
    """Return entries whose names are those of the paths, longer where names are the same."""
    paths = list(paths)
    names = [scan_id_of(path.name.removesuffix(suffix)) for path in paths]
    entries: list[ScanEntry] = []
    used: set[str] = set()
    for path, name in zip(paths, names, strict=True):
        if names.count(name) > 1 and path != root:
            name = scan_id_of(str(path.relative_to(root)).removesuffix(suffix))
        number, unique = 2, name
        while unique in used:
            unique, number = f"{name}-{number}", number + 1
        used.add(unique)
        entries.append(ScanEntry(unique, path, place_of(path.name.removesuffix(suffix))))
    return entries


class FolderReader:
    """What readers of layouts that are folders have in common: to find them.

    A derived class says in `looks_for` which files make a folder a scan, and tells one in
    `is_scan`, by names alone.
    """

    name: ClassVar[str]
    looks_for: ClassVar[str]

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder is a scan of this layout."""
        raise NotImplementedError

    def matches(self, path: Path) -> bool:
        """Say whether a path is such a folder or has one below it."""
        return bool(scan_folders(path, self.is_scan, first=True))

    def list_scans(self, path: Path) -> list[ScanEntry]:
        """Return the scans at a path in natural order; `UserError` if there is none."""
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        found = scan_folders(path, self.is_scan)
        if not found:
            raise UserError(f"{path}: no scan of format {self.name}: {self.looks_for}")
        return entries_of(path, found)
