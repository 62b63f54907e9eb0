"""Wait for something that another process does, for as long as a slow machine takes."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# No test counts on this: it only ends one whose claim never comes true.
HANGING_S = 1800.0


def wait_until(claim: Callable[[], object], what: str, *, poll_s: float = 0.1) -> None:
    """Wait until a claim holds; say what was waited for if it never does."""
    deadline = time.monotonic() + HANGING_S
    while not claim():
        assert time.monotonic() < deadline, f"waited {HANGING_S:.0f} s in vain for {what}"
        time.sleep(poll_s)


@contextmanager
def running(command: list[str], *, log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside the test, what it says on stderr in a file; kill it at the end."""
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
