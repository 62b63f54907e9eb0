"""Compiled loops keep their machine code where they can, and run where they cannot."""

import os
import subprocess
import sys
from pathlib import Path

from workflow_scripts.common.kernels import kernel

ROOT = Path(__file__).parents[2]
PROGRAM = """
import numpy as np
from workflow_scripts.pointclouds.cells import _fill_slots
_fill_slots(np.full(4, -1, np.int32), np.zeros((1, 4), np.int32), 1)
print(sum(_fill_slots.stats.cache_hits.values()), sum(_fill_slots.stats.cache_misses.values()))
"""


def test_machine_code_is_kept_for_the_next_process(tmp_path):
    def hits_and_misses() -> str:
        command = [sys.executable, "-c", PROGRAM]
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        return subprocess.check_output(command, cwd=ROOT, env=environment, text=True).strip()

    assert hits_and_misses() == "0 1"
    assert hits_and_misses() == "1 0"


def test_without_a_folder_to_keep_it_in_a_kernel_still_runs():
    """Numba finds no place for the machine code of a function that no file holds."""
    scope: dict = {}
    exec("def double(number):\n    return 2 * number", scope)

    assert kernel(scope["double"])(21) == 42


def test_kernels_do_not_reorder_sums():
    """Fast-math would change bytes from processor to processor."""

    def lost_and_kept(large, small):
        return (large + small) - large

    assert kernel(lost_and_kept)(1e16, 1.0) == (1e16 + 1.0) - 1e16 == 0.0
