"""Read from SLURM what a cluster has: nodes, cards, partitions, limits, accounts."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_scripts.common.errors import UserError

UNUSABLE = re.compile(r"DOWN|DRAIN|FAIL|NOT_RESPONDING|INVAL")


@dataclass(frozen=True)
class Node:
    """A node, as `scontrol show node` prints it; `gpus` counts each card, "" one without a name."""

    name: str
    cpus: int
    mem_mb: int
    gpus: Mapping[str, int]
    partitions: frozenset[str]
    is_usable: bool = True


@dataclass(frozen=True)
class Cluster:
    """A cluster: its nodes, each partition's longest minutes (None: no limit), the accounts.

    `accounts` is None where SLURM keeps none.
    """

    nodes: tuple[Node, ...]
    partitions: Mapping[str, int | None]
    default_partition: str = ""
    accounts: frozenset[str] | None = None


def disable_efficiency_report(executor_settings: Any) -> None:
    """Turn off the efficiency report of the executor's settings where `sacct` is missing.

    The SLURM plugin asks `sacct` for it at the end of every run, even if no job was submitted, and
    ends with a stack trace if there is no such command.
    """
    if getattr(executor_settings, "efficiency_report", False) and shutil.which("sacct") is None:
        executor_settings.efficiency_report = False


def exit_without_slurm() -> None:
    """End Snakemake with one line and exit status 1 if this machine has no SLURM commands.

    An exception would be printed with the lines of the Snakefile that it passed.
    """
    if shutil.which("scontrol") is None:
        sys.exit(
            "error: scontrol is missing: no SLURM commands on this machine; run check_cluster on "
            "the cluster's login node"
        )


def run_slurm_command(*command: str, allow_failure: bool = False) -> str:
    """Run one of SLURM's commands and return what it prints."""
    if shutil.which(command[0]) is None:
        raise UserError(
            f"{command[0]} is not on this machine: check the profile on the cluster's login node"
        )
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode and not allow_failure:
        raise UserError(f"{' '.join(command)} failed: {result.stderr.strip()}")
    return result.stdout


def read_cluster() -> Cluster:
    """Ask SLURM what this cluster has."""
    partitions = [
        _parse_pairs(line)
        for line in run_slurm_command("scontrol", "show", "partition", "-o").splitlines()
    ]
    partitions = [pairs for pairs in partitions if "PartitionName" in pairs]
    nodes = [
        _parse_pairs(line)
        for line in run_slurm_command("scontrol", "show", "node", "-o").splitlines()
    ]
    accounts: frozenset[str] | None = None
    storage = re.search(
        r"^AccountingStorageType\s*=\s*(\S+)", run_slurm_command("scontrol", "show", "config"), re.M
    )
    if storage and not storage[1].endswith("/none"):
        user = run_slurm_command("id", "-un").strip()
        listed = run_slurm_command("sacctmgr", "-nPs", "list", "user", user, "format=account")
        accounts = frozenset(name.strip().lower() for name in listed.split() if name.strip())
    return Cluster(
        nodes=tuple(read_node(pairs) for pairs in nodes if "NodeName" in pairs),
        partitions={
            pairs["PartitionName"]: parse_minutes(pairs.get("MaxTime", "UNLIMITED"))
            for pairs in partitions
        },
        default_partition=next(
            (pairs["PartitionName"] for pairs in partitions if pairs.get("Default") == "YES"), ""
        ),
        accounts=accounts,
    )


def read_node(pairs: Mapping[str, str]) -> Node:
    """Read a node from the pairs of its line."""
    gpus: dict[str, int] = {}
    for card, number in re.findall(r"\bgpu:(?:([\w.-]+):)?(\d+)", pairs.get("Gres", "")):
        gpus[card] = gpus.get(card, 0) + int(number)
    return Node(
        name=pairs["NodeName"],
        cpus=int(pairs.get("CPUTot", 0)),
        mem_mb=int(pairs.get("RealMemory", 0)),
        gpus=gpus,
        partitions=frozenset(pairs.get("Partitions", "").split(",")),
        is_usable=not UNUSABLE.search(pairs.get("State", "")),
    )


def parse_minutes(text: str) -> int | None:
    """Read a time of SLURM's ("2-00:00:00", "30:00", "90"); None is no limit."""
    if text in ("UNLIMITED", "INFINITE", "NONE"):
        return None
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if days:  # days-hours[:minutes[:seconds]]
        hours, mins, *_ = [*parts, 0, 0]
        return int(days) * 1440 + hours * 60 + mins
    if len(parts) == 3:
        return parts[0] * 60 + parts[1]
    return parts[0]


def _parse_pairs(line: str) -> dict[str, str]:
    split = (word.partition("=") for word in line.split())
    return {key: value for key, _, value in split if value}
