"""Where in which YAML file a key of the configuration stands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.config.base import Keys
from workflow_scripts.config.type_lookup import child


@dataclass(frozen=True)
class KeyLine:
    """The place of a key, and the key as it is written there."""

    file: str
    line: int
    text: str


class Places:
    """Lines of keys in configuration files, the last file first, and what `--config` gave."""

    def __init__(self, files: Iterable[Path], command_line: Mapping[str, Any]) -> None:
        self.files: list[dict[Keys, KeyLine]] = []
        self.command_line = command_line
        self.duplicates: list[str] = []
        for file in files:
            keys: dict[Keys, KeyLine] = {}
            for path, place in _keys(file):
                if path in keys:
                    self.duplicates.append(
                        f"{place.file}:{place.line}: {dotted(path)}: stands twice, first on line "
                        f"{keys[path].line}; keep one"
                    )
                keys.setdefault(path, place)
            self.files.insert(0, keys)

    def prefix(self, path: Keys) -> str:
        """Return "file:line: ", "--config: " or "" for the place that gave a key its value."""
        if path and self._is_on_command_line(path):
            return "--config: "
        for end in range(len(path), 0, -1):
            for keys in self.files:
                if path[:end] in keys:
                    place = keys[path[:end]]
                    return f"{place.file}:{place.line}: "
        return ""

    def text(self, path: Keys) -> str | None:
        """Return a key as it is written, if a file has it."""
        return next((keys[path].text for keys in self.files if path in keys), None)

    def _is_on_command_line(self, path: Keys) -> bool:
        value: Any = self.command_line
        for part in path:
            if isinstance(value, Mapping) and part not in value:
                return False
            value = child(value, part)
        return True


def dotted(path: Keys) -> str:
    """Return a key as users write it: sources.procthor.num_houses."""
    return ".".join(map(str, path)) or "(top level)"


def _keys(file: Path) -> Iterator[tuple[Keys, KeyLine]]:
    """Yield every key of a file; none if it cannot be read, which its reader has said already."""
    try:
        with open(file, encoding="utf-8") as stream:
            root = yaml.compose(stream, Loader=yaml.SafeLoader)
    except (OSError, yaml.YAMLError):
        return
    name = str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
    yield from _below(root, (), name)


def _below(node: Any, path: Keys, file: str) -> Iterator[tuple[Keys, KeyLine]]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = _constructed(key_node)
            place = KeyLine(file, key_node.start_mark.line + 1, str(key_node.value))
            yield (*path, key), place
            yield from _below(value_node, (*path, key), file)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), KeyLine(file, item.start_mark.line + 1, str(index))
            yield from _below(item, (*path, index), file)


def _constructed(node: yaml.Node) -> Any:
    key = yaml.SafeLoader("").construct_object(node, deep=True)
    return key if isinstance(key, str | int | float | bool) else str(key)
