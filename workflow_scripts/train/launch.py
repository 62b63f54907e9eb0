"""Start a training through submitit and wait for it; a restart finds the one under way.

`results/train/{experiment}/launch/` holds the logs of every rank and `job.json`, which names the
job. If a launcher is killed, its job goes on; the next launcher waits for that job, or, if it is
gone, starts another that resumes from the newest complete checkpoint. The finished result lies
beside the checkpoints until a launcher puts it where the workflow wants it, so a job that ended
while nobody waited is not run again.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import submitit
import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json, whole, write_json
from workflow_scripts.train import jobs
from workflow_scripts.train.experiment import Experiment, Training, identity
from workflow_scripts.train.rank import Rank

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
# A rank that fails leaves the others waiting; so long may they take to fail by themselves.
GRACE_S = 10.0
# On a cluster the silent rank may be on a node that died: SLURM notices after SlurmdTimeout, five
# minutes unless set otherwise, and then queues the job again.
NODE_GRACE_S = 900.0
# A shared file system shows what a rank wrote last a while after SLURM says that it ended.
FILES_GRACE_S = 60.0


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
        for flag, value, least in (
            ("nodes", self.nodes, 1),
            ("gpus", self.gpus, 0),
            ("num-processes", self.num_processes, 1),
        ):
            if value < least:
                raise UserError(f"--{flag} {value}: must be {least} or more")
        if self.gpus % self.nodes:
            raise UserError(f"--gpus {self.gpus} must be a multiple of --nodes {self.nodes}")
        return self.gpus // self.nodes or self.num_processes

    def num_ranks(self) -> int:
        """Return how many ranks there are."""
        return self.ranks_per_node() * self.nodes

    def notice_s(self) -> int:
        """Return how long before the time limit ranks are told: a tenth of it, at most 5 min."""
        return max(30, min(300, 6 * self.minutes))

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
    check_inputs(experiment)
    what = identity(experiment, num_ranks=machine.num_ranks())
    carry_out(experiment, Rank, machine, what, poll_s=poll_s)


def carry_out(
    experiment: Training, rank: type[Rank], machine: Machine, what: dict[str, Any], *, poll_s: float
) -> None:
    """Find or start the job of a training, wait for it, and put its result in place.

    Args:
        experiment: What is trained.
        rank: What each rank runs.
        machine: Where ranks run.
        what: What decides the result.
        poll_s: Seconds between looks at the job; 0 chooses by cluster.
    """
    num_ranks = machine.num_ranks()
    folder = (experiment.out / "launch").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    with only_one(folder):
        if is_finished(experiment, what):
            logger.info("%s was trained already", experiment.name)
            job = None
        else:
            job = living(folder, machine, digest, num_ranks)
            job = job or start(experiment, rank, machine, folder, digest)
    if job is not None:
        wait(job, num_ranks, poll_s=poll_s or (10.0 if machine.cluster == "slurm" else 0.5))
    publish(experiment)


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


def is_finished(experiment: Training, what: dict[str, Any]) -> bool:
    """Say whether the result of this very training lies beside its checkpoints."""
    note = experiment.checkpoints / "settings.json"
    return experiment.result.is_dir() and note.exists() and read_json(note) == what


def publish(experiment: Training) -> None:
    """Put each file of the finished result where the workflow looks for it."""
    for file in sorted(experiment.result.glob("*")):
        with whole(experiment.out / file.name) as partial:
            try:
                os.link(file, partial)
            except OSError:  # a file system without links
                shutil.copyfile(file, partial)


def job_name(folder: Path) -> str:
    """Return the name of a folder's jobs in SLURM, unlike that of any other folder's."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    return f"train-{folder.parent.name}-{digest}"


def living(
    folder: Path, machine: Machine, identity_digest: str, num_ranks: int
) -> submitit.Job | None:
    """Return the living job of a former launcher; one that trains otherwise is stopped."""
    note = folder / "job.json"
    ticket = Ticket(**read_json(note)) if note.exists() else None
    found = [ticket] if ticket else []
    if machine.cluster == "slurm":
        # SLURM knows its jobs by name, also one whose launcher was killed before it wrote a note.
        found += [
            Ticket("slurm", job_id, num_ranks, comment.rpartition(" ")[2])
            for job_id, comment in jobs.find_in_queue(job_name(folder))
            if ticket is None or job_id != ticket.job_id
        ]
    chosen = None
    for ticket in found:
        job = job_of(folder, ticket)
        if not lives(job):
            continue
        if ticket.identity == identity_digest and chosen is None:
            logger.info("%s job %s is under way; waiting for it", ticket.cluster, ticket.job_id)
            write_json(note, asdict(ticket))
            chosen = job
        else:
            logger.info("job %s trains with other settings; stopping it", ticket.job_id)
            jobs.stop(job)
    if chosen is None and ticket is not None and ticket.cluster != "slurm":
        jobs.sweep(folder)
    return chosen


def job_of(folder: Path, ticket: Ticket) -> submitit.Job:
    """Return the job that a ticket names."""
    tasks = list(range(ticket.num_ranks))
    kind = submitit.SlurmJob if ticket.cluster == "slurm" else submitit.LocalJob
    return kind(folder=folder, job_id=ticket.job_id, tasks=tasks)


def lives(job: submitit.Job) -> bool:
    """Say whether a job is not over; `UserError` if SLURM does not answer."""
    if isinstance(job, submitit.LocalJob):
        return jobs.controller(job) is not None
    return not jobs.state_in_queue(job.job_id).is_over


def start(
    experiment: Training, rank: type[Rank], machine: Machine, folder: Path, identity_digest: str
) -> submitit.Job:
    """Submit the job and note its name."""
    executor = submitit.AutoExecutor(folder=folder, cluster=machine.cluster)
    ranks = machine.ranks_per_node()
    settings: dict[str, Any] = {
        "name": job_name(folder),
        "nodes": machine.nodes,
        "tasks_per_node": ranks,
        "timeout_min": machine.minutes,
    }
    if machine.cluster == "slurm":
        settings |= slurm_settings(experiment, machine) | {
            "slurm_comment": f"train {experiment.name} {identity_digest}"
        }
    elif machine.gpus:
        settings["gpus_per_node"] = machine.gpus
    executor.update_parameters(**settings)
    set_environment(machine)
    each = rank(experiment, cluster=machine.cluster, notice_s=machine.notice_s())
    try:
        job = executor.submit(each)
    except submitit.core.utils.FailedSubmissionError as error:
        raise UserError(f"SLURM refused the training: {error}") from error
    ticket = Ticket(machine.cluster, job.job_id, ranks * machine.nodes, identity_digest)
    write_json(folder / "job.json", asdict(ticket))
    logger.info("started %s job %s; logs in %s", machine.cluster, job.job_id, folder)
    return job


def slurm_settings(experiment: Training, machine: Machine) -> dict[str, Any]:
    """Return what submitit tells SLURM beyond nodes, tasks and time."""
    settings: dict[str, Any] = {
        "slurm_cpus_per_task": machine.threads_per_rank(),
        "slurm_signal_delay_s": machine.notice_s(),
        # Two launchers on two login nodes may submit in the same second: the second job waits.
        "slurm_dependency": "singleton",
        # Whatever the cluster's default: a job whose node died or that was preempted goes on.
        "slurm_additional_parameters": {"requeue": True},
        "slurm_use_srun": True,
        # A rank that lost its partner to a dead node must not end the step: SLURM would take
        # the job for failed before it knows of the node.
        "slurm_srun_args": [
            "--cpu-bind=none",
            "--open-mode=append",
            "--kill-on-bad-exit=0",
            "--wait=0",
        ],
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
    return settings


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
        message = job.result()
        if message is not None:
            raise UserError(message)
        return
    told = ""
    wrong_since: float | None = None
    while True:
        # The state first: what ranks wrote before the job was over is then read.
        state = jobs.state_of(job)
        reports = jobs.reports_of(job, num_ranks)
        for report in reports:
            if report.succeeded and report.value is not None:
                jobs.stop(job)
                raise UserError(report.value)
        failed = [report for report in reports if not report.succeeded]
        if len(reports) == num_ranks and not failed:
            logger.info("job %s is done", job.job_id)
            return
        missing = num_ranks - len(reports)
        is_wrong = state.is_over or failed or jobs.lost_a_rank(job, missing)
        # In the queue again, or about to be: reports are of a run that SLURM has given up.
        if is_wrong and (state.is_over or state.word == "RUNNING"):
            wrong_since = wrong_since or time.monotonic()
            ending = jobs.last_state(job) if state.is_over else ""
            if time.monotonic() - wrong_since >= patience_s(job, state, ending, failed, missing):
                jobs.stop(job)
                raise failure(job, num_ranks, reports, ending)
        else:
            wrong_since = None
        line = f"{state} | {jobs.last_line(job)}"
        if line != told:
            logger.info("job %s %s", job.job_id, line)
            told = line
        time.sleep(poll_s)


def patience_s(
    job: submitit.Job, state: jobs.State, ending: str, failed: list[jobs.Report], missing: int
) -> float:
    """Return how long something may be wrong with a job before it is given up."""
    if isinstance(job, submitit.LocalJob):
        return 0 if failed or state.is_over else GRACE_S
    if state.is_over:
        return 0 if failed or ending not in ("", "COMPLETED") else FILES_GRACE_S
    return NODE_GRACE_S if missing else GRACE_S


def failure(
    job: submitit.Job, num_ranks: int, reports: list[jobs.Report], ending: str
) -> UserError:
    """Return the error of a job: the traceback of the rank that failed first, else its log."""
    for report in reports:
        if not report.succeeded:
            return UserError(
                f"training failed on rank {report.rank}:\n{report.value}\n"
                f"logs: {jobs.log_path(job, report.rank)} (all ranks: {job.paths.folder})"
            )
    silent = min(set(range(num_ranks)) - {report.rank for report in reports})
    said = f" SLURM says {ending}." if ending else ""
    return UserError(
        f"rank {silent} ended without a word (killed? out of memory or time?).{said} "
        f"The end of its log:\n{jobs.tail(jobs.log_path(job, silent), 15)}\n"
        f"logs: {job.paths.folder}. Run again to go on from the newest checkpoint."
    )


if __name__ == "__main__":
    run(main)
