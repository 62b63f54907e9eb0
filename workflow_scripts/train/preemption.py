"""Preemption: save at the next step after SLURM's signal, then have the job queued again.

SLURM sends a signal before the time limit and, if the cluster is configured so, before
preemption. The handler only sets a flag: ranks must save together, at the end of a step.
Slow imports do not belong here: a signal before the handler is installed kills the rank.
"""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import FrameType

# A job that was queued again so often without a newer checkpoint ends with an error.
MAX_REQUEUES_WITHOUT_CHECKPOINT = 5
REQUEUE_TRIES = 5
# Ranks that requested a requeue wait so long for SLURM to end them.
EXIT_TIMEOUT_S = 600.0


class TrainingInterrupted(Exception):
    """The training stopped after a save, to be resumed by another run."""


class PreemptionHandler:
    """Signal handlers of a rank of a SLURM job.

    Args:
        counter_file: File that counts requeues without a newer checkpoint.
        checkpoints: Folder of the checkpoints.
        notice_s: Seconds from the signal to the end. When two thirds of them have passed without
            a save, rank 0 has the job queued again as it is.
    """

    def __init__(self, *, counter_file: Path, checkpoints: Path, notice_s: float) -> None:
        self._counter_file = counter_file
        self._checkpoints = checkpoints
        self._unsaved_after_s = notice_s * 2 / 3
        self._requeue_requested = False
        self._should_stop = False
        self._is_requeued = False

    def install_handlers(self) -> None:
        """Handle signals from now on."""
        signal.signal(signal.SIGUSR2, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        # Data-loader workers are forked, and SLURM signals them too.
        os.register_at_fork(after_in_child=reset_signal_handlers)

    def should_stop(self) -> bool:
        """Return whether this rank should save and stop."""
        return self._should_stop

    def requeue_and_wait(self) -> None:
        """Have the job queued again once every rank has saved, and wait for SLURM to end it."""
        self._is_requeued = True
        if self._requeue_requested and is_rank_zero():
            self._counter_file.unlink(missing_ok=True)
            requeue()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(EXIT_TIMEOUT_S)
        raise RuntimeError(
            f"SLURM did not end this rank within {EXIT_TIMEOUT_S:.0f} s after its last save"
        )

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._is_requeued:
            os._exit(128 + number)
        log_from_handler(f"{signal.Signals(number).name}: saving at the end of this step")
        self._should_stop = True
        # SIGTERM alone means that the job was cancelled or that SLURM queues it again itself.
        if number == signal.SIGUSR2 and not self._requeue_requested:
            self._requeue_requested = True
            if is_rank_zero():
                timer = threading.Timer(self._unsaved_after_s, self._requeue_unsaved)
                timer.daemon = True
                timer.start()

    def _requeue_unsaved(self) -> None:
        if self._is_requeued:
            return
        newest = self._newest_checkpoint()
        known, known_times = self._read_counter()
        times = known_times + 1 if known == newest else 1
        partial = self._counter_file.with_name(f".{self._counter_file.name}.partial")
        partial.write_text(json.dumps({"newest": newest, "times": times}))
        partial.replace(self._counter_file)
        if times > MAX_REQUEUES_WITHOUT_CHECKPOINT:
            log_from_handler(
                f"the job was queued again {MAX_REQUEUES_WITHOUT_CHECKPOINT} times and wrote no "
                "checkpoint: give its rule a longer runtime in the profile, or lower save_steps. "
                "It ends here."
            )
            return
        self._is_requeued = True
        log_from_handler("no time to save: the job will resume from its newest checkpoint")
        requeue()

    def _read_counter(self) -> tuple[str | None, int]:
        """Return the checkpoint and the number of its file; (None, 0) if it is not to be read."""
        try:
            known = json.loads(self._counter_file.read_text())
            return str(known["newest"]), int(known["times"])
        except (OSError, ValueError, TypeError, KeyError):
            return None, 0

    def _newest_checkpoint(self) -> str:
        names = (path.parent.name for path in self._checkpoints.glob("checkpoint-*/complete"))
        return max(names, key=lambda name: int(name.removeprefix("checkpoint-")), default="")


def reset_signal_handlers() -> None:
    """Give a forked process, which has nothing to save, handlers that ignore the notice."""
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def is_rank_zero() -> bool:
    """Return whether this is the rank that sends requests to SLURM."""
    return os.environ.get("SLURM_PROCID", "0") == "0"


def requeue() -> None:
    """Ask SLURM to end this job and queue it again."""
    job_id = os.environ["SLURM_JOB_ID"]
    for attempt in range(REQUEUE_TRIES):
        done = subprocess.run(
            ["scontrol", "requeue", job_id], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            log_from_handler(f"job {job_id} is queued again")
            return
        log_from_handler(f"scontrol requeue {job_id}: {done.stderr.strip()}")
        time.sleep(2**attempt)
    raise RuntimeError(f"job {job_id} could not be queued again; its newest checkpoint is kept")


def log_from_handler(text: str) -> None:
    """Write a line to the log; safe in a signal handler, unlike a logger."""
    os.write(2, f"{text}\n".encode())
