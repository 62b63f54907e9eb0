"""A rank that has trained ends as a success, whatever libraries do while Python ends."""

import signal
import subprocess
import sys

import pytest

# What a joinable C++ thread does when the interpreter is torn down.
ABORT_AT_EXIT = """
import atexit, ctypes
from workflow_scripts.train.rank import Rank

libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.abort, None, None)
rank = Rank(None, cluster="local")
atexit.register(rank._end_process)
rank._is_done = {is_done}
{last_line}
"""


@pytest.mark.parametrize(
    ("is_done", "last_line", "returncode"),
    [
        (True, "", 0),
        (False, "", -signal.SIGABRT),
        # What fails after the training, such as its report, still counts.
        (True, "raise OSError('no space')", -signal.SIGABRT),
    ],
)
def test_a_rank_that_has_trained_is_not_aborted(is_done, last_line, returncode):
    code = ABORT_AT_EXIT.format(is_done=is_done, last_line=last_line)
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == returncode, done.stderr.decode()
