"""Find and end the processes of a test cluster, by its folder."""

import contextlib
import os
import subprocess
from pathlib import Path

import psutil


def processes_of(folder: Path, word: str = "") -> list[psutil.Process]:
    """Return a cluster's daemons, steps and jobs; with `word` only those of a node.

    Steps come first: one that outlives its job would tell the controller that the job failed.
    """
    started = {
        int(path.read_text())
        for path in folder.glob("run/*.popen")
        if not word or path.stem.endswith(word)
    }
    found = {}
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = process.info["cmdline"] or []
        is_step = bool(words) and words[0].startswith("slurmstepd")
        environment = process.info["environ"] or {}
        conf = environment.get("SLURM_CONF", "")
        is_ours = str(folder) in " ".join(words) or conf.startswith(str(folder))
        on_node = not word or environment.get("SLURMD_NODENAME") == word
        is_daemon = process.pid in started and is_ours
        is_job = on_node and "SLURM_JOB_ID" in environment and is_ours
        if is_daemon or is_job or (is_step and is_ours and on_node):
            found[process.pid] = process
        if is_job:
            found |= {step.pid: step for step in parent_slurmstepds(process)}
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in list(found.values()):
        try:
            found |= {child.pid: child for child in process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    found = {pid: process for pid, process in found.items() if pid not in ours}
    return sorted(found.values(), key=lambda process: not is_slurmstepd(process))


def parent_slurmstepds(process: psutil.Process) -> list[psutil.Process]:
    """Return the slurmstepd that a job's process runs under."""
    try:
        return [parent for parent in process.parents() if is_slurmstepd(parent)]
    except psutil.NoSuchProcess:
        return []


def is_slurmstepd(process: psutil.Process) -> bool:
    """Say whether a process is a slurmstepd."""
    try:
        return process.name().startswith("slurmstepd")
    except psutil.NoSuchProcess:
        return False


def kill_processes(family: list[psutil.Process]) -> None:
    """Kill processes in one blow: none lives to tell the controller of another's end."""
    for word in ("suspend", "kill"):
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                getattr(process, word)()
    psutil.wait_procs(family, timeout=10)


def terminate(daemon: subprocess.Popen[bytes], *, grace_s: float) -> None:
    """Ask a daemon to end, kill it after a while."""
    if grace_s and daemon.poll() is None:
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(grace_s)
    if daemon.poll() is None:
        daemon.kill()
    daemon.wait()
