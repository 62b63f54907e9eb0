"""Files that are not Python and lie beside code that reads them."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path


class DataFiles:
    """The data below a package's folder; listed and read once."""

    def __init__(self, root: Path, package: str) -> None:
        self.root, self.package = root, package
        self._beside: dict[Path, dict[str, Path]] = {}
        self._digests: dict[Path, bytes] = {}

    def digest(self, path: Path) -> bytes:
        """Return the digest of a file's bytes."""
        if path not in self._digests:
            self._digests[path] = blake2b(path.read_bytes(), digest_size=16).digest()
        return self._digests[path]

    def named(self, text: str, near: dict[str, Path]) -> Iterator[Path]:
        """Return the data files that a string names, of those `near` a module."""
        name, _, below = text.removeprefix("./").partition("/")
        if name == self.package and below:
            place = self.root / text
            yield from _files_below(place) if _is_data(place) else ()
        elif "*" in name:
            start, end = name.split("*")[:: name.count("*")]
            for one in near if "." in end.rstrip(".") else ():
                if one.startswith(start) and one.endswith(end):
                    yield from _files_below(near[one])
        elif name in near:
            place = near[name] / below
            yield from _files_below(place if place.exists() else near[name])

    def near(self, folder: Path) -> dict[str, Path]:
        """Return the data in a folder of the package, and in those around it, by name."""
        if folder not in self._beside:
            is_top = folder in (self.root / self.package, self.root)
            around = {} if is_top else self.near(folder.parent)
            own = [path for path in folder.iterdir() if folder != self.root and _is_data(path)]
            self._beside[folder] = around | {path.name: path for path in own}
        return self._beside[folder]


def _is_data(path: Path) -> bool:
    """Return whether a path is a file that is not Python, or a folder without any."""
    if path.name.startswith((".", "__pycache__")) or path.suffix in (".py", ".pyc"):
        return False
    return path.is_file() or (path.is_dir() and not any(path.rglob("*.py")))


def _files_below(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
