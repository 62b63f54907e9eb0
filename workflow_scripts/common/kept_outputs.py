"""Keep what a job is about to replace, and put it back if the job fails.

Snakemake removes the outputs of a job before it runs and after it has failed, so that a rule that
is forced, or whose settings have changed, would cost a good result by failing. Before anything
runs, the outputs of the jobs of a run are therefore linked into a folder of Snakemake's
(hard links take no space); when the run has failed, those that are missing come back.

A command that succeeds forgets what was kept of its files at once, so that a run never holds more
than it did before, and what its unfinished jobs replace.

Snakemake must not take them for the result that was asked for: they come back as older than
anything else, and its record of them is removed, so that their rule still runs at the next run.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from workflow_scripts.common.checksums import checksum_path

FOLDER = Path(".snakemake", "kept_outputs")
OLD_TIME_S = 1
"""Modification time of what comes back: 1970, older than any input."""
_TIME_STAMP = ".snakemake_timestamp"
written: list[Path] = []
"""Files and folders that this process has written whole; `storage.atomic_write` adds them."""


def keep_outputs(outputs: Iterable[Path], folder: Path = FOLDER) -> None:
    """Link the outputs that are there, and their checksums, into a folder.

    What an earlier run that was killed has kept stays, unless its output is there again. Paths are
    relative to the working directory; outputs elsewhere are not kept.
    """
    for output in outputs:
        for path in (output, checksum_path(output)):
            if path.is_absolute() or ".." in path.parts or not path.exists():
                continue
            kept = folder / path
            _remove(kept)
            kept.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                ignored = shutil.ignore_patterns(_TIME_STAMP)
                shutil.copytree(path, kept, copy_function=_link_or_copy, ignore=ignored)
            else:
                _link_or_copy(path, kept)


def restore_outputs(outputs: Iterable[Path], folder: Path = FOLDER) -> list[Path]:
    """Put back those of a job's outputs that are missing; return which."""
    restored = []
    for output in outputs:
        kept = folder / output
        if output.is_absolute() or output.exists() or not kept.exists():
            continue
        record = checksum_path(output)
        for path in (record, output):
            if (folder / path).exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _remove(path)
                os.replace(folder / path, path)
        if output.is_dir():
            (output / _TIME_STAMP).touch()
            os.utime(output / _TIME_STAMP, (OLD_TIME_S, OLD_TIME_S))
        os.utime(output, (OLD_TIME_S, OLD_TIME_S))
        restored.append(output)
    return restored


def forget_outputs(outputs: Iterable[Path], folder: Path = FOLDER) -> None:
    """Remove what was kept of outputs that are there."""
    for output in outputs:
        if output.exists() and not output.is_absolute():
            _remove(folder / output)
            _remove(folder / checksum_path(output))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)
