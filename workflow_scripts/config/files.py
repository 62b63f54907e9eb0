"""Read a configuration file before Snakemake does, so that a mistake in it is one line.

`python -m workflow_scripts.config.files FILE...` checks files, the project's config.yaml first.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from workflow_scripts.common.errors import UserError

ROOT = Path(__file__).parents[2]


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
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        hint = "; indent with spaces, not tabs" if "\\t" in str(error.problem) else ""
        raise UserError(f"{place}: no YAML: {error.problem or error.context}{hint}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name}: no YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError(
            f"{name}: nested too deeply; keys of a configuration are four deep"
        ) from None
    if not isinstance(content, dict):
        kind = "nothing" if content is None else f"a {type(content).__name__}"
        raise UserError(f"{name}: holds {kind}; a configuration is made of lines `key: value`")


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
