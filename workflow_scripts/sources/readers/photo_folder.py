"""List a folder of photos and its sidecars: which files count, in which order, by which names.

Names and sizes decide, never pixels; only a file without an ending is looked at, for its first
bytes. A name that is not UTF-8 is written with its bytes as \\xNN, in tables and in messages.
"""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"),
    # Listed although they cannot be used, so that none is left out without a word.
    *(".gif", ".heic", ".heif", ".avif"),
)
_LITTER = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"))
_MAGIC = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|RIFF....WEBP|BM....\0\0\0\0|II\*\0|MM\0\*|GIF8", re.DOTALL
)


class ListedFile(NamedTuple):
    """A file below a folder: its path there with "/", bytes, time; a folder's path ends in "/".

    A folder is listed only if it cannot be read.
    """

    name: str
    size: int
    time_ns: int


def is_system_file(name: str) -> bool:
    """Say whether a file or folder is one that systems leave behind, or hidden."""
    return name.startswith(".") or name.casefold() in _LITTER


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return the key that sorts names as people do: frame2 before frame10."""
    parts: list[str | int] = list(re.split(r"([0-9]+)", name))
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def shown(name: str) -> str:
    """Return a name as text that can be stored: bytes that are no UTF-8 become \\xNN."""
    return os.fsencode(name).decode(errors="backslashreplace")


def name_key(name: str) -> str:
    """Return what names have in common that differ in case or in how accents are written."""
    return unicodedata.normalize("NFC", shown(name)).casefold()


def walk_files(top: Path, *, without: frozenset[Path] = frozenset()) -> list[ListedFile]:
    """Return all files below a folder but litter, in natural order; links are followed.

    Each folder is listed once, so that links in a circle end, under its own name rather than a
    link's where it has both. Folders in `without` (resolved paths) are left out.
    """
    found: list[ListedFile] = []
    visited = {_identity(os.stat(top))}
    own: list[tuple[str, Path]] = [("", Path(top))]
    linked: list[tuple[str, Path]] = []
    while own or linked:
        prefix, folder = own.pop() if own else linked.pop(0)
        try:
            with os.scandir(folder) as entries:
                listing = sorted(entries, key=lambda entry: natural_key(entry.name))
        except OSError:
            found.append(ListedFile(prefix, 0, 0))
            continue
        for entry in listing:
            if is_system_file(entry.name):
                continue
            name = f"{prefix}{entry.name}"
            try:
                state = entry.stat()
            except OSError:  # a link to nothing, or to itself
                found.append(ListedFile(name, 0, 0))
                continue
            if not stat.S_ISDIR(state.st_mode):
                found.append(ListedFile(name, state.st_size, state.st_mtime_ns))
            elif entry.is_symlink():
                linked.append((f"{name}/", Path(entry.path)))
            elif _is_wanted(entry.path, state, visited, without):
                own.append((f"{name}/", Path(entry.path)))
        while not own and linked:
            name, path = linked[0]
            if _is_wanted(path, os.stat(path), visited, without):
                break
            linked.pop(0)
    return sorted(found, key=lambda file: natural_key(file.name))


def _is_wanted(
    path: str | Path,
    state: os.stat_result,
    visited: set[tuple[int, int]],
    without: frozenset[Path],
) -> bool:
    """Say whether a folder is to be listed, and remember that it is."""
    if _identity(state) in visited or (without and Path(path).resolve() in without):
        return False
    visited.add(_identity(state))
    return True


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def list_photos(top: Path, *, without: frozenset[Path] = frozenset()) -> Iterator[ListedFile]:
    """Yield the photos below a folder, and the folders that cannot be read, in natural order."""
    for file in walk_files(top, without=without):
        suffix = photo_suffix(file.name)
        if file.name.endswith("/") or suffix or _has_magic(top, file):
            yield file


def photo_suffix(name: str) -> str:
    """Return the ending of a name if it is that of a picture, '' otherwise."""
    suffix = os.path.splitext(name)[1]
    return suffix if suffix.lower() in SUFFIXES else ""


def _has_magic(top: Path, file: ListedFile) -> bool:
    """Say whether a file without an ending, or with a number for one, begins like a picture."""
    suffix = os.path.splitext(file.name)[1]
    if (suffix and not suffix[1:].isdecimal()) or not file.size:
        return False
    path = top / file.name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as content:
            return _MAGIC.match(content.read(16)) is not None
    except OSError:
        return False


def photo_stems(names: list[str]) -> list[str]:
    """Return what the sidecars of each photo are called: its name without the ending.

    Photos that differ in the ending (or in the case of letters) alone keep it: the depth of
    "a.jpg" beside "a.png" is "a.jpg.npy", so that no two photos share a file.
    """
    stems = [name.removesuffix(photo_suffix(name)) for name in names]
    counts = Counter(map(name_key, stems))
    return [
        shown(stem if counts[name_key(stem)] == 1 else name)
        for stem, name in zip(stems, names, strict=True)
    ]
