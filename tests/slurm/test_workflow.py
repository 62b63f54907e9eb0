"""The whole workflow on a live cluster: killed while it trains, started again, and finished."""

import os
import signal
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from testing.slurm.cluster import Cluster
from testing.slurm.project_copy import copy_project, shrink_config
from testing.slurm.user import SHORT_POLL_FLAGS, SNAKEMAKE, User
from testing.wait import wait_until
from tests.slurm.test_profile import assert_fits

# Jobs at once: one more than the machine has cores.
JOBS = "--jobs=3"
LAUNCHED = {
    "pretrain_base": "base",
    "train_lora": "tiny-lora",
    "train_full_finetune": "tiny-whole",
    "train_video": "tiny-video",
    "train_video_lora": "tiny-video-lora",
    "train_pose": "lifter",
}

# It runs a network of the hub, which is not here; tests/slurm/test_profile.py submits it.
WITHOUT_JOBS = {"localise_scans"}


@pytest.fixture(scope="module")
def finished(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user whose workflow was killed during the first training and then finished."""
    user = shrink_config(copy_project(User(tmp_path_factory.mktemp("whole"), cluster)))
    path = f"{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}"
    command = [
        str(SNAKEMAKE),
        "--profile",
        "profiles/slurm",
        *SHORT_POLL_FLAGS,
        JOBS,
        "results/eval.csv",
    ]
    with (user.folder / "first.log").open("wb") as log:
        first = subprocess.Popen(
            command,
            cwd=user.folder,
            env={**cluster.environment, "PATH": path, "DS_ACCELERATOR": "cpu"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for_training(first, user.folder)
        finally:
            # The launcher, too: the next one must find its job.
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    os.environ["DS_ACCELERATOR"] = "cpu"
    try:
        user.snakemake("--unlock", "results/eval.csv")
        user.snakemake(JOBS, "results/eval.csv")
    finally:
        del os.environ["DS_ACCELERATOR"]
    return user


def wait_for_training(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until a training has been submitted."""

    def is_submitted() -> bool:
        assert process.poll() is None, (folder / "first.log").read_text()[-6000:]
        return bool(list(folder.glob("results/train/*/launch/job.json")))

    wait_until(is_submitted, "a training to be submitted")


def test_every_gpu_job_ran_where_the_profile_says(finished: User) -> None:
    scores = pd.read_csv(finished.folder / "results/eval.csv")
    assert set(scores["experiment"]) == set(LAUNCHED.values()) - {"base"} | {"tiny base"}
    for rule, line in finished.gpu_rules().items():
        if rule in WITHOUT_JOBS:
            continue
        jobs = finished.jobs_of(LAUNCHED.get(rule, rule))
        completed = [job for job in jobs if job["JobState"] == "COMPLETED"]
        assert completed, (
            f"give rule {rule} something to do in testing.slurm.project_copy.SMALL_CONFIG"
        )
        for job in completed:
            assert_fits(job, line)


def test_no_training_ran_twice(finished: User) -> None:
    for experiment in LAUNCHED.values():
        assert len(finished.jobs_of(experiment)) == 1


def test_no_other_job_touched_a_card(finished: User) -> None:
    with_cards = set(finished.gpu_rules())
    others = [
        job
        for job in finished.cluster.jobs()
        if job.get("StdOut", "").startswith(f"{finished.folder}/.snakemake")
        and not any(f"rule_{rule}/" in job["StdOut"] for rule in with_cards)
    ]
    assert len(others) > 10
    assert all("gpu" not in job["TRES"] and job["Partition"] == "cpu" for job in others)
