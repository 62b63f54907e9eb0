"""Compiled loops keep their machine code where they can, and run where they cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.common.numba_kernels import numba_kernel

ROOT = Path(__file__).parents[2]
PROGRAM = """
import numpy as np
from workflow_scripts.pointclouds.voxel_accumulator import _fill_slots
slots = np.full(4, -1, np.int32)
_fill_slots(slots, np.zeros((1, 4), np.int32), 1)
assert sorted(slots.tolist()) == [-1, -1, -1, 0]
print(sum(_fill_slots.stats.cache_hits.values()), sum(_fill_slots.stats.cache_misses.values()))
"""


def hits_and_misses(cache: Path, *, first: str = "", **environment: str) -> str:
    """Run the program in a process of its own, `first` before it; nothing may be said beside."""
    ended = subprocess.run(
        [sys.executable, "-c", first + PROGRAM],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.strip()


def cached_files(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file()}


def test_machine_code_is_kept_for_the_next_process(tmp_path):
    assert hits_and_misses(tmp_path) == "0 1"
    assert hits_and_misses(tmp_path) == "1 0"


@pytest.mark.parametrize("length", [0, 100])
def test_a_cut_file_of_machine_code_is_written_anew(tmp_path, length):
    hits_and_misses(tmp_path)
    for path in tmp_path.rglob("*.nb*"):
        path.write_bytes(path.read_bytes()[:length])

    assert hits_and_misses(tmp_path) == "0 1"
    assert hits_and_misses(tmp_path) == "1 0"


def test_a_disk_without_room_for_machine_code_stops_nothing(tmp_path):
    no_room = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))"

    assert hits_and_misses(tmp_path, first=no_room) == "0 1"
    assert cached_files(tmp_path) == set()


def test_processors_that_share_a_folder_never_write_one_file(tmp_path):
    """As nodes of a cluster do; were the names the same, one would run the other's code."""
    for folder, processor in [("one", "generic"), ("other", "haswell")]:
        hits_and_misses(tmp_path / folder, NUMBA_CPU_NAME=processor, NUMBA_CPU_FEATURES="")

    assert cached_files(tmp_path / "one")
    assert not cached_files(tmp_path / "one") & cached_files(tmp_path / "other")


def test_a_folder_that_cannot_be_made_is_passed_over(tmp_path):
    (tmp_path / "file").touch()

    assert hits_and_misses(tmp_path / "file" / "cache") in ("0 1", "1 0")


def test_without_a_folder_to_keep_it_in_a_kernel_still_runs():
    """Numba finds no place for the machine code of a function that no file holds."""
    scope: dict = {}
    exec("def double(number):\n    return 2 * number", scope)

    assert numba_kernel(scope["double"])(21) == 42


def test_kernels_do_not_reorder_sums():
    """Fast-math would change bytes from processor to processor."""

    def misses_and_hits(large, small):
        return (large + small) - large

    assert numba_kernel(misses_and_hits)(1e16, 1.0) == (1e16 + 1.0) - 1e16 == 0.0


HELPER = """
from workflow_scripts.common.numba_kernels import numba_kernel
STEP = 10
@numba_kernel
def more(value):
    return value + 1
"""
CALLER = """
from helper import STEP, more
from workflow_scripts.common.numba_kernels import numba_kernel
@numba_kernel
def much_more(value):
    return more(value) + STEP
if __name__ == "__main__":
    print(much_more(0))
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"), [("+ 1", "+ 2", "12"), ("STEP = 10", "STEP = 20", "21")]
)
def test_machine_code_follows_kernels_and_numbers_of_other_files(tmp_path, old, new, expected):
    helper, caller = tmp_path / "helper.py", tmp_path / "caller.py"
    caller.write_text(CALLER)
    printed = []
    for text in (HELPER, HELPER, HELPER.replace(old, new)):
        helper.write_text(text)
        ended = subprocess.run(
            [sys.executable, str(caller)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(ended.stdout.strip())
    assert printed == ["11", "11", expected]
