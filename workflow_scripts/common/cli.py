"""Run a stage's `main` as a command: typed flags, log format, errors without stack traces."""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TypeVar

import tyro
from pydantic import ValidationError
from tqdm import tqdm

from workflow_scripts.common.errors import UserError

Item = TypeVar("Item")
DEBUG_VARIABLE = "SIGHTLINE_DEBUG"


def run(main: Callable[..., None]) -> None:
    """Parse `main`'s typed arguments from the command line and run it.

    Exit status 1 and a single `error:` line for anything a user can mend (`UserError`, a record
    that does not validate, an operating-system error such as a full disk). Anything else is a
    defect of ours: its traceback is printed so that it can be reported.
    """
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        tyro.cli(main)
    except (UserError, ValidationError, OSError) as error:
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        sys.exit(f"error: {error}")


def progress(items: Iterable[Item], *, desc: str, total: int | None = None) -> Iterable[Item]:
    """Show a progress bar when a person watches (stderr is a terminal), nothing otherwise."""
    return tqdm(items, desc=desc, total=total, disable=not sys.stderr.isatty(), leave=False)
