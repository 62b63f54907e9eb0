"""Find and end the processes of a test cluster, by its folder."""

import contextlib
import os
import subprocess
from pathlib import Path

import psutil


def processes_of(folder: Path, node: str = "") -> list[psutil.Process]:
    """Return a cluster's daemons, steps and jobs; with `node` only those of a node.

    Steps come first: one that outlives its job would report to the controller that the job failed.
    """
    started = {
        int(path.read_text())
        for path in folder.glob("run/*.popen")
        if not node or path.stem.endswith(node)
    }
    selected: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = process.info["cmdline"] or []
        is_step = bool(words) and words[0].startswith("slurmstepd")
        environment = process.info["environ"] or {}
        conf = environment.get("SLURM_CONF", "")
        is_ours = str(folder) in " ".join(words) or conf.startswith(str(folder))
        on_node = not node or environment.get("SLURMD_NODENAME") == node
        is_daemon = process.pid in started and is_ours
        is_job = on_node and "SLURM_JOB_ID" in environment and is_ours
        if is_daemon or is_job or (is_step and is_ours and on_node):
            selected[process.pid] = process
        if is_job:
            selected |= {step.pid: step for step in parent_slurmstepds(process)}
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in list(selected.values()):
        try:
            selected |= {child.pid: child for child in process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    selected = {pid: process for pid, process in selected.items() if pid not in ours}
    return sorted(selected.values(), key=lambda process: not is_slurmstepd(process))


def parent_slurmstepds(process: psutil.Process) -> list[psutil.Process]:
    """Return the slurmstepd that a job's process runs under."""
    try:
        return [parent for parent in process.parents() if is_slurmstepd(parent)]
    except psutil.NoSuchProcess:
        return []


def is_slurmstepd(process: psutil.Process) -> bool:
    """Return whether a process is a slurmstepd."""
    try:
        return process.name().startswith("slurmstepd")
    except psutil.NoSuchProcess:
        return False


def kill_processes(processes: list[psutil.Process]) -> None:
    """Suspend all processes, then kill them: none can report another's end to the controller."""
    for action in ("suspend", "kill"):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                getattr(process, action)()
    psutil.wait_procs(processes, timeout=10)


def terminate(daemon: subprocess.Popen[bytes], *, grace_s: float) -> None:
    """Terminate a daemon; kill it after `grace_s`."""
    if grace_s and daemon.poll() is None:
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(grace_s)
    if daemon.poll() is None:
        daemon.kill()
    daemon.wait()
