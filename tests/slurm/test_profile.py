"""The shipped profile on a live cluster, with the real plugin: SLURM records what ran where."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testing.slurm.cluster import ACCOUNT, Cluster
from testing.slurm.user import ROOT, User

# A second's work in the place of each rule of the profile, with the resources of the profile.
RULE = """
rule {name}:
    output: "{name}.txt"
    resources: gpu=0, nodes=1, mem_mb=3000, runtime=120
    shell: "echo $SLURMD_NODENAME > {{output}}"
"""
LAUNCHER = """
rule {name}:
    output: "{name}.txt"
    localrule: True
    resources:
        gpu=0, gpu_model="", nodes=1, mem_mb=3000, runtime=1440, cpus_per_gpu=0,
        slurm_partition="", slurm_account="", cluster="local",
    shell:
        "cd {root} && python -m tests.slurm.toy_training --out {folder}/{name}"
        " --cluster {{resources.cluster}} --nodes {{resources.nodes}} --gpus {{resources.gpu}}"
        " --gpu-model '{{resources.gpu_model}}' --partition '{{resources.slurm_partition}}'"
        " --account '{{resources.slurm_account}}' --minutes {{resources.runtime}}"
        " --mem-mb {{resources.mem_mb}} --threads {{resources.cpus_per_gpu}}"
        " && touch {folder}/{{output}}"
"""
WITHOUT_GPU = """
rule summarise:
    output: "summarise.txt"
    resources: gpu=0, nodes=1, mem_mb=3000, runtime=240
    shell: "echo $SLURMD_NODENAME > {output}"

rule fail:
    output: "fail.txt"
    log: "logs/fail.log"
    shell: "echo the last line of the log > {log}; exit 3"
"""


def make_toy_workflow(user: User) -> User:
    """Give a user a workflow of one-second rules, and enable Unity's lines of the profile."""
    for name in ("render_shard", "render_walks"):
        user.replace(f"# {name}:", f"{name}:")
    text = WITHOUT_GPU
    for name, line in user.gpu_rules().items():
        kind = LAUNCHER if line.get("cluster") == "slurm" else RULE
        text += kind.format(name=name, root=ROOT, folder=user.folder)
    (user.folder / "Snakefile").write_text(text)
    return user


@pytest.fixture
def toy(user: User) -> User:
    """Return a user with a workflow of one-second rules."""
    return make_toy_workflow(user)


Ran = tuple[User, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def toy_run(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return a user who has run every rule, one of which fails."""
    toy = make_toy_workflow(User(tmp_path_factory.mktemp("user"), cluster))
    wanted = [f"{name}.txt" for name in (*toy.gpu_rules(), "summarise", "fail")]
    return toy, toy.snakemake("--retries=0", *wanted, check=False)


def test_every_gpu_rule_runs_where_the_profile_says(toy_run: Ran) -> None:
    toy, done = toy_run
    for name, line in toy.gpu_rules().items():
        assert toy.jobs_of(name), done.stdout + done.stderr
        (job,) = toy.jobs_of(name)
        assert_fits(job, line)
        assert job["Partition"] == line["slurm_partition"]
        assert job["Account"] == ACCOUNT
    (job,) = toy.jobs_of("summarise")
    assert job["Partition"] == "cpu"
    assert "gpu" not in job["TRES"]
    assert job["TimeLimit"] == "04:00:00"


def test_a_failed_rule_shows_its_name_and_its_log(toy_run: Ran) -> None:
    toy, done = toy_run
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "rule fail" in printed
    assert "logs/fail.log" in printed
    assert "the last line of the log" in printed
    assert (toy.folder / "summarise.txt").exists(), "other jobs go on"


def assert_fits(job: dict[str, str], line: dict[str, Any]) -> None:
    """Compare SLURM's record of a job with a rule's line of the profile."""
    assert job["JobState"] == "COMPLETED"
    nodes = subprocess.check_output(["scontrol", "show", "hostnames", job["NodeList"]], text=True)
    assert len(nodes.split()) == line["nodes"]
    assert all(node.startswith(f"{line['gpu_model']}-") for node in nodes.split())
    assert f"gres/gpu:{line['gpu_model']}={line['gpu']}" in job["TRES"], job["TRES"]
    number, unit = float(job["MinMemoryNode"][:-1]), job["MinMemoryNode"][-1]
    assert number * {"M": 1, "G": 1024}[unit] == line["mem_mb"]
    days, _, clock = job["TimeLimit"].rpartition("-")
    hours, minutes, _ = map(int, clock.split(":"))
    assert int(days or 0) * 1440 + hours * 60 + minutes == line["runtime"]


def test_one_word_moves_a_rule_to_the_other_card_and_its_partition(toy: User) -> None:
    toy.replace("&gpu gpu}", "&gpu 'gpu-l40s,gpu-a6000'}")
    toy.replace("a6000", "l40s", in_line="predict_answers:")
    toy.snakemake("predict_answers.txt", "estimate_depth.txt")
    for rule, card in (("predict_answers", "l40s"), ("estimate_depth", "a6000")):
        (job,) = toy.jobs_of(rule)
        assert job["NodeList"].startswith(f"{card}-")
        assert f"gres/gpu:{card}=1" in job["TRES"]
        assert job["Partition"] == f"gpu-{card}"


def test_a_drained_node_is_avoided(toy: User) -> None:
    drained = "a6000-1"
    scontrol = ["scontrol", "update", f"NodeName={drained}"]
    toy.cluster.ask(*scontrol, "State=DRAIN", "Reason=test")
    try:
        toy.snakemake("predict_answers.txt", "estimate_depth.txt")
    finally:
        toy.cluster.ask(*scontrol, "State=RESUME")
    for rule in ("predict_answers", "estimate_depth"):
        (job,) = toy.jobs_of(rule)
        assert job["NodeList"] == "a6000-2"


def test_the_cluster_starts_by_hand_only_once(toy: User, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "testing.slurm.cluster"],
        cwd=ROOT,
        env=toy.cluster.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("error: a test cluster is already running")
    assert "Traceback" not in done.stderr
    assert Path("/etc/slurm/slurm.conf").readlink().is_relative_to(toy.cluster.folder)
    assert "a6000-1" in Path("/etc/hosts").read_text()
