"""Published files of descriptions and questions: their entries, and the split of each scan."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Split
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.sources.annotation_settings import AnnotationFiles
from workflow_scripts.sources.readers.scans.base import ScanEntry
from workflow_scripts.sources.readers.scans.folders import scan_id_of

# A scan that one file trains on and another one scores must not be trained on.
_STRICTEST_LAST: tuple[Split, ...] = ("train", "val", "test")


def read_entries(path: Path, key: str = "") -> list[Any]:
    """Return the entries of a JSON file: its list, the list below `key`, or its JSON lines.

    Raises:
        UserError: The file is no JSON (a copy may be cut off), or has no such list.
    """
    text = read_text(path)
    lines = text.splitlines() if text.lstrip().startswith("{") else []
    if sum(line.strip().startswith("{") and line.strip().endswith("}") for line in lines) > 1:
        return [
            parse_json(line, f"{path}: line {number}")
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
    content = parse_json(text, path)
    if key and isinstance(content, dict) and isinstance(content.get(key), list):
        content = content[key]
    if isinstance(content, list):
        return content
    wanted = f"an object with a list {key!r}" if key else "a list of entries"
    given = type(content).__name__
    if isinstance(content, dict):
        given = f"an object of {', '.join(map(repr, sorted(content)[:4])) or 'nothing'}"
    raise UserError(f"{path}: {wanted} is needed, not {given}; give the file as published")


def scan_name(scene_id: str) -> str:
    """Return the name of a scan as readers give it, of "scannet/scene0000_00" the last part."""
    return scan_id_of(scene_id.strip().rsplit("/", 1)[-1])


def scan_aliases(scan_id: str) -> tuple[str, ...]:
    """Return the names by which annotations may call a scan: EmbodiedScan's have a data set."""
    _, dash, last = scan_id.partition("-")
    return (scan_id, last) if dash and last else (scan_id,)


def published_splits(
    given: Iterable[AnnotationFiles], entries: Iterable[ScanEntry]
) -> dict[str, Split]:
    """Return the split of every place of which published files name a scan, by place.

    The place of a scan without one is its own name. Where files differ, the strictest counts: test
    before val before train.
    """
    named = [(files.split, _scan_names(files.paths[0])) for files in given]
    splits: dict[str, Split] = {}
    for entry in entries:
        place = entry.place or entry.scan_id
        aliases = scan_aliases(entry.scan_id)
        found = [split for split, names in named if not names.isdisjoint(aliases)]
        if place in splits:
            found.append(splits[place])
        if found:
            splits[place] = max(found, key=_STRICTEST_LAST.index)
    return splits


def _scan_names(path: Path) -> set[str]:
    entries = read_entries(path, "questions")
    known = (entry for entry in entries if isinstance(entry, dict))
    listed = (entry.get("scene_id", entry.get("video")) for entry in known)
    return {scan_name(name) for name in listed if isinstance(name, str) and name.strip()}
