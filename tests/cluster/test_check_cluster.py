"""The preflight's comparisons on a small cluster made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from workflow_scripts.cluster.check_cluster import (
    Mismatch,
    ProfileLines,
    ResourceRequest,
    find_mismatches,
    find_profile_file,
    mismatch_messages,
    unknown_rule_messages,
)
from workflow_scripts.cluster.slurm import Cluster, Node, parse_minutes, read_node

CLUSTER = Cluster(
    nodes=(
        Node("big-1", 64, 500_000, {"l40s": 4}, frozenset({"gpu", "cpu"})),
        Node("big-2", 64, 500_000, {"l40s": 4}, frozenset({"gpu", "cpu"})),
        Node("old-1", 16, 64_000, {"a6000": 2}, frozenset({"old"})),
    ),
    partitions={"gpu": 2880, "cpu": 4320, "old": None},
    default_partition="cpu",
    accounts=frozenset({"lab"}),
)
FITS = ResourceRequest(
    "predict_answers",
    gpu=4,
    gpu_model="l40s",
    cores=8,
    mem_mb=48_000,
    runtime=240,
    partition="gpu",
    account="lab",
)


def mismatches(request: ResourceRequest, cluster: Cluster = CLUSTER) -> list[Mismatch]:
    return list(find_mismatches([request], cluster))


def test_what_fits_is_not_named() -> None:
    assert not mismatches(FITS)
    assert not mismatches(replace(FITS, gpu=8, nodes=2))
    assert not mismatches(replace(FITS, partition=""), replace(CLUSTER, default_partition="gpu"))
    # Where a partition has no limit, any time fits; with several, the longest counts.
    old = replace(FITS, gpu=2, gpu_model="a6000", partition="old", runtime=99_999)
    assert not mismatches(old)
    assert not mismatches(replace(FITS, partition="gpu,cpu", runtime=4000))


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"gpu_model": "l40"}, "gpu_model", "did you mean 'l40s'"),
        ({"gpu_model": ""}, "gpu_model", "name its model"),
        ({"gpu": 0}, "gpu", "no number of GPUs"),
        ({"gpu": 0, "invalid_values": {"gpu": "two"}}, "gpu", "'two': must be a whole number"),
        ({"nodes": 0}, "nodes", "0: must be 1 or more"),
        ({"gpu": 5}, "gpu", "more than 4 of l40s"),
        ({"gpu": 3, "nodes": 2}, "gpu", "multiple of nodes 2"),
        ({"gpu": 12, "nodes": 3}, "nodes", "only 2 fit"),
        ({"gpu_model": "a6000", "gpu": 1}, "slurm_partition", "has card 'a6000'"),
        ({"partition": "gpus"}, "slurm_partition", "did you mean 'gpu'"),
        ({"partition": "gpu,new"}, "slurm_partition", "'new': no such partition"),
        ({"runtime": 2881}, "runtime", "stops jobs after 2880"),
        ({"mem_mb": 500_001}, "mem_mb", "more than 500000"),
        ({"cores": 65}, "cores", "more than 64"),
        ({"account": "lob"}, "slurm_account", "did you mean 'lab'"),
        ({"account": ""}, "slurm_account", "is not set"),
    ],
)
def test_what_does_not_fit_is_named(change: dict, key: str, words: str) -> None:
    (mismatch,) = mismatches(replace(FITS, **change))
    assert mismatch.rule == "predict_answers"
    assert mismatch.key == key
    assert words in mismatch.reason


def test_memory_counts_on_the_nodes_with_the_card() -> None:
    request = replace(FITS, gpu=1, gpu_model="a6000", partition="old,gpu", mem_mb=70_000)
    (mismatch,) = mismatches(request)
    assert mismatch.key == "mem_mb"
    assert "more than 64000" in mismatch.reason


def test_a_cluster_without_accounts_needs_none() -> None:
    without = replace(CLUSTER, accounts=None)
    assert not mismatches(replace(FITS, account=""), without)
    (mismatch,) = mismatches(FITS, without)
    assert "slurm-no-account: true" in mismatch.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UNLIMITED", None),
        ("2-00:00:00", 2880),
        ("1-12", 2160),
        ("04:30:00", 270),
        ("90:00", 90),
        ("45", 45),
    ],
)
def test_times_of_slurm(text: str, expected: int | None) -> None:
    assert parse_minutes(text) == expected


def test_a_node_is_read_with_its_cards() -> None:
    pairs = {
        "NodeName": "n1",
        "CPUTot": "32",
        "RealMemory": "1000",
        "Gres": "gpu:l40s:2(S:0-1),gpu:a6000:1,shard:8",
        "Partitions": "a,b",
        "State": "IDLE+DRAIN",
    }
    node = read_node(pairs)
    assert node.gpus == {"l40s": 2, "a6000": 1}
    assert node.partitions == {"a", "b"}
    assert not node.is_usable
    assert read_node({**pairs, "Gres": "gpu:4", "State": "MIXED"}).gpus == {"": 4}


PROFILE = """\
default-resources:
  slurm_account: &account lab
  slurm_partition: cpu
set-threads:
  predict_answers: 4
set-resources:
  predict_answers: {gpu_model: h100, slurm_partition: &gpu gpu}
  train: {slurm_partition: *gpu, slurm_account: *account, cpus_per_gpu: 8, mem: 9GB}
  predict_anwers: {gpu: 1}
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(PROFILE)
    return path


def test_the_line_to_edit_is_where_the_value_is_written(profile: Path) -> None:
    lines = ProfileLines(profile)
    assert lines.deciding_line("predict_answers", "gpu_model") == 7
    assert lines.deciding_line("train", "slurm_partition") == 7
    assert lines.deciding_line("train", "slurm_account") == 2
    assert lines.deciding_line("generate_questions", "slurm_partition") == 3
    assert lines.deciding_line("predict_answers", "threads") == 5
    assert lines.deciding_line("train", "cores") == 8
    assert lines.deciding_line("train", "gpu_model") == 8
    assert lines.deciding_line("train", "mem_mb") == 8


def test_rules_that_share_a_mistake_share_a_message(profile: Path) -> None:
    names = ("generate_questions", "fuse_shard", "merge_questions", "render_shard", "train")
    same = [Mismatch(name, "slurm_account", "'lab': not an account of yours") for name in names]
    (message,) = mismatch_messages(same, profile)
    assert message == (
        f"{profile}:2: rules generate_questions, fuse_shard, merge_questions and 2 more: "
        "slurm_account 'lab': not an account of yours"
    )


def test_a_rule_that_is_not_there_is_named(profile: Path) -> None:
    (message,) = unknown_rule_messages(profile, ["predict_answers", "train"])
    assert message.startswith(f"{profile}:9: no rule 'predict_anwers'")
    assert "did you mean 'predict_answers'" in message


def test_the_profile_of_a_command(profile: Path) -> None:
    folder = str(profile.parent)
    assert find_profile_file(["check", "--profile", folder, "-n"], {}) == str(profile)
    assert find_profile_file([f"--profile={folder}"], {}) == str(profile)
    assert find_profile_file(["-n"], {"SNAKEMAKE_PROFILE": folder}) == str(profile)
    assert find_profile_file(["-n"], {}) == ""
