"""Start a training through submitit and wait for it, or attach to the job that already runs.

`{out}/launch/` holds the logs of every rank and `job.json`, which names the job. If a launcher is
killed, its job keeps running; the next launcher waits for that job, or, if it has ended, starts
another that resumes from the newest complete checkpoint. The finished result lies beside the
checkpoints until a launcher publishes it to `{out}`, so a job that ended while no launcher waited
is not run again.
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
from typing import Any

import submitit
from pydantic import TypeAdapter

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import atomic_write, read_json, write_json
from workflow_scripts.train import jobs
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.rank import Rank
from workflow_scripts.train.resume import is_finished
from workflow_scripts.train.training import TrainingSpec

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
# After a rank has failed, the others have this long to fail by themselves.
GRACE_S = 10.0
# On a cluster a rank without a report may be on a node that died: SLURM notices after SlurmdTimeout
# (five minutes by default) and then queues the job again.
NODE_GRACE_S = 900.0
# A shared file system may show a rank's last files only some time after SLURM reports its end.
FILES_GRACE_S = 60.0


@dataclass(frozen=True)
class JobRecord:
    """How to find a job again, and what it trains."""

    cluster: str
    job_id: str
    num_ranks: int
    identity: str


def run_or_attach(spec: TrainingSpec, resources: JobResources, *, poll_s: float = 0.0) -> None:
    """Find or start the job of a training, wait for it, and publish its result.

    Args:
        spec: What is trained.
        resources: Where ranks run.
        poll_s: Seconds between queries of the job; 0 chooses by cluster.
    """
    spec.check_inputs()
    num_ranks = resources.num_ranks(spec.num_processes)
    identity = spec.identity(num_ranks=num_ranks)
    folder = (spec.out / "launch").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    with launch_lock(folder):
        if is_finished(spec, identity):
            logger.info("%s is trained already", spec.name)
            job = None
        else:
            job = find_running_job(folder, resources, digest, num_ranks)
            job = job or start(spec, resources, folder, digest)
    if job is not None:
        wait(job, num_ranks, poll_s=poll_s or (10.0 if resources.cluster == "slurm" else 0.5))
    publish(spec)


@contextmanager
def launch_lock(folder: Path) -> Iterator[None]:
    """Allow one launcher at a time to find or start a job."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def publish(spec: TrainingSpec) -> None:
    """Link or copy each file and folder of the finished result into `spec.out`."""
    for path in sorted(spec.result.glob("*")):
        with atomic_write(spec.out / path.name, checksum=True) as partial:
            if path.is_dir():
                shutil.copytree(path, partial, copy_function=_link_or_copy)
            else:
                _link_or_copy(path, partial)


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def job_name(folder: Path) -> str:
    """Return the name of a folder's jobs in SLURM, unlike that of any other folder's."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    return f"train-{folder.parent.name}-{digest}"


def find_running_job(
    folder: Path, resources: JobResources, identity_digest: str, num_ranks: int
) -> submitit.Job[Any] | None:
    """Return the running job of an earlier launcher; stop jobs that train anything else."""
    json_path = folder / "job.json"
    job_record = read_job_record(json_path) if json_path.exists() else None
    records = [job_record] if job_record else []
    if resources.cluster == "slurm":
        # SLURM lists jobs by name, also one whose launcher was killed before it wrote job.json.
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
                "%s job %s is running; waiting for it", job_record.cluster, job_record.job_id
            )
            write_json(json_path, asdict(job_record))
            running = job
        else:
            logger.info("job %s trains with other settings; stopping it", job_record.job_id)
            jobs.stop(job)
    if running is None and job_record is not None and job_record.cluster != "slurm":
        jobs.kill_orphan_ranks(folder)
    return running


def read_job_record(path: Path) -> JobRecord | None:
    """Return the record of a job; None, with a line in the log, if its file is damaged."""
    try:
        return TypeAdapter(JobRecord).validate_python(read_json(path))
    except ValueError:
        logger.warning("%s is damaged: a job that an earlier launcher started is not found", path)
        return None


def open_job(folder: Path, job_record: JobRecord) -> submitit.Job[Any]:
    """Return the job that a record names."""
    tasks = list(range(job_record.num_ranks))
    kind = submitit.SlurmJob if job_record.cluster == "slurm" else submitit.LocalJob
    return kind(folder=folder, job_id=job_record.job_id, tasks=tasks)


def is_running(job: submitit.Job[Any]) -> bool:
    """Say whether a job is not over; `UserError` if SLURM does not answer."""
    if isinstance(job, submitit.LocalJob):
        return jobs.controller_process(job) is not None
    return not jobs.query_queue_state(job.job_id).is_over


def start(
    spec: TrainingSpec, resources: JobResources, folder: Path, identity_digest: str
) -> submitit.Job[Any]:
    """Submit the job and write its record."""
    executor = submitit.AutoExecutor(folder=folder, cluster=resources.cluster)
    ranks = resources.ranks_per_node(spec.num_processes)
    settings: dict[str, Any] = {
        "name": job_name(folder),
        "nodes": resources.nodes,
        "tasks_per_node": ranks,
        "timeout_min": resources.minutes,
    }
    if resources.cluster == "slurm":
        settings |= slurm_settings(spec, resources) | {
            "slurm_comment": f"train {spec.name} {identity_digest}"
        }
    elif resources.gpus:
        settings["gpus_per_node"] = resources.gpus
    executor.update_parameters(**settings)
    set_environment(resources, spec.num_processes)
    task = Rank(spec, cluster=resources.cluster, notice_s=resources.notice_s())
    try:
        job = executor.submit(task)
    except submitit.core.utils.FailedSubmissionError as error:
        raise UserError(f"SLURM refused the job: {error}") from error
    job_record = JobRecord(resources.cluster, job.job_id, ranks * resources.nodes, identity_digest)
    write_json(folder / "job.json", asdict(job_record))
    logger.info("started %s job %s; logs in %s", resources.cluster, job.job_id, folder)
    return job


def slurm_settings(spec: TrainingSpec, resources: JobResources) -> dict[str, Any]:
    """Return what submitit asks of SLURM beyond nodes, tasks and time."""
    settings: dict[str, Any] = {
        "slurm_cpus_per_task": resources.threads_per_rank(spec.num_processes),
        "slurm_signal_delay_s": resources.notice_s(),
        # Two launchers on two login nodes may submit in the same second: the second job waits.
        "slurm_dependency": "singleton",
        # Whatever the cluster's default: a job that lost its node or was preempted runs again.
        "slurm_additional_parameters": {"requeue": True},
        "slurm_use_srun": True,
        # When a node dies, ranks elsewhere fail. That must not end the step: SLURM would report
        # the job as failed before it notices the node.
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


def set_environment(resources: JobResources, num_processes: int) -> None:
    """Set the environment variables that ranks inherit and need before any import."""
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ["OMP_NUM_THREADS"] = str(resources.threads_per_rank(num_processes))
    # A thread that waits for the others of its rank keeps a core busy, by default for milliseconds;
    # beside other jobs it is theirs, and a training takes ten times as long.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # Sequences have many lengths: with its default, oneDNN keeps a kernel for each of 1024 shapes,
    # which are some 2 GB.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
    if not resources.gpus:
        os.environ["DS_ACCELERATOR"] = "cpu"


def wait(job: submitit.Job[Any], num_ranks: int, *, poll_s: float) -> None:
    """Wait for a job, logging its state and last line of log; raise the error of a rank."""
    if isinstance(job, submitit.DebugJob):
        message = job.result()
        if message is not None:
            raise UserError(message)
        return
    logged_line = ""
    failing_since: float | None = None
    while True:
        # The state first: then all that ranks wrote before the end of the job is read.
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
        # Queued again, or about to be: the reports are of a run that SLURM has ended.
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
    job: submitit.Job[Any],
    state: jobs.JobState,
    final_state: str,
    failed: list[jobs.RankReport],
    missing: int,
) -> float:
    """Return how long a job may look failed before it is stopped."""
    if isinstance(job, submitit.LocalJob):
        return 0 if failed or state.is_over else GRACE_S
    if state.is_over:
        return 0 if failed or final_state not in ("", "COMPLETED") else FILES_GRACE_S
    return NODE_GRACE_S if missing else GRACE_S


def job_error(
    job: submitit.Job[Any], num_ranks: int, reports: list[jobs.RankReport], final_state: str
) -> UserError:
    """Return the error of a job: the traceback of the rank that failed first, else its log."""
    for report in reports:
        if not report.succeeded:
            return UserError(
                f"training failed on rank {report.rank}:\n{report.value}\n"
                f"logs: {jobs.log_path(job, report.rank)} (all ranks: {job.paths.folder})"
            )
    silent_rank = min(set(range(num_ranks)) - {report.rank for report in reports})
    slurm_note = f" Its state in SLURM: {final_state}." if final_state else ""
    return UserError(
        f"rank {silent_rank} ended without a report (killed? out of memory or time?).{slurm_note} "
        f"The end of its log:\n{jobs.tail(jobs.log_path(job, silent_rank), 15)}\n"
        f"logs: {job.paths.folder}. Run again to resume from the newest checkpoint."
    )
