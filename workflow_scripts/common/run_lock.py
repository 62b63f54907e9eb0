"""One run at a time in a folder: a lock that ends with its process, however that ends.

Snakemake's own lock is a file that a killed run leaves behind; whoever finds it cannot know whether
its run still goes on. This one is held by the operating system for the main process. Jobs do not
inherit it. Where a file system has no such locks, Snakemake's own lock remains.
"""

import fcntl
import json
import os
import platform
from pathlib import Path
from typing import IO, Any

from workflow_scripts.common.errors import UserError

LOCK_FILE = "run.lock"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Kept open for the life of the process.
_held: list[IO[str]] = []


def lock_run(folder: Path = Path(".snakemake")) -> None:
    """Hold the lock of a working directory until this process ends.

    Args:
        folder: Where Snakemake keeps its own files, below the working directory.

    Locks of Snakemake's own that a killed run on this machine has left are removed. Raises
    `UserError` that names the process of the other run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_FILE).open("a+", encoding="utf-8")
    except OSError:
        return  # a folder that cannot be written to: what the run is for will say so
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _read_holder(file)
        raise UserError(
            f"another run is going on in {Path.cwd()} (process {holder.get('pid', 'unknown')} on "
            f"{holder.get('host', 'this machine')}): wait until it has ended, or stop it"
        ) from None
    except OSError:
        return  # a file system without locks
    _held.append(file)
    own = {"pid": os.getpid(), "host": platform.node(), "boot_id": _boot_id()}
    last = _read_holder(file)
    # Another machine's lock may not be seen here: then Snakemake's own decides.
    if any(last.get(key) and last[key] == own[key] for key in ("host", "boot_id")):
        for stale in (folder / "locks").glob("*"):
            stale.unlink(missing_ok=True)
    file.seek(0)
    file.truncate()
    json.dump(own, file)
    file.flush()


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read_holder(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        holder = json.loads(file.read() or "{}")
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}
