"""The shipped profile on a live cluster, with the real plugin: SLURM says what ran where."""

import subprocess
from pathlib import Path

import pytest

from tests.slurm.conftest import User

# The profile's own rule names, with the resources that the real rules have.
TOY = """
rule all:
    input: "predict_answers.txt", "estimate_depth.txt", "render_shard.txt"

rule predict_answers:
    output: "predict_answers.txt"
    resources: gpu=0, nodes=1, mem_mb=3000, runtime=120
    shell: "echo $SLURMD_NODENAME > {output}"

rule estimate_depth:
    output: "estimate_depth.txt"
    resources: gpu=1, nodes=1, mem_mb=16000, runtime=120
    shell: "echo $SLURMD_NODENAME > {output}"

rule render_shard:
    output: "render_shard.txt"
    resources: gpu=0, nodes=1, mem_mb=3000, runtime=240
    shell: "echo $SLURMD_NODENAME > {output}"

rule spoil:
    output: "spoil.txt"
    log: "logs/spoil.log"
    shell: "echo the last line of the log > {log}; exit 3"
"""


@pytest.fixture
def toy(user: User) -> User:
    """Return a user with a workflow of one-second rules."""
    (user.folder / "Snakefile").write_text(TOY)
    return user


def test_a_gpu_rule_runs_on_the_card_that_the_profile_says(toy: User) -> None:
    toy.snakemake()
    for rule in ("predict_answers", "estimate_depth"):
        (job,) = toy.jobs_of(rule)
        assert job["JobState"] == "COMPLETED"
        assert job["NodeList"].startswith("a6000-")
        assert "gres/gpu:a6000=1" in job["TRES"], job["TRES"]
        assert job["Partition"] == "gpu"
        assert job["NumNodes"] == "1"
        assert (toy.folder / f"{rule}.txt").read_text().strip() == job["NodeList"]
    (job,) = toy.jobs_of("render_shard")
    assert job["Partition"] == "cpu"
    assert "gpu" not in job["TRES"]
    assert job["TimeLimit"] == "04:00:00"


def test_one_word_moves_a_rule_to_the_other_card(toy: User) -> None:
    toy.replace("a6000", "l40s", in_line="predict_answers:")
    toy.snakemake("predict_answers.txt")
    (job,) = toy.jobs_of("predict_answers")
    assert job["NodeList"].startswith("l40s-")
    assert "gres/gpu:l40s=1" in job["TRES"]


def test_cards_may_have_partitions_of_their_own(toy: User) -> None:
    toy.replace("&gpu gpu}", "&gpu 'gpu-l40s,gpu-a6000'}")
    toy.snakemake("predict_answers.txt")
    (job,) = toy.jobs_of("predict_answers")
    assert job["NodeList"].startswith("a6000-")
    assert job["Partition"] == "gpu-a6000"


def test_a_failed_rule_shows_its_name_and_its_log(toy: User) -> None:
    done = toy.snakemake("spoil.txt", "--retries=0", check=False)
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "spoil" in printed
    assert "logs/spoil.log" in printed
    assert "the last line of the log" in printed


def test_a_drained_node_is_avoided(toy: User) -> None:
    drained = "a6000-1"
    scontrol = ["scontrol", "update", f"NodeName={drained}"]
    toy.cluster.ask(*scontrol, "State=DRAIN", "Reason=test")
    try:
        toy.snakemake("predict_answers.txt", "estimate_depth.txt", "render_shard.txt")
    finally:
        toy.cluster.ask(*scontrol, "State=RESUME")
    for rule in ("predict_answers", "estimate_depth"):
        (job,) = toy.jobs_of(rule)
        assert job["NodeList"] == "a6000-2"


def test_the_cluster_starts_by_hand_only_once(toy: User, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["python", "-m", "tests.slurm.cluster"],
        cwd=root,
        env=toy.cluster.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "already running" in done.stderr
    assert Path("/etc/slurm/slurm.conf").readlink().is_relative_to(toy.cluster.folder)
    assert "a6000-1" in Path("/etc/hosts").read_text()
