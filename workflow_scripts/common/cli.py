"""Run a stage's `main` as a command: typed flags, log format, errors without stack traces."""

import atexit
import inspect
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn, Protocol, Self, TypeVar, get_type_hints

import tyro
from pydantic import ValidationError
from tqdm import tqdm

from workflow_scripts.common import kept_outputs
from workflow_scripts.common.errors import UserError, validation_problems
from workflow_scripts.common.text_files import read_text

Item = TypeVar("Item")
DEBUG_VARIABLE = "SIGHTLINE_DEBUG"
SETTINGS = "settings"
FROM_JSON = (
    "all settings as JSON, or @file.json; flags change single ones, and what neither names keeps "
    "its default"
)


class SettingsModel(Protocol):
    """What `run` needs of the class of a `settings` parameter: see config/base.py."""

    model_fields: ClassVar[dict[str, Any]]

    def __init__(self) -> None: ...

    @classmethod
    def parse(cls, values: Any) -> Self:
        """Return settings from plain values or raise `UserError`."""


def run(main: Callable[..., None]) -> None:
    """Parse `main`'s typed arguments from the command line and run it.

    A parameter `settings` whose type is a pydantic model is given by a flag for each of its
    fields, by `--settings '{...}'` or `--settings @file.json`, or by both, where flags win.

    Exit status 1 and a single `error:` line for anything a user can fix (`UserError`, a record
    that does not validate, an operating-system error such as a full disk). Exit status 2 for
    flags that do not exist or are missing. Anything else is a defect of ours: its traceback is
    printed so that it can be reported.
    """
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        tyro.cli(_with_settings(main, sys.argv[1:]), config=(tyro.conf.AvoidSubcommands,))
        kept_outputs.forget_outputs(kept_outputs.written)
    except ValidationError as error:
        _fail("; ".join(validation_problems(error)))
    except (UserError, OSError) as error:
        _fail(str(error))
    # A function of an imported module was called by a program that goes on.
    if main.__module__ == "__main__":
        end_process()


def end_process() -> NoReturn:
    """End this process with exit status 0, without tearing the interpreter down.

    A library's thread that wakes up while the interpreter is torn down aborts the process from
    within C++ ("terminate called without an active exception"): a command whose files are all
    written would then count as failed. Threads that Python waits for are waited for, and exit
    handlers run, as at any other end.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


def _fail(message: str) -> None:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exc()
    sys.exit(f"error: {message}")


def _with_settings(main: Callable[..., None], arguments: Sequence[str]) -> Callable[..., None]:
    """Return `main` with flags for the fields of its `settings` and the flag `--settings`."""
    model = get_type_hints(main).get(SETTINGS)
    if model is None:
        return main
    main_default = inspect.signature(main).parameters[SETTINGS].default
    has_default = main_default is not inspect.Parameter.empty
    default = _default_settings(model, arguments, main_default if has_default else None)

    def with_flags(*, settings_json: str | None = None, **values: Any) -> None:
        main(**values)

    signature = inspect.signature(main)
    parameters = dict(signature.parameters)
    hints = get_type_hints(main, include_extras=True)
    hints[SETTINGS] = Annotated[model, tyro.conf.arg(name="")]
    hints["settings_json"] = Annotated[str | None, tyro.conf.arg(name=SETTINGS, help=FROM_JSON)]
    for name, parameter in parameters.items():
        parameters[name] = parameter.replace(annotation=hints[name])
    # Without a value for every field there is no default yet, and flags must give the rest.
    given = inspect.Parameter.empty if default is None else default
    parameters[SETTINGS] = parameters[SETTINGS].replace(default=given)
    parameters["settings_json"] = inspect.Parameter(
        "settings_json",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=hints["settings_json"],
    )
    with_flags.__doc__ = main.__doc__
    with_flags.__annotations__ = hints
    with_flags.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=list(parameters.values())
    )
    return with_flags


def _default_settings(
    model: type[SettingsModel], arguments: Sequence[str], main_default: SettingsModel | None
) -> SettingsModel | None:
    """Return the settings of `--settings`, else `main`'s own default, else the model's defaults.

    None if some field has no default.
    """
    text = None
    for number, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == f"--{SETTINGS}":
            text = value if equals else next(iter(arguments[number + 1 :]), None)
    if text is None:
        is_complete = not any(field.is_required() for field in model.model_fields.values())
        return main_default or (model() if is_complete else None)
    if text.startswith("@"):
        text = read_text(Path(text[1:]))
    try:
        values = json.loads(text)
    except ValueError as error:
        raise UserError(f"--{SETTINGS}: not JSON ({error}): {text[:80]}") from None
    try:
        return model.parse(values)
    except UserError as error:
        raise UserError(f"--{SETTINGS}: {error}") from None


def progress(items: Iterable[Item], *, desc: str, total: int | None = None) -> Iterable[Item]:
    """Show a progress bar when a person watches (stderr is a terminal), nothing otherwise."""
    bar: Iterable[Item] = tqdm(
        items, desc=desc, total=total, disable=not sys.stderr.isatty(), leave=False
    )
    return bar
