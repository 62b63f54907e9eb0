"""A cluster whose starter is killed removes itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.slurm.cluster import unavailable_reason
from testing.slurm.host_setup import ETC, HOSTS, HOSTS_MARK, LINKED_CONFIG_FILES
from testing.slurm.processes import processes_of
from testing.wait import wait_until

ROOT = Path(__file__).parents[2]


# Runs before the other tests' cluster starts (tests/conftest.py): two at a time are refused.
@pytest.mark.skipif(unavailable_reason() is not None, reason=str(unavailable_reason()))
def test_a_killed_starter_leaves_nothing() -> None:
    command = [sys.executable, "-m", "testing.slurm.cluster", "--no-accounting"]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert starter.stdout is not None
        assert any(line.startswith("Up after") for line in starter.stdout)
        folder = (ETC / "slurm.conf").readlink().parents[1]
        assert len(processes_of(folder)) >= 6
    finally:
        starter.kill()
        starter.wait()
    wait_until(lambda: not folder.exists(), "the guard to remove the cluster's folder")
    wait_until(lambda: not processes_of(folder), "the cluster's last process to end")
    assert not any(os.path.lexists(ETC / name) for name in LINKED_CONFIG_FILES)
    assert HOSTS_MARK not in HOSTS.read_text()
