"""Query a submitit job, on a cluster or on this machine: its state and the reports of its ranks.

SLURM's controller is queried, not its accounting: that lists a job only seconds after it was
submitted, and a cluster may have none.
"""

import logging
import pickle
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import submitit

from workflow_scripts.common.errors import UserError

logger = logging.getLogger(__name__)

# States of a job that squeue may still list but that will not run again. NODE_FAIL and PREEMPTED
# are not among them: such a job is about to be queued again.
TERMINAL_STATES = {
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "TIMEOUT",
    "DEADLINE",
    "OUT_OF_MEMORY",
    "BOOT_FAIL",
}


@dataclass(frozen=True)
class JobState:
    """State that the controller reports; `code` is empty when it does not list the job any more."""

    code: str
    reason: str = ""

    @property
    def is_over(self) -> bool:
        return not self.code or self.code in TERMINAL_STATES

    def __str__(self) -> str:
        shown = self.reason not in ("", "None", "(null)")
        return self.code.lower() + (f" ({self.reason})" if shown else "")


@dataclass(frozen=True)
class RankReport:
    """What a rank ended with: a message or None if it `succeeded`, else a traceback."""

    rank: int
    succeeded: bool
    value: str | None
    time_s: float


def squeue(*args: str) -> list[list[str]]:
    """Return rows of (id, state, reason, comment) of jobs in the queue.

    Raises:
        UserError: The controller does not answer.
    """
    command = ["squeue", "--noheader", "--format", "%i|%T|%r|%k", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Invalid job id" not in done.stderr:
        raise UserError(f"a training may be under way: squeue failed: {done.stderr.strip()}")
    return [line.split("|", 3) for line in done.stdout.splitlines() if line.count("|") >= 3]


def query_queue_state(job_id: str) -> JobState:
    """Return the state of a SLURM job."""
    states = [JobState(code, reason) for _, code, reason, _ in squeue("--jobs", job_id)]
    active = [state for state in states if not state.is_over]
    return (active or states or [JobState("")])[0]


def find_queued_jobs(name: str) -> list[tuple[str, str]]:
    """Return (id, comment) of my SLURM jobs of this name that are not over, newest first."""
    rows = squeue("--me", "--name", name)
    active = [(job_id, comment) for job_id, code, _, comment in rows if not JobState(code).is_over]
    return sorted(active, key=lambda row: int(row[0]), reverse=True)


def get_job_state(job: submitit.Job[Any]) -> JobState:
    """Return the state of a job; "unknown" if its controller does not answer."""
    if isinstance(job, submitit.LocalJob):
        return JobState("RUNNING" if controller_process(job) is not None else "")
    try:
        return query_queue_state(job.job_id)
    except UserError as error:
        logger.warning("%s; still waiting", error)
        return JobState("UNKNOWN")


def last_state(job: submitit.Job[Any]) -> str:
    """Return the final state that SLURM reports for a job, '' if it reports none."""
    if isinstance(job, submitit.LocalJob):
        return ""
    for command, pattern in (
        (["scontrol", "show", "job", "-o", job.job_id], r"\bJobState=(\S+)"),
        (["sacct", "-X", "-n", "-P", "-o", "JobState", "-j", job.job_id], r"(?m)^(\w+)"),
    ):
        with suppress(OSError):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            match = re.search(pattern, done.stdout)
            if done.returncode == 0 and match:
                return match[1]
    return ""


def read_rank_reports(job: submitit.Job[Any], num_ranks: int) -> list[RankReport]:
    """Return the reports of the ranks that have ended, the earliest first."""
    reports = []
    for rank in range(num_ranks):
        paths = job.task(rank).paths if rank else job.paths
        with suppress(FileNotFoundError, EOFError):
            kind, value = pickle.loads(paths.result_pickle.read_bytes())
            time_s = paths.result_pickle.stat().st_mtime
            reports.append(RankReport(rank, kind == "success", value, time_s))
    return sorted(reports, key=lambda report: report.time_s)


def controller_process(job: submitit.Job[Any]) -> psutil.Process | None:
    """Return the process that runs a local job, None if it has ended."""
    try:
        process = psutil.Process(int(job.job_id))
        args = process.cmdline()
        # A process that has just been started has no arguments yet; a kernel thread has no program.
        is_starting = not args and bool(process.exe())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    # Process ids are reused.
    is_ours = is_starting or {"submitit.local._local", str(job.paths.folder)} <= set(args)
    return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None


def has_lost_rank(job: submitit.Job[Any], num_expected: int) -> bool:
    """Return whether fewer ranks of a local job are running than have not reported."""
    if not isinstance(job, submitit.LocalJob):
        return False
    process = controller_process(job)
    if process is None:
        return True
    if not log_path(job, job.num_tasks - 1).exists():
        return False  # no rank has been started yet
    try:
        children = process.children()
        alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return True
    return len(alive) < num_expected


def stop(job: submitit.Job[Any]) -> None:
    """End a job and all its ranks."""
    if not isinstance(job, submitit.LocalJob):
        job.cancel()
        return
    process = controller_process(job)
    if process is not None:
        _kill_process_tree(process)


def kill_orphan_ranks(folder: Path) -> None:
    """End ranks of a local job whose controller was killed: they would train on, unwatched."""
    for process in psutil.process_iter(["cmdline"]):
        args = process.info["cmdline"] or []
        if "submitit.core._submit" in args and str(folder) in args:
            logger.info("stopping orphan rank %d of a killed job", process.pid)
            _kill_process_tree(process)


def _kill_process_tree(process: psutil.Process) -> None:
    """Kill a process and its descendants; any of them may have ended already."""
    processes = [process]
    with suppress(psutil.NoSuchProcess):
        processes += process.children(recursive=True)
    for member in processes:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(processes, timeout=10)


def log_path(job: submitit.Job[Any], rank: int) -> Path:
    """Return the file of a rank's standard error."""
    path: Path = (job.task(rank) if rank else job).paths.stderr
    return path


def tail(path: Path, num_lines: int) -> str:
    """Return the last lines of a log, '' without one."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-num_lines:])


def last_line(job: submitit.Job[Any]) -> str:
    """Return the last line of rank 0's log."""
    for path in (job.paths.stdout, job.paths.stderr):
        text: str = tail(path, 1)
        if text.strip():
            return text.strip()[:160]
    return "no log yet"
