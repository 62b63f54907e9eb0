"""`snakemake check_cluster` against a live cluster, with the project's own rules."""

import subprocess

import pytest

from testing.slurm.project_copy import copy_project
from testing.slurm.user import User


@pytest.fixture
def project(user: User) -> User:
    """Return a user with the whole project."""
    return copy_project(user)


def check(user: User) -> subprocess.CompletedProcess[str]:
    """Run the check; whatever its result, nothing may be submitted."""
    before = len(user.cluster.jobs())
    done = user.snakemake("check_cluster", check=False)
    assert len(user.cluster.jobs()) == before
    return done


def test_the_shipped_profile_fits_once_its_account_is_there(project: User) -> None:
    done = check(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fits the cluster" in done.stdout
    assert "a6000, l40s" in done.stdout


def test_every_mistake_is_named_with_rule_value_and_line(project: User) -> None:
    card = project.replace("a6000", "h100", in_line="predict_answers:")
    number = project.replace("gpu: 2", "gpu: 3", in_line="train_lora:")
    partition = project.replace("cpu #", "cpus #", in_line="slurm_partition:")
    account = project.replace("sightline", "sihgtline", in_line="&account")
    runtime = project.replace("runtime: 120", "runtime: 9000", in_line="estimate_depth:")
    memory = project.replace("mem_mb: 32000", "mem_mb: 999000", in_line="pretrain_base:")
    done = check(project)
    assert done.returncode != 0
    for line, *words in (
        (card, "rule predict_answers: gpu_model 'h100': no node has this card", "a6000, l40s"),
        (number, "rule train_lora: gpu 3 on 1 node(s)", "more than 2 of l40s"),
        (partition, "sample_scenes", "slurm_partition 'cpus'", "did you mean 'cpu'"),
        (account, "slurm_account 'sihgtline'", "did you mean 'sightline'"),
        (runtime, "rule estimate_depth: runtime 9000 minutes", "stops jobs after 2880"),
        (memory, "rule pretrain_base: mem_mb 999000", "256000"),
    ):
        problems = [
            text
            for text in done.stdout.splitlines()
            if f"profiles/slurm/config.yaml:{line}: " in text
        ]
        assert any(all(word in text for word in words) for text in problems), (
            line,
            words,
            problems,
        )
    assert "Traceback" not in done.stdout + done.stderr


def test_unity_without_a_card_is_named(project: User) -> None:
    text = (project.folder / "config.yaml").read_text()
    changed = text.replace("backend: pathtrace", "backend: ai2thor")
    (project.folder / "config.yaml").write_text(changed)
    done = check(project)
    assert done.returncode != 0
    assert "rules render_shard, render_walks: gpu_model is not set" in done.stdout
    for name in ("render_shard", "render_walks"):
        project.replace(f"# {name}:", f"{name}:")
    assert check(project).returncode == 0
