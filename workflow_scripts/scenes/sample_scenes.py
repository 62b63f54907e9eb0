"""Write one shard of scenes, made by a source's function, with a contact sheet.

The function is named "package.module:function" and is called with the settings that its first
parameter's type says and a `SampleRequest`; it returns the scenes of the shard in order. A source
names its function in its description, see sources/base.py.
"""

import functools
import importlib
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from workflow_scripts.common.backend_registry import load_backend
from workflow_scripts.common.cli import SETTINGS, progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SPLITS, SceneRecord
from workflow_scripts.common.splits import check_split_fractions
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.base import Settings
from workflow_scripts.scenes.contact_sheets import SHEETS
from workflow_scripts.sources.base import SampleRequest

Sampler = Callable[[Settings, SampleRequest], Iterable[SceneRecord]]
log = logging.getLogger(__name__)


def load_sampler(name: str) -> Sampler:
    """Return the function "package.module:function"; `UserError` if there is none."""
    module, _, attribute = name.partition(":")
    try:
        sampler: Sampler = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            f"--sampler: {name!r} cannot be loaded: {error}; give package.module:function"
        ) from error
    return sampler


def split_counts(scenes: Sequence[SceneRecord]) -> str:
    """Say how many scenes each split has."""
    return ", ".join(f"{sum(scene.split == split for scene in scenes)} {split}" for split in SPLITS)


def main(
    *,
    source: str,
    scene_kind: str,
    sampler: str,
    start: int,
    stop: int,
    seed: int,
    splits: tuple[float, float, float],
    out: Path,
    picture: Path,
    settings: Settings,
) -> None:
    """Write the scenes [start, stop) of a source and a contact sheet of them.

    Args:
        source: name of the source, the first part of every scene id.
        scene_kind: kind of the scenes, which decides how they are drawn: house or episode.
        sampler: the function that makes them, package.module:function.
        start: index of the first scene.
        stop: index after the last scene.
        seed: the workflow's seed.
        splits: shares of train, val and test.
        out: the shard, one record a line.
        picture: the contact sheet (PNG).
        settings: what the scenes depend on.
    """
    shares = dict(zip(SPLITS, splits, strict=True))
    check_split_fractions(shares)
    draw_sheet = load_backend(scene_kind, SHEETS, kind="contact sheet")
    request = SampleRequest(source, start=start, stop=stop, seed=seed, shares=shares)
    made = load_sampler(sampler)(settings, request)
    scenes = list(progress(made, desc="scenes", total=stop - start))
    for scene in scenes:
        if scene.skipped:
            log.warning("%s (%s) left out: %s", scene.scene_id, scene.origin, scene.skipped)
    num_skipped = sum(bool(scene.skipped) for scene in scenes)
    log.info("%d scenes, %d left out; %s", len(scenes), num_skipped, split_counts(scenes))
    draw_sheet(picture, scenes)
    write_records(out, scenes)


def typed_main(arguments: Sequence[str]) -> Callable[..., None]:
    """Return `main` with flags for the settings that the function of `--sampler` takes."""
    names = [
        after if argument == "--sampler" else argument.partition("=")[2]
        for argument, after in zip(arguments, [*arguments[1:], ""], strict=True)
        if argument.partition("=")[0] == "--sampler"
    ]
    try:
        hints = get_type_hints(load_sampler(names[-1])) if names else {}
    except UserError:
        hints = {}  # `main` says what is wrong

    @functools.wraps(main)
    def typed(**values: Any) -> None:
        main(**values)

    typed.__annotations__ = {**main.__annotations__, SETTINGS: hints.get(SETTINGS, Settings)}
    return typed


if __name__ == "__main__":
    run(typed_main(sys.argv[1:]))
