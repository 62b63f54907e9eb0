"""A cluster whose starter is killed takes itself down."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.slurm.cluster import why_not
from tests.slurm.outside import ETC, HOSTS, LINKED, MARK
from tests.slurm.processes import processes_of

ROOT = Path(__file__).parents[2]


# Before the other tests' cluster: two at a time are refused.
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_a_killed_starter_leaves_nothing() -> None:
    command = [sys.executable, "-m", "tests.slurm.cluster", "--no-accounting"]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert starter.stdout is not None
        assert any(line.startswith("Up after") for line in starter.stdout)
        folder = (ETC / "slurm.conf").readlink().parents[1]
        assert len(processes_of(folder)) >= 6
    finally:
        starter.kill()
        starter.wait()
    assert within(30, lambda: not folder.exists())
    assert not processes_of(folder)
    assert not any(os.path.lexists(ETC / name) for name in LINKED)
    assert MARK not in HOSTS.read_text()


def within(seconds: float, claim: Callable[[], bool]) -> bool:
    """Say whether a claim comes true in time."""
    deadline = time.monotonic() + seconds
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.2)
    return claim()
