"""Start a training through submitit and wait for it; a restart finds the one under way.

`results/train/{experiment}/launch/` holds the logs of every rank and `job.json`, which names the
job. If a launcher is killed, its job goes on; the next launcher waits for that job, or, if it is
gone, starts another that resumes from the newest complete checkpoint.
"""

import fcntl
import hashlib
import json
import logging
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
import submitit
import tyro
from submitit.helpers import DelayedSubmission, TorchDistributedEnvironment

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json, write_json
from workflow_scripts.train.train import Experiment, identity, train

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
# A rank that fails leaves the others waiting; so long may they take to fail by themselves.
GRACE_S = 10.0
# States of a job that squeue may still list but that will not run again.
OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "OUT_OF_MEMORY", "BOOT_FAIL"}


@dataclass(frozen=True)
class Machine:
    """Where ranks run. One rank a GPU; without GPUs `num_processes` ranks on processors.

    Attributes:
        cluster: slurm, local (this machine), or debug (in this process).
        nodes: Nodes.
        gpus: GPUs over all nodes.
        gpu_model: Card, as the cluster's GRES names it; empty takes any.
        partition: Partition; empty takes the cluster's default.
        account: Account; empty takes the user's default.
        minutes: Longest time.
        mem_mb: Memory of a node; 0 leaves it to the cluster.
        num_processes: Ranks on a node without GPUs.
        threads: Processor cores of a rank; 0 deals this machine's cores to the ranks.
    """

    cluster: Literal["local", "slurm", "debug"] = "local"
    nodes: int = 1
    gpus: int = 0
    gpu_model: str = ""
    partition: str = ""
    account: str = ""
    minutes: int = 1440
    mem_mb: int = 0
    num_processes: int = 2
    threads: int = 0

    def ranks_per_node(self) -> int:
        """Return how many ranks a node has."""
        if self.gpus % self.nodes:
            raise UserError(f"--gpus {self.gpus} must be a multiple of --nodes {self.nodes}")
        return self.gpus // self.nodes or self.num_processes

    def threads_per_rank(self) -> int:
        """Return how many cores a rank may use."""
        cores = len(os.sched_getaffinity(0))
        return self.threads or max(1, cores // self.ranks_per_node())


@dataclass(frozen=True)
class Ticket:
    """How to find a job again, and what it trains."""

    cluster: str
    job_id: str
    num_ranks: int
    identity: str


class Rank:
    """What each rank runs. Pickled by submitit; a preempted job is queued again as it is."""

    def __init__(self, experiment: Experiment, *, cluster: str) -> None:
        self.experiment = experiment
        self.cluster = cluster

    def __call__(self) -> str | None:
        """Train; return the message of a mistake that the user can mend."""
        logging.basicConfig(
            level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", force=True
        )
        if self.cluster != "debug":
            # Each rank sees all cards and takes the one of its local rank: hiding the others
            # would make libraries look for card n in a list of one.
            TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        shield_workers()
        try:
            train(self.experiment)
        except UserError as error:
            return str(error)
        return None

    def checkpoint(self) -> DelayedSubmission:
        """Go on from the newest checkpoint when the job is preempted or out of time."""
        return DelayedSubmission(self)


def shield_workers() -> None:
    """Let forked data-loader workers ignore the signal of preemption that ranks handle."""
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN))


def main(
    *,
    experiment: Annotated[Experiment, tyro.conf.arg(name="")],
    machine: Annotated[Machine, tyro.conf.arg(name="")],
    poll_s: float = 0.0,
) -> None:
    """Train an experiment.

    Args:
        experiment: What is trained on what.
        machine: Where ranks run.
        poll_s: Seconds between looks at the job; 0 chooses by cluster.
    """
    num_ranks = machine.ranks_per_node() * machine.nodes
    check_inputs(experiment)
    folder = (experiment.out / "launch").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    key = json.dumps(identity(experiment, num_ranks=num_ranks), sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    with only_one(folder):
        job = living(folder, digest) or start(experiment, machine, folder, digest)
    wait(job, num_ranks, poll_s=poll_s or (10.0 if machine.cluster == "slurm" else 0.5))


def check_inputs(experiment: Experiment) -> None:
    """Look for mistakes that need no training to be seen."""
    for flag, path in (("data", experiment.data), ("images", experiment.images)):
        if not path.exists():
            raise UserError(f"--{flag} {path}: not found; run the rules of stage vqa first")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Let one launcher at a time look for a job and start one."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def living(folder: Path, identity_digest: str) -> submitit.Job | None:
    """Return the living job of a former launcher; one that trains otherwise is stopped."""
    note = folder / "job.json"
    if not note.exists():
        return None
    ticket = Ticket(**read_json(note))
    tasks = list(range(ticket.num_ranks))
    if ticket.cluster == "slurm":
        job = submitit.SlurmJob(folder=folder, job_id=ticket.job_id, tasks=tasks)
        lives = is_queued(ticket.job_id)
    else:
        job = submitit.LocalJob(folder=folder, job_id=ticket.job_id, tasks=tasks)
        lives = controller(job) is not None
    if not lives:
        sweep(folder)
        return None
    if ticket.identity == identity_digest:
        logger.info("%s job %s is under way; waiting for it", ticket.cluster, ticket.job_id)
        return job
    logger.info("job %s trains with other settings; stopping it", ticket.job_id)
    stop(job)
    return None


def is_queued(job_id: str) -> bool:
    """Say whether SLURM still has a job to finish.

    Its controller is asked, not its accounts: those know a job only seconds after it was
    submitted, and a launcher that then saw "unknown" would start the same training twice.
    """
    command = ["squeue", "--noheader", "--jobs", job_id, "--format", "%T"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Invalid job id" not in done.stderr:
        raise UserError(f"job {job_id} may still train: squeue failed: {done.stderr.strip()}")
    return bool(set(done.stdout.split()) - OVER)


def start(
    experiment: Experiment, machine: Machine, folder: Path, identity_digest: str
) -> submitit.Job:
    """Submit the job and note its name."""
    executor = submitit.AutoExecutor(folder=folder, cluster=machine.cluster)
    ranks = machine.ranks_per_node()
    settings: dict[str, Any] = {
        "name": f"train-{experiment.name}",
        "nodes": machine.nodes,
        "tasks_per_node": ranks,
        "timeout_min": machine.minutes,
    }
    if machine.cluster == "slurm":
        settings |= {
            "cpus_per_task": machine.threads_per_rank(),
            "slurm_srun_args": ["--cpu-bind=none"],
            "slurm_use_srun": True,
            # Whatever the cluster's default: a job whose node died or that was preempted goes on.
            "slurm_additional_parameters": {"requeue": True},
        }
        if machine.gpus:
            card = f"{machine.gpu_model}:" if machine.gpu_model else ""
            settings["slurm_gpus_per_node"] = f"{card}{machine.gpus // machine.nodes}"
        for key, value in (
            ("slurm_partition", machine.partition),
            ("slurm_account", machine.account),
            ("slurm_mem", f"{machine.mem_mb}M" if machine.mem_mb else ""),
        ):
            if value:
                settings[key] = value
    elif machine.gpus:
        settings["gpus_per_node"] = machine.gpus
    executor.update_parameters(**settings)
    set_environment(machine)
    job = executor.submit(Rank(experiment, cluster=machine.cluster))
    ticket = Ticket(machine.cluster, job.job_id, ranks * machine.nodes, identity_digest)
    write_json(folder / "job.json", asdict(ticket))
    logger.info("started %s job %s; logs in %s", machine.cluster, job.job_id, folder)
    return job


def set_environment(machine: Machine) -> None:
    """Set what ranks inherit and must know before they import anything."""
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ["OMP_NUM_THREADS"] = str(machine.threads_per_rank())
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if not machine.gpus:
        os.environ["DS_ACCELERATOR"] = "cpu"


def wait(job: submitit.Job, num_ranks: int, *, poll_s: float) -> None:
    """Wait for a job, telling its state and last line of log; raise what a rank failed with."""
    if isinstance(job, submitit.DebugJob):
        raise_failure(job.result())
        return
    told = ""
    failed_at: float | None = None
    while True:
        finished = [outcome(job, rank) for rank in range(num_ranks)]
        over = not is_alive(job)
        if over:
            finished = [outcome(job, rank) for rank in range(num_ranks)]
        for rank, result in enumerate(finished):
            if result is None:
                continue
            kind, value = result
            if kind == "success" and value is None:
                continue
            stop(job)
            if kind == "success":
                raise_failure(value)
            raise UserError(
                f"training failed on rank {rank}:\n{value}\nlogs: {log_path(job, rank)} "
                f"(all ranks: {job.paths.folder})"
            )
        if all(result is not None for result in finished):
            logger.info("job %s is done", job.job_id)
            return
        lost = next((rank for rank, result in enumerate(finished) if result is None), 0)
        if over or a_rank_is_lost(job, num_ranks - sum(result is not None for result in finished)):
            failed_at = failed_at or time.monotonic()
            if over or time.monotonic() - failed_at > GRACE_S:
                stop(job)
                raise UserError(
                    f"rank {lost} ended without a word (killed? out of memory or time?). "
                    f"The end of its log:\n{tail(log_path(job, lost), 15)}\n"
                    f"logs: {job.paths.folder}. Run again to go on from the newest checkpoint."
                )
        # submitit knows the state of a local job only in the process that started it.
        state = "running" if isinstance(job, submitit.LocalJob) else job.state.lower()
        line = f"{state} | {last_line(job)}"
        if line != told:
            logger.info("job %s %s", job.job_id, line)
            told = line
        time.sleep(poll_s)


def raise_failure(message: str | None) -> None:
    """Raise a rank's message, if there is one, as the user's mistake that it is."""
    if message is not None:
        raise UserError(message)


def outcome(job: submitit.Job, rank: int) -> tuple[str, Any] | None:
    """Return ("success" or "error", value) of a rank that has ended."""
    path = job.task(rank).paths.result_pickle if rank else job.paths.result_pickle
    try:
        return pickle.loads(path.read_bytes())
    except (FileNotFoundError, EOFError):
        return None


def controller(job: submitit.Job) -> psutil.Process | None:
    """Return the process that runs a local job, if it lives."""
    try:
        process = psutil.Process(int(job.job_id))
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    # A pid is given again to another process some day.
    is_ours = "submitit.local._local" in words and str(job.paths.folder) in words
    return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None


def is_alive(job: submitit.Job) -> bool:
    """Say whether a job may still produce results."""
    if isinstance(job, submitit.LocalJob):
        return controller(job) is not None
    try:
        return is_queued(job.job_id)
    except UserError as error:
        logger.warning("%s; waiting on", error)
        return True


def a_rank_is_lost(job: submitit.Job, num_expected: int) -> bool:
    """Say whether fewer ranks of a local job live than have not reported."""
    if not isinstance(job, submitit.LocalJob):
        return False
    process = controller(job)
    if process is None:
        return True
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
        family = [process, *process.children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=10)


def sweep(folder: Path) -> None:
    """End ranks of a local job whose controller was killed: they would train on, unwatched."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "submitit.core._submit" in words and str(folder) in words:
            logger.info("ending rank %d that a killed job left behind", process.pid)
            for member in (process, *process.children(recursive=True)):
                member.kill()
            process.wait(10)


def log_path(job: submitit.Job, rank: int) -> Path:
    """Return the file with what a rank wrote."""
    return (job.task(rank) if rank else job).paths.stderr


def tail(path: Path, num_lines: int) -> str:
    """Return the last lines of a log, '' without one."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-num_lines:])


def last_line(job: submitit.Job) -> str:
    """Return the newest line that rank 0 wrote about its progress."""
    for path in (job.paths.stdout, job.paths.stderr):
        text = tail(path, 1)
        if text.strip():
            return text.strip()[:160]
    return "no log yet"


if __name__ == "__main__":
    run(main)
