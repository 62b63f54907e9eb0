"""Look at a job of submitit's, on a cluster or on this machine: does it live, what did ranks say.

SLURM's controller is asked, not its accounts: those know a job only seconds after it was
submitted, and a cluster may keep none.
"""

import logging
import pickle
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import submitit

from workflow_scripts.common.errors import UserError

logger = logging.getLogger(__name__)

# States of a job that squeue may still list but that will not run again. NODE_FAIL and PREEMPTED
# are not among them: such a job is about to be queued again.
OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "OUT_OF_MEMORY", "BOOT_FAIL"}


@dataclass(frozen=True)
class State:
    """What the controller says of a job; `word` is empty when it knows the job no more."""

    word: str
    reason: str = ""

    @property
    def is_over(self) -> bool:
        return not self.word or self.word in OVER

    def __str__(self) -> str:
        shown = self.reason not in ("", "None", "(null)")
        return self.word.lower() + (f" ({self.reason})" if shown else "")


@dataclass(frozen=True)
class Report:
    """What a rank ended with: a message or None if it `succeeded`, else a traceback."""

    rank: int
    succeeded: bool
    value: str | None
    time_s: float


def squeue(*words: str) -> list[list[str]]:
    """Return rows of (id, state, reason, comment) of jobs in the queue.

    Raises:
        UserError: The controller does not answer.
    """
    command = ["squeue", "--noheader", "--format", "%i|%T|%r|%k", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Invalid job id" not in done.stderr:
        raise UserError(f"a training may be under way: squeue failed: {done.stderr.strip()}")
    return [line.split("|", 3) for line in done.stdout.splitlines() if line.count("|") >= 3]


def state_in_queue(job_id: str) -> State:
    """Return the state of a SLURM job."""
    states = [State(word, reason) for _, word, reason, _ in squeue("--jobs", job_id)]
    going_on = [state for state in states if not state.is_over]
    return (going_on or states or [State("")])[0]


def find_in_queue(name: str) -> list[tuple[str, str]]:
    """Return (id, comment) of my SLURM jobs of this name that are not over, newest first."""
    rows = squeue("--me", "--name", name)
    found = [(job_id, comment) for job_id, word, _, comment in rows if not State(word).is_over]
    return sorted(found, key=lambda row: int(row[0]), reverse=True)


def state_of(job: submitit.Job) -> State:
    """Return the state of a job; one whose controller does not answer is taken to live."""
    if isinstance(job, submitit.LocalJob):
        return State("RUNNING" if controller(job) is not None else "")
    try:
        return state_in_queue(job.job_id)
    except UserError as error:
        logger.warning("%s; waiting on", error)
        return State("UNKNOWN")


def last_state(job: submitit.Job) -> str:
    """Return how SLURM says that a job ended, '' if it does not know."""
    if isinstance(job, submitit.LocalJob):
        return ""
    for command, pattern in (
        (["scontrol", "show", "job", "-o", job.job_id], r"\bJobState=(\S+)"),
        (["sacct", "-X", "-n", "-P", "-o", "State", "-j", job.job_id], r"(?m)^(\w+)"),
    ):
        with suppress(OSError):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            match = re.search(pattern, done.stdout)
            if done.returncode == 0 and match:
                return match[1]
    return ""


def reports_of(job: submitit.Job, num_ranks: int) -> list[Report]:
    """Return what those ranks said that have ended, the earliest first."""
    found = []
    for rank in range(num_ranks):
        paths = job.task(rank).paths if rank else job.paths
        with suppress(FileNotFoundError, EOFError):
            kind, value = pickle.loads(paths.result_pickle.read_bytes())
            time_s = paths.result_pickle.stat().st_mtime
            found.append(Report(rank, kind == "success", value, time_s))
    return sorted(found, key=lambda report: report.time_s)


def controller(job: submitit.Job) -> psutil.Process | None:
    """Return the process that runs a local job, if it lives."""
    try:
        process = psutil.Process(int(job.job_id))
        words = process.cmdline()
        # A process that was started a moment ago shows no words yet; a kernel's has no program.
        is_starting = not words and bool(process.exe())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    # A pid is given again to another process some day.
    is_ours = is_starting or {"submitit.local._local", str(job.paths.folder)} <= set(words)
    return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None


def lost_a_rank(job: submitit.Job, num_expected: int) -> bool:
    """Say whether fewer ranks of a local job live than have not reported."""
    if not isinstance(job, submitit.LocalJob):
        return False
    process = controller(job)
    if process is None:
        return True
    if not log_path(job, job.num_tasks - 1).exists():
        return False  # not one of them has been started yet
    try:
        children = process.children()
        alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return True
    return len(alive) < num_expected


def stop(job: submitit.Job) -> None:
    """End a job and all its ranks."""
    if not isinstance(job, submitit.LocalJob):
        job.cancel()
        return
    process = controller(job)
    if process is not None:
        _end(process)


def sweep(folder: Path) -> None:
    """End ranks of a local job whose controller was killed: they would train on, unwatched."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "submitit.core._submit" in words and str(folder) in words:
            logger.info("ending rank %d that a killed job left behind", process.pid)
            _end(process)


def _end(process: psutil.Process) -> None:
    """End a process and those it started; any of them may be gone already."""
    family = [process]
    with suppress(psutil.NoSuchProcess):
        family += process.children(recursive=True)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=10)


def log_path(job: submitit.Job, rank: int) -> Path:
    """Return the file with what a rank wrote."""
    path: Path = (job.task(rank) if rank else job).paths.stderr
    return path


def tail(path: Path, num_lines: int) -> str:
    """Return the last lines of a log, '' without one."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-num_lines:])


def last_line(job: submitit.Job) -> str:
    """Return the newest line that rank 0 wrote about its progress."""
    for path in (job.paths.stdout, job.paths.stderr):
        text: str = tail(path, 1)
        if text.strip():
            return text.strip()[:160]
    return "no log yet"
