"""Compare the resources that the rules request with those of the cluster, before any submission.

SLURM refuses some mistakes only after hours in the queue, and Snakemake's plugin sends an unknown
GPU model to the default partition; here each is named with its rule, value and the line to edit.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.cluster.slurm import Cluster, Node, read_cluster
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.storage import read_json, write_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResourceRequest:
    """The resources that one job of a rule requests, profile included.

    Attributes:
        rule: Name.
        gpu: GPUs over all nodes.
        gpu_model: GPU model.
        nodes: Nodes.
        cores: Processor cores of a node.
        mem_mb: Memory of a node.
        runtime: Minutes.
        partition: Partition, or several with commas; empty takes the cluster's default.
        account: Account; empty takes the user's default.
        invalid_values: Words where numbers belong, by key.
    """

    rule: str
    gpu: int = 0
    gpu_model: str = ""
    nodes: int = 1
    cores: int = 1
    mem_mb: int = 0
    runtime: int = 0
    partition: str = ""
    account: str = ""
    invalid_values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mismatch:
    """One value that does not fit: the profile's key, and why it does not fit."""

    rule: str
    key: str
    reason: str


def read_requests(workflow: Any) -> list[ResourceRequest]:
    """Return what each rule of a parsed workflow sends to the cluster."""
    requests_made: list[ResourceRequest] = []
    for rule in workflow.rules:
        values = {name: resource.raw for name, resource in rule.resources.items()}
        launches = values.get("cluster") == "slurm"
        if rule.norun or (rule.name in workflow._localrules and not launches):
            continue
        gpu, nodes = _number(values.get("gpu")), _number(values.get("nodes", 1))
        cpus_per_gpu = _number(values.get("cpus_per_gpu"))
        requests_made.append(
            ResourceRequest(
                rule=rule.name,
                gpu=gpu,
                gpu_model=str(values.get("gpu_model") or ""),
                nodes=nodes,
                cores=cpus_per_gpu * (gpu // max(nodes, 1))
                if launches
                else _number(values.get("_cores")),
                mem_mb=_number(values.get("mem_mb", values.get("mem"))),
                runtime=_number(values.get("runtime")),
                partition=str(values.get("slurm_partition") or ""),
                account=str(values.get("slurm_account") or ""),
                invalid_values={
                    key: values[key]
                    for key in ("gpu", "nodes", "mem_mb", "runtime")
                    if _is_word(values.get(key))
                },
            )
        )
    return requests_made


def _number(value: Any) -> int:
    """Return a resource as a number; one that is computed for each job cannot be checked: 0."""
    return value if isinstance(value, int) else 0


def _is_word(value: Any) -> bool:
    """Return whether a resource is a word or a fraction, not something computed for each job."""
    known = ("attempt", "threads")
    return isinstance(value, str) and bool(re.fullmatch(r"[\w.]+", value)) and value not in known


def write_requests(workflow: Any, path: Path) -> Path:
    """Write the input of `check_cluster`: the requests, and the names of all rules."""
    requests_made = [asdict(request) for request in read_requests(workflow)]
    write_json(path, {"requests": requests_made, "rules": [rule.name for rule in workflow.rules]})
    return path


def find_profile_file(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """Return the file of the profile that Snakemake was started with, '' without one."""
    named = environment.get("SNAKEMAKE_PROFILE", "")
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--profile":
            named = following
        elif word.startswith("--profile="):
            named = word.partition("=")[2]
    folder = Path(named)
    for name in ("config.v9+.yaml", "config.v8+.yaml", "config.yaml"):
        if named and (folder / name).is_file():
            return str(folder / name)
    return named


def find_mismatches(
    requests_made: Iterable[ResourceRequest], cluster: Cluster
) -> Iterator[Mismatch]:
    """Yield every value that the cluster cannot serve."""
    for request in requests_made:
        for key, word in request.invalid_values.items():
            yield Mismatch(request.rule, key, f"{word!r}: must be a whole number")
        if request.nodes < 1 and "nodes" not in request.invalid_values:
            yield Mismatch(request.rule, "nodes", f"{request.nodes}: must be 1 or more")
        if request.nodes < 1 or request.invalid_values:
            continue
        yield from _partition_mismatches(request, cluster)
        yield from _card_mismatches(request, cluster)
        yield from _account_mismatches(request, cluster)


def _partition_mismatches(request: ResourceRequest, cluster: Cluster) -> Iterator[Mismatch]:
    names = _partitions(request, cluster)
    if not names:
        yield Mismatch(
            request.rule, "slurm_partition", "is not set, and the cluster has no default partition"
        )
    for name in names:
        if name not in cluster.partitions:
            allowed = allowed_values(name, cluster.partitions)
            yield Mismatch(
                request.rule, "slurm_partition", f"{name!r}: no such partition; {allowed}"
            )
    known = [name for name in names if name in cluster.partitions]
    limits = [cluster.partitions[name] for name in known]
    longest = None if None in limits else max((limit for limit in limits if limit), default=None)
    if known and longest is not None and request.runtime > longest:
        yield Mismatch(
            request.rule,
            "runtime",
            f"{request.runtime} minutes: partition {', '.join(known)} stops jobs after {longest}",
        )


def _card_mismatches(request: ResourceRequest, cluster: Cluster) -> Iterator[Mismatch]:
    """Filter the nodes by partition, card, number, memory and cores; yield where none remains."""
    names = set(_partitions(request, cluster)) & set(cluster.partitions)
    if not names:
        return
    where = f"in partition {', '.join(sorted(names))}"
    nodes = [node for node in cluster.nodes if node.partitions & names]
    card, rule = request.gpu_model, request.rule
    if request.gpu and not card:
        yield Mismatch(
            rule,
            "gpu_model",
            f"is not set, and the rule requests {request.gpu} GPU: name its model",
        )
    if card and not request.gpu:
        yield Mismatch(rule, "gpu", f"0: the profile names card {card!r} but no number of GPUs")
    if request.gpu:
        all_cards = {name for node in cluster.nodes for name in node.gpus}
        if card and card not in all_cards:
            named = (
                allowed_values(card, all_cards - {""}) if all_cards - {""} else "no card has a name"
            )
            yield Mismatch(rule, "gpu_model", f"{card!r}: no node has this card; {named}")
            return
        nodes = [node for node in nodes if _gpus(node, card)]
        if not nodes:
            yield Mismatch(rule, "slurm_partition", f"no node {where} has card {card!r}")
            return
        if request.gpu % request.nodes:
            yield Mismatch(
                rule, "gpu", f"{request.gpu}: must be a multiple of nodes {request.nodes}"
            )
        gpus_per_node, most = (
            -(-request.gpu // request.nodes),
            max(_gpus(node, card) for node in nodes),
        )
        if gpus_per_node > most:
            yield Mismatch(
                rule,
                "gpu",
                f"{request.gpu} on {request.nodes} node(s): no node {where} has more than "
                f"{most} of {card or 'any card'}",
            )
        nodes = [node for node in nodes if _gpus(node, card) >= min(gpus_per_node, most)]
    if len(nodes) < request.nodes:
        yield Mismatch(rule, "nodes", f"{request.nodes}: only {len(nodes)} fit {where}")
    for key, wanted, have in (
        ("mem_mb", request.mem_mb, [node.mem_mb for node in nodes]),
        ("threads" if not request.gpu else "cores", request.cores, [node.cpus for node in nodes]),
    ):
        if have and wanted > max(have):
            yield Mismatch(rule, key, f"{wanted}: no such node {where} has more than {max(have)}")
    if nodes and not any(node.is_usable for node in nodes):
        logger.warning("rule %s: every node that fits is down or drained now", rule)


def _account_mismatches(request: ResourceRequest, cluster: Cluster) -> Iterator[Mismatch]:
    account = request.account
    if cluster.accounts is None:
        if account:
            yield Mismatch(
                request.rule,
                "slurm_account",
                f'{account!r}: this cluster keeps no accounts; write slurm_account: "" and add a '
                "line slurm-no-account: true",
            )
    elif not account:
        yield Mismatch(request.rule, "slurm_account", "is not set")
    elif account.lower() not in cluster.accounts:
        yield Mismatch(
            request.rule,
            "slurm_account",
            f"{account!r}: not an account of yours; {allowed_values(account, cluster.accounts)}",
        )


def _partitions(request: ResourceRequest, cluster: Cluster) -> list[str]:
    named = [name for name in request.partition.split(",") if name]
    return named or ([cluster.default_partition] if cluster.default_partition else [])


def _gpus(node: Node, card: str) -> int:
    """Count a node's GPUs of a card, of all cards without one."""
    return node.gpus.get(card, 0) if card else sum(node.gpus.values())


class ProfileLines:
    """A profile's text, to find the line of a value."""

    def __init__(self, path: Path) -> None:
        try:
            self.root = yaml.compose(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise UserError(f"{path}: not valid YAML: {error}") from error

    def line(self, *keys: str) -> int | None:
        """Return the line of a value; of an alias, the line of what it stands for."""
        node: Any = self.root
        for key in keys:
            node = self._entries(node).get(key)
            if node is None:
                return None
        return int(node.start_mark.line) + 1

    def rules(self) -> set[str]:
        """Return the rules that `set-resources` names."""
        return set(self._entries(self._entries(self.root).get("set-resources")))

    def deciding_line(self, rule: str, key: str) -> int | None:
        """Return the line that decides a rule's value: its own, the default's, the rule's."""
        if key == "cores":
            key = "cpus_per_gpu" if self.line("set-resources", rule, "cpus_per_gpu") else "threads"
        if key == "threads":
            return self.line("set-threads", rule) or self.line("set-threads")
        if key == "mem_mb" and self.line("set-resources", rule, "mem"):
            key = "mem"
        return (
            self.line("set-resources", rule, key)
            or self.line("default-resources", key)
            or self.line("set-resources", rule)
            or self.line("set-resources")
        )

    @staticmethod
    def _entries(node: Any) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            return {}
        return {key.value: value for key, value in node.value}


def mismatch_messages(mismatches: Iterable[Mismatch], path: Path) -> list[str]:
    """Return a message for each mismatch; rules that share a line and a reason share one."""
    profile = ProfileLines(path)
    rules_by_problem: dict[tuple[int, str, str], list[str]] = {}
    for mismatch in mismatches:
        line = profile.deciding_line(mismatch.rule, mismatch.key) or 1
        rules_by_problem.setdefault((line, mismatch.key, mismatch.reason), []).append(mismatch.rule)
    messages = []
    for (line, key, reason), rules in sorted(rules_by_problem.items()):
        more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
        named = f"rule{'s' * (len(rules) > 1)} {', '.join(rules[:3])}{more}"
        messages.append(f"{path}:{line}: {named}: {key} {reason}")
    return messages


def unknown_rule_messages(path: Path, known: Iterable[str]) -> list[str]:
    """Return a message for each rule of the profile that the workflow does not have."""
    profile = ProfileLines(path)
    messages = []
    for name in sorted(profile.rules() - set(known)):
        line = profile.line("set-resources", name)
        messages.append(f"{path}:{line}: no rule {name!r}; {allowed_values(name, known)}")
    return messages


def main(*, profile: str, requests: Path) -> None:
    """Check a profile against the cluster that this machine belongs to; nothing is submitted.

    Args:
        profile: The profile's file.
        requests: JSON of what each rule asks for.
    """
    path = Path(profile)
    if not path.is_file():
        raise UserError("no profile to check: snakemake check_cluster --profile profiles/slurm")
    saved = read_json(requests)
    requests_made = [ResourceRequest(**values) for values in saved["requests"]]
    cluster = read_cluster()
    problems = mismatch_messages(find_mismatches(requests_made, cluster), path)
    problems += unknown_rule_messages(path, saved["rules"])
    if problems:
        number = f"{len(problems)} mismatch{'es' * (len(problems) > 1)}"
        raise UserError(f"{number}, nothing was submitted:\n  " + "\n  ".join(problems))
    cards = {card for node in cluster.nodes for card in node.gpus}
    logger.info(
        "%s fits the cluster: %d rules, %d partitions, %d nodes, cards %s",
        path,
        len(requests_made),
        len(cluster.partitions),
        len(cluster.nodes),
        ", ".join(sorted(cards)) or "none",
    )


if __name__ == "__main__":
    run(main)
