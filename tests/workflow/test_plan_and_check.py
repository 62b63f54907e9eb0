"""What a user asks before a cluster is used, without one: the plan, and a missing SLURM."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from testing.project import Project

PROFILE = ("--profile", "profiles/slurm")


SLURM_COMMANDS = re.compile(r"s(acct\w*|batch|cancel|control|info|prio|queue|run|share|stat)")


@pytest.fixture
def no_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test a PATH with the commands of this machine except SLURM's."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for parent in os.environ["PATH"].split(os.pathsep):
        for command in sorted(Path(parent).glob("*")):
            link = folder / command.name
            if not SLURM_COMMANDS.fullmatch(command.name) and not link.is_symlink():
                link.symlink_to(command)
    monkeypatch.setenv("PATH", str(folder))
    assert shutil.which("sacct") is None
    assert shutil.which("bash")


def write_benchmark(project: Project, name: str, seconds: float) -> None:
    path = project.folder / f"results/benchmarks/{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\n{seconds}\t-\n")


def test_the_plan_counts_measures_and_sums(project: Project) -> None:
    # The tiny configuration assigns 10 houses to 3 shards; 4 houses took 40 s, training 1 hour.
    scenes = project.folder / "results/scenes/procthor/0000.jsonl"
    scenes.parent.mkdir(parents=True)
    scenes.write_text("{}\n" * 4)
    write_benchmark(project, "views/render_shard/procthor/0000", 40)
    write_benchmark(project, "train/train_lora/tiny-lora", 3600)
    printed = project.snakemake("plan", *PROFILE).stdout
    mine, _, example = printed.partition("An example, 10000 houses")
    rows = {line.split()[0]: line.split() for line in mine.splitlines() if line.split()}
    assert rows["render_shard"][1:5] == ["3", "3", "33", "s"]
    assert rows["train_lora"][1:6] == ["1", "1", "60", "min", "2.0"]
    assert "unknown" in rows["predict_answers"]
    assert rows["sum"][2] == "2.0"
    assert "Assumed:" in example
    jobs = next(line.split()[1] for line in example.splitlines() if line.startswith("sum "))
    assert int(jobs) <= 1000
    assert not (project.folder / "results/views").exists()


def test_the_plan_works_without_a_cluster_and_with_other_configuration(project: Project) -> None:
    own = {"sources": {"procthor": {"num_houses": 4}}}
    (project.folder / "own.json").write_text(json.dumps(own))
    printed = project.snakemake("plan", "--cores", "2", "--configfile", "own.json").stdout
    assert "This configuration, 4 houses" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith("render_shard ")]
    assert rows[0][1] == "1"
    assert int(rows[1][1]) > 70


@pytest.mark.usefixtures("no_slurm")
def test_the_plan_with_a_cluster_profile_ends_with_its_own_result_without_slurm(
    project: Project,
) -> None:
    done = project.snakemake("plan", *PROFILE)
    printed = done.stdout + done.stderr
    assert "Assumed:" in printed
    assert "1 of 1 steps (100%) done" in printed
    assert "Traceback" not in printed
    assert "sacct" not in printed


@pytest.mark.usefixtures("no_slurm")
def test_the_preflight_is_one_line_without_slurm(project: Project) -> None:
    done = project.snakemake("check_cluster", *PROFILE, check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 1
    assert printed.strip().splitlines()[-1] == (
        "error: scontrol is missing: no SLURM commands on this machine; run check_cluster on the "
        "cluster's login node"
    )
    assert "Traceback" not in printed
    assert "sacct" not in printed
    # The folder is not left locked.
    assert not list((project.folder / ".snakemake/locks").glob("*"))


@pytest.mark.usefixtures("no_slurm")
def test_the_preflight_wants_a_profile_without_slurm(project: Project) -> None:
    done = project.snakemake("check_cluster", "--cores", "1", check=False)
    assert done.returncode != 0
    assert "no profile to check" in done.stdout + done.stderr


@pytest.mark.no_cluster
def test_the_preflight_says_where_it_must_run(project: Project) -> None:
    sinfo = shutil.which("sinfo") and subprocess.run(["sinfo"], capture_output=True, check=False)
    if sinfo and sinfo.returncode == 0:
        pytest.skip("this machine belongs to a cluster")
    done = project.snakemake("check_cluster", *PROFILE, check=False)
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "error: scontrol" in printed
    assert "Traceback" not in printed


def test_the_preflight_wants_a_profile(project: Project) -> None:
    done = project.snakemake("check_cluster", "--cores", "1", check=False)
    assert done.returncode != 0
    assert "no profile to check" in done.stdout + done.stderr
