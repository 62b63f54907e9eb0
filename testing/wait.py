"""Wait for something that another process does, for as long as a slow machine takes."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# No test depends on this: it only ends one whose condition never holds.
MAX_WAIT_S = 1800.0


def wait_until(condition: Callable[[], object], description: str, *, poll_s: float = 0.1) -> None:
    """Wait until a condition holds; fail with the description if it never does."""
    deadline = time.monotonic() + MAX_WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {MAX_WAIT_S:.0f} s for {description}"
        time.sleep(poll_s)


@contextmanager
def background_process(
    command: list[str], *, log: Path, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command during a test, its stderr in a file; kill it at the end."""
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
