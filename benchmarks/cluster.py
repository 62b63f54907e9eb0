"""What a cluster costs: a plan of 10,000 houses, each job, a training cut off, a small workflow.

Run from the repository: `python -m benchmarks.cluster`, as root, where Debian's `slurm-wlm munge
slurmdbd mariadb-server` are installed: it starts the test cluster, four nodes that share this
machine. Elsewhere, or with `--plan-only`, it only plans. Plans and submissions are counted in CPU
seconds; waiting is counted by the clock, so the machine should have nothing else to do.
"""

import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, report_figures
from testing.project import Project, cpu_s
from testing.slurm.cluster import Cluster, unavailable_reason
from testing.slurm.host_setup import new_folder
from testing.slurm.interrupted_trainings import interrupt_three_trainings, make_experiment, settings
from testing.slurm.project_copy import copy_project, shrink_config
from testing.slurm.user import User
from workflow_scripts.common.cli import run

MAX_PLAN_S, MAX_JOBS = 15, 1000
NODE_TIMEOUT_S = 20
NUM_EMPTY_JOBS = 21
EMPTY_WORKFLOW = """
rule all:
    input: expand("{{number}}.txt", number=range({count}))

rule empty:
    output: "{{number}}.txt"
    resources: mem_mb=200, runtime=5
    shell: "date +%s.%N > {{output}}"
"""


def main(*, plan_only: bool = False) -> None:
    """Print the figures of the plan and, where a test cluster can be started, of running on it."""
    with tempfile.TemporaryDirectory() as name:
        figures = _plan(Path(name))
        reason = "asked for the plan only" if plan_only else unavailable_reason()
        if reason:
            figures.append(Figure("running on a cluster", "not measured", reason))
        else:
            with Cluster(new_folder(), node_timeout_s=NODE_TIMEOUT_S) as cluster:
                figures += _job_overhead(Path(name), cluster)
                figures += _recovery_time(Path(name), cluster)
                figures += _tiny_workflow(Path(name), cluster)
        report_figures("cluster", figures)


def _plan(folder: Path) -> list[Figure]:
    """Plan the default configuration for 10,000 houses, with the profile."""
    project = Project.create(folder / "plan", tiny=False)
    project.edit({"sources": {"procthor": {"num_houses": 10_000, "houses_per_shard": "auto"}}})
    found: list[dict[str, int]] = []
    seconds = cpu_s(lambda: found.append(project.planned_jobs("--profile", "profiles/slurm")))
    return [
        Figure(
            "dry run with the profile, 10,000 houses",
            f"{seconds:.1f} CPU s",
            f"limit: {MAX_PLAN_S} s",
        ),
        Figure("its jobs", str(sum(found[0].values())), f"limit: {MAX_JOBS:,}"),
    ]


def _job_overhead(folder: Path, cluster: Cluster) -> list[Figure]:
    """Run empty jobs: what is left is Snakemake, on the login node and in each job."""
    seconds = {}
    for count in (1, NUM_EMPTY_JOBS):
        user = _user(folder / f"empty-{count}", cluster)
        (user.folder / "Snakefile").write_text(EMPTY_WORKFLOW.format(count=count))
        seconds[count] = cpu_s(lambda user=user: user.snakemake("all", "--jobs=1"))
    begun = min(
        float((user.folder / f"{job['Comment'].rpartition('_')[2]}.txt").read_text())
        - time.mktime(time.strptime(job["StartTime"], "%Y-%m-%dT%H:%M:%S"))
        for job in user.jobs_of("empty")
    )
    a_job = (seconds[NUM_EMPTY_JOBS] - seconds[1]) / (NUM_EMPTY_JOBS - 1)
    return [
        Figure(
            "submitting a job and seeing its end, on the login node",
            f"{a_job:.2f} CPU s",
            f"mean of {NUM_EMPTY_JOBS - 1} empty jobs; Snakemake itself {seconds[1]:.1f} CPU s",
        ),
        Figure("from a job's start to its command", f"{begun:.1f} s", "SLURM counts whole seconds"),
    ]


def _recovery_time(folder: Path, cluster: Cluster) -> list[Figure]:
    """Cut trainings off and see when their next step ends."""
    with settings():
        runs = interrupt_three_trainings(cluster, make_experiment(folder))
    named = {
        "signal": "a training told to leave (scancel --signal)",
        "limit": "a training at its time limit",
        "node": "a training whose node died",
    }
    beside = {
        "signal": "saves first, loses no step; SLURM holds a queued-again job for a while",
        "limit": "from its last step, which was saved",
        "node": f"SLURM notices after SlurmdTimeout, {NODE_TIMEOUT_S} s here",
    }
    return [
        Figure(
            f"{what}: until its next step ends",
            f"{run.steps(1)[0] - (run.interrupted_s or run.stopped_s()):.0f} s",
            beside[name],
        )
        for name, what in named.items()
        for run in [runs[name]]
    ]


def _tiny_workflow(folder: Path, cluster: Cluster) -> list[Figure]:
    """Run the tiny configuration, from nothing to scores."""
    user = shrink_config(copy_project(_user(folder / "whole", cluster)))
    before = len(cluster.jobs())
    begun = time.monotonic()
    user.snakemake("--jobs=3", "results/eval.csv")
    minutes = (time.monotonic() - begun) / 60
    return [
        Figure(
            "tiny workflow, four nodes on this machine",
            f"{minutes:.1f} min",
            f"{len(cluster.jobs()) - before} jobs, three at a time; every source, three trainings",
        )
    ]


def _user(folder: Path, cluster: Cluster) -> User:
    folder.mkdir()
    return User(folder, cluster)


if __name__ == "__main__":
    run(main)
