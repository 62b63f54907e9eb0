"""Refuse a run on a cluster whose rules have lost the lines of the profile that give them GPUs.

Snakemake replaces a whole block of the profile (`set-resources`, `default-resources`) by what the
command line, or a later profile, says under the same key. Then no rule asks for a GPU, and
trainings run on the login node.
"""

import argparse
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ALLOW = "allow_no_gpu"
# Without these of the profile's line a job asks for another card, or waits where there is none.
CARD_KEYS = ("gpu", "gpu_model", "slurm_partition")


@dataclass(frozen=True)
class ProfileFile:
    """A profile that Snakemake was started with: its file, and the blocks that can be replaced."""

    path: Path
    set_resources: Mapping[str, Mapping[str, Any]]
    default_resources: Mapping[str, Any]


def uses_slurm(arguments: argparse.Namespace | None) -> bool:
    """Return whether jobs are submitted to SLURM, or would be without the dry run."""
    return arguments is not None and arguments.executor == "slurm"


def read_profiles(arguments: argparse.Namespace) -> list[ProfileFile]:
    """Return the profiles of a command line, the one that wins last; unreadable ones are left out.

    The reader of the command line has refused profiles that do not exist.
    """
    from snakemake.cli import get_profile_dir

    workflow = arguments.workflow_profile
    names = [*(arguments.profile or ()), *([workflow] if workflow not in (None, "none") else [])]
    profiles = []
    for name in names:
        candidates = (name, str(Path("profiles") / name)) if name == workflow else (name,)
        places = (get_profile_dir(candidate) for candidate in candidates)
        place = next((place for place in places if place is not None), None)
        if place is None:
            continue
        try:
            content = yaml.safe_load(place[1].read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        lines = _mapping(content, "set-resources")
        profiles.append(
            ProfileFile(
                path=place[1],
                set_resources={
                    rule: line for rule, line in lines.items() if isinstance(line, dict)
                },
                default_resources=_mapping(content, "default-resources"),
            )
        )
    return profiles


def _mapping(content: Any, key: str) -> Mapping[str, Any]:
    block = content.get(key) if isinstance(content, dict) else None
    return block if isinstance(block, dict) else {}


def find_problems(
    workflow: Any, profiles: Sequence[ProfileFile], *, unused: Container[str]
) -> Iterator[str]:
    """Yield a text for every rule that may use a GPU and would get none, or not the profile's.

    Args:
        workflow: Snakemake's workflow, parsed.
        profiles: The profiles in use.
        unused: Names of rules that use no GPU, or have no job, in this configuration.
    """
    in_effect = workflow.resource_settings.overwrite_resources or {}
    for rule in workflow.rules:
        values = {name: resource.raw for name, resource in rule.resources.items()}
        if "gpu" not in values or rule.name in unused:
            continue
        lines = [profile.set_resources.get(rule.name, {}) for profile in profiles]
        lost = [key for key in lost_keys(lines, in_effect.get(rule.name, {})) if key in CARD_KEYS]
        if values.get("cluster", "slurm") == "local":
            yield f"{rule.name} would train on this machine"
        elif isinstance(values["gpu"], int) and values["gpu"] < 1:
            yield f"{rule.name} asks for no GPU"
        elif lost:
            yield f"{rule.name} has lost its {', '.join(lost)}"


def lost_keys(blocks: Iterable[Mapping[str, Any]], values: Container[str]) -> list[str]:
    """Return the keys that some profile gives and that are not in effect."""
    keys = dict.fromkeys(key for block in blocks for key in block)
    return [key for key in keys if key not in values]


def lost_defaults(profiles: Sequence[ProfileFile], defaults: Container[str]) -> str | None:
    """Return a warning about a profile's default resources that are not in effect, or None."""
    lost = lost_keys([profile.default_resources for profile in profiles], defaults)
    if not lost:
        return None
    return (
        f"--default-resources replaces the whole block of {profiles[0].path}: "
        f"{', '.join(lost)} of that file no longer hold; {_advice(profiles)}"
    )


def refusal(
    problems: Sequence[str],
    profiles: Sequence[ProfileFile],
    words: Sequence[str] | None = None,
) -> str:
    """Return the error for rules without GPUs: what is wrong, the probable cause, what to do.

    `words` are those of the command line.
    """
    words = sys.argv[1:] if words is None else words
    text = f"no GPU of the cluster for rules that may use one: {'; '.join(problems)}."
    with_lines = [profile for profile in profiles if profile.set_resources]
    if with_lines and any(word.partition("=")[0] == "--set-resources" for word in words):
        text += (
            " --set-resources on the command line replaces the whole block set-resources of "
            f"{with_lines[0].path}."
        )
    elif len(with_lines) > 1:
        text += (
            f" set-resources of {with_lines[-1].path} replaces the whole block of "
            f"{with_lines[0].path}."
        )
    return f"{text} To fix it, {_advice(profiles)}; if no GPU is meant, --config {ALLOW}=true"


def _advice(profiles: Sequence[ProfileFile]) -> str:
    path = profiles[0].path if profiles else Path("profiles/slurm/config.yaml")
    copy = path.parent.parent / "mine"
    return (
        f"edit the line in {path}, or copy its folder (cp -r {path.parent} {copy}), edit the copy "
        f"and start with --profile {copy}; a file for --workflow-profile must hold the whole block"
    )
