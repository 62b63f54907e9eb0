"""Read a configuration file before Snakemake does, so that a mistake in it is one line.

`python -m workflow_scripts.config.files FILE...` checks files, the project's config.yaml first.
"""

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.common.errors import UserError

ROOT = Path(__file__).parents[2]
MAX_VALUES = 100_000


def check_config_file(path: Path) -> None:
    """Raise `UserError` if a file cannot be read as a configuration: one line, with the place."""
    name = printable(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{name}:{line}: not UTF-8; save the file as UTF-8") from None
    except FileNotFoundError:
        raise UserError(f"{name}: no such file; give the path of a configuration file") from None
    except IsADirectoryError:
        raise UserError(f"{name}: a folder; give the path of a configuration file") from None
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from None
    try:
        content = yaml.safe_load(text)
        num_values = _count_values(content, {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        hint = "; indent with spaces, not tabs" if "\\t" in str(error.problem) else ""
        problem = error.problem or error.context
        raise UserError(f"{place}: not valid YAML: {problem}{hint}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError(
            f"{name}: nested too deeply; keys of a configuration are four deep"
        ) from None
    if num_values > MAX_VALUES:
        raise UserError(
            f"{name}: its anchors (&, *) expand to more than {MAX_VALUES} values, or contain "
            "themselves; write the values out"
        )
    if not isinstance(content, dict):
        kind = "nothing" if content is None else f"a {type(content).__name__}"
        raise UserError(f"{name}: contains {kind}; a configuration has lines `key: value`")


def _count_values(value: Any, known: dict[int, float]) -> float:
    """Return how many values there are with aliases written out; infinity if one holds itself."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count_values(one, known) for one in inner)
    return known[id(value)]


def printable(path: Path) -> str:
    """Return a path as text that any terminal can print, relative to the working directory."""
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return os.fsencode(shown).decode("utf-8", "backslashreplace")


def main(arguments: Sequence[str]) -> None:
    """Check files; exit with status 1 and one line for the first that cannot be read."""
    try:
        for path in (ROOT / "config.yaml", *map(Path, arguments)):
            check_config_file(path.expanduser())
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
