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
from workflow_scripts.common.storage import atomic_write, read_json, write_json
from workflow_scripts.train import jobs
from workflow_scripts.train.experiment import TrainingSpec, VlmExperiment, identity
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
class JobResources:
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
class JobRecord:
    """How to find a job again, and what it trains."""

    cluster: str
    job_id: str
    num_ranks: int
    identity: str


def main(
    *,
    experiment: Annotated[VlmExperiment, tyro.conf.arg(name="")],
    resources: Annotated[JobResources, tyro.conf.arg(name="")],
    poll_s: float = 0.0,
) -> None:
    """Train an experiment.

    Args:
        experiment: What is trained on what.
        machine: Where ranks run.
        poll_s: Seconds between looks at the job; 0 chooses by cluster.
    """
    check_inputs(experiment)
    identity_fields = identity(experiment, num_ranks=resources.num_ranks())
    run_or_attach(experiment, Rank, resources, identity_fields, poll_s=poll_s)


def run_or_attach(
    experiment: TrainingSpec,
    rank: type[Rank],
    resources: JobResources,
    identity_fields: dict[str, Any],
    *,
    poll_s: float,
) -> None:
    """Find or start the job of a training, wait for it, and put its result in place.

    Args:
        experiment: What is trained.
        rank: What each rank runs.
        machine: Where ranks run.
        what: What decides the result.
        poll_s: Seconds between looks at the job; 0 chooses by cluster.
    """
    num_ranks = resources.num_ranks()
    folder = (experiment.out / "launch").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(json.dumps(identity_fields, sort_keys=True).encode()).hexdigest()
    with launch_lock(folder):
        if is_finished(experiment, identity_fields):
            logger.info("%s was trained already", experiment.name)
            job = None
        else:
            job = find_running_job(folder, resources, digest, num_ranks)
            job = job or start(experiment, rank, resources, folder, digest)
    if job is not None:
        wait(job, num_ranks, poll_s=poll_s or (10.0 if resources.cluster == "slurm" else 0.5))
    publish(experiment)


def check_inputs(experiment: VlmExperiment) -> None:
    """Look for mistakes that need no training to be seen."""
    for flag, path in (("data", experiment.data), ("images", experiment.images)):
        if not path.exists():
            raise UserError(f"--{flag} {path}: not found; run the rules of stage vqa first")


@contextmanager
def launch_lock(folder: Path) -> Iterator[None]:
    """Let one launcher at a time look for a job and start one."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_finished(experiment: TrainingSpec, identity_fields: dict[str, Any]) -> bool:
    """Say whether the result of this very training lies beside its checkpoints."""
    json_path = experiment.checkpoints / "settings.json"
    return (
        experiment.result.is_dir()
        and json_path.exists()
        and read_json(json_path) == identity_fields
    )


def publish(experiment: TrainingSpec) -> None:
    """Put each file of the finished result where the workflow looks for it."""
    for file in sorted(experiment.result.glob("*")):
        with atomic_write(experiment.out / file.name) as partial:
            try:
                os.link(file, partial)
            except OSError:  # a file system without links
                shutil.copyfile(file, partial)


def job_name(folder: Path) -> str:
    """Return the name of a folder's jobs in SLURM, unlike that of any other folder's."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    return f"train-{folder.parent.name}-{digest}"


def find_running_job(
    folder: Path, resources: JobResources, identity_digest: str, num_ranks: int
) -> submitit.Job | None:
    """Return the living job of a former launcher; one that trains otherwise is stopped."""
    json_path = folder / "job.json"
    job_record = JobRecord(**read_json(json_path)) if json_path.exists() else None
    records = [job_record] if job_record else []
    if resources.cluster == "slurm":
        # SLURM knows its jobs by name, also one whose launcher was killed before it wrote a note.
        records += [
            JobRecord("slurm", job_id, num_ranks, comment.rpartition(" ")[2])
            for job_id, comment in jobs.find_queued_jobs(job_name(folder))
            if job_record is None or job_id != job_record.job_id
        ]
    running = None
    for job_record in records:
        job = open_job(folder, job_record)
        if not is_running(job):
            continue
        if job_record.identity == identity_digest and running is None:
            logger.info(
                "%s job %s is under way; waiting for it", job_record.cluster, job_record.job_id
            )
            write_json(json_path, asdict(job_record))
            running = job
        else:
            logger.info("job %s trains with other settings; stopping it", job_record.job_id)
            jobs.stop(job)
    if running is None and job_record is not None and job_record.cluster != "slurm":
        jobs.kill_orphan_ranks(folder)
    return running


def open_job(folder: Path, job_record: JobRecord) -> submitit.Job:
    """Return the job that a ticket names."""
    tasks = list(range(job_record.num_ranks))
    kind = submitit.SlurmJob if job_record.cluster == "slurm" else submitit.LocalJob
    return kind(folder=folder, job_id=job_record.job_id, tasks=tasks)


def is_running(job: submitit.Job) -> bool:
    """Say whether a job is not over; `UserError` if SLURM does not answer."""
    if isinstance(job, submitit.LocalJob):
        return jobs.controller_process(job) is not None
    return not jobs.query_queue_state(job.job_id).is_over


def start(
    experiment: TrainingSpec,
    rank: type[Rank],
    resources: JobResources,
    folder: Path,
    identity_digest: str,
) -> submitit.Job:
    """Submit the job and note its name."""
    executor = submitit.AutoExecutor(folder=folder, cluster=resources.cluster)
    ranks = resources.ranks_per_node()
    settings: dict[str, Any] = {
        "name": job_name(folder),
        "nodes": resources.nodes,
        "tasks_per_node": ranks,
        "timeout_min": resources.minutes,
    }
    if resources.cluster == "slurm":
        settings |= slurm_settings(experiment, resources) | {
            "slurm_comment": f"train {experiment.name} {identity_digest}"
        }
    elif resources.gpus:
        settings["gpus_per_node"] = resources.gpus
    executor.update_parameters(**settings)
    set_environment(resources)
    task = rank(experiment, cluster=resources.cluster, notice_s=resources.notice_s())
    try:
        job = executor.submit(task)
    except submitit.core.utils.FailedSubmissionError as error:
        raise UserError(f"SLURM refused the training: {error}") from error
    job_record = JobRecord(resources.cluster, job.job_id, ranks * resources.nodes, identity_digest)
    write_json(folder / "job.json", asdict(job_record))
    logger.info("started %s job %s; logs in %s", resources.cluster, job.job_id, folder)
    return job


def slurm_settings(experiment: TrainingSpec, resources: JobResources) -> dict[str, Any]:
    """Return what submitit tells SLURM beyond nodes, tasks and time."""
    settings: dict[str, Any] = {
        "slurm_cpus_per_task": resources.threads_per_rank(),
        "slurm_signal_delay_s": resources.notice_s(),
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
    if resources.gpus:
        gres_model = f"{resources.gpu_model}:" if resources.gpu_model else ""
        settings["slurm_gpus_per_node"] = f"{gres_model}{resources.gpus // resources.nodes}"
    for key, value in (
        ("slurm_partition", resources.partition),
        ("slurm_account", resources.account),
        ("slurm_mem", f"{resources.mem_mb}M" if resources.mem_mb else ""),
    ):
        if value:
            settings[key] = value
    return settings


def set_environment(resources: JobResources) -> None:
    """Set what ranks inherit and must know before they import anything."""
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ["OMP_NUM_THREADS"] = str(resources.threads_per_rank())
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if not resources.gpus:
        os.environ["DS_ACCELERATOR"] = "cpu"


def wait(job: submitit.Job, num_ranks: int, *, poll_s: float) -> None:
    """Wait for a job, telling its state and last line of log; raise what a rank failed with."""
    if isinstance(job, submitit.DebugJob):
        message = job.result()
        if message is not None:
            raise UserError(message)
        return
    logged_line = ""
    failing_since: float | None = None
    while True:
        # The state first: what ranks wrote before the job was over is then read.
        state = jobs.get_job_state(job)
        reports = jobs.read_rank_reports(job, num_ranks)
        for report in reports:
            if report.succeeded and report.value is not None:
                jobs.stop(job)
                raise UserError(report.value)
        failed = [report for report in reports if not report.succeeded]
        if len(reports) == num_ranks and not failed:
            logger.info("job %s is done", job.job_id)
            return
        missing = num_ranks - len(reports)
        is_failing = state.is_over or failed or jobs.has_lost_rank(job, missing)
        # In the queue again, or about to be: reports are of a run that SLURM has given up.
        if is_failing and (state.is_over or state.code == "RUNNING"):
            failing_since = failing_since or time.monotonic()
            final_state = jobs.last_state(job) if state.is_over else ""
            if time.monotonic() - failing_since >= grace_period_s(
                job, state, final_state, failed, missing
            ):
                jobs.stop(job)
                raise job_error(job, num_ranks, reports, final_state)
        else:
            failing_since = None
        line = f"{state} | {jobs.last_line(job)}"
        if line != logged_line:
            logger.info("job %s %s", job.job_id, line)
            logged_line = line
        time.sleep(poll_s)


def grace_period_s(
    job: submitit.Job,
    state: jobs.JobState,
    final_state: str,
    failed: list[jobs.RankReport],
    missing: int,
) -> float:
    """Return how long something may be wrong with a job before it is given up."""
    if isinstance(job, submitit.LocalJob):
        return 0 if failed or state.is_over else GRACE_S
    if state.is_over:
        return 0 if failed or final_state not in ("", "COMPLETED") else FILES_GRACE_S
    return NODE_GRACE_S if missing else GRACE_S


def job_error(
    job: submitit.Job, num_ranks: int, reports: list[jobs.RankReport], final_state: str
) -> UserError:
    """Return the error of a job: the traceback of the rank that failed first, else its log."""
    for report in reports:
        if not report.succeeded:
            return UserError(
                f"training failed on rank {report.rank}:\n{report.value}\n"
                f"logs: {jobs.log_path(job, report.rank)} (all ranks: {job.paths.folder})"
            )
    silent_rank = min(set(range(num_ranks)) - {report.rank for report in reports})
    slurm_note = f" SLURM says {final_state}." if final_state else ""
    return UserError(
        f"rank {silent_rank} ended without a word (killed? out of memory or time?).{slurm_note} "
        f"The end of its log:\n{jobs.tail(jobs.log_path(job, silent_rank), 15)}\n"
        f"logs: {job.paths.folder}. Run again to go on from the newest checkpoint."
    )


if __name__ == "__main__":
    run(main)
