"""Read what Snakemake was asked to do, before it has read the whole workflow."""

import argparse
import contextlib
import io
import sys
from collections.abc import Iterable

from workflow_scripts.common.errors import allowed_values

# Options with which Snakemake only shows something, so that no file of a run changes.
_ONLY_SHOW = (
    "dryrun",
    "lint",
    "list_rules",
    "list_target_rules",
    "print_compilation",
    "dag",
    "rulegraph",
    "filegraph",
    "d3dag",
    "unlock",
    "list_conda_envs",
    "list_changes",
    "list_input_changes",
    "list_params_changes",
    "list_untracked",
    "summary",
    "detailed_summary",
    "containerize",
)


def read_command_line() -> argparse.Namespace | None:
    """Return Snakemake's own reading of its command line, profiles included.

    None if this process is not Snakemake's command. The executor is known nowhere else while the
    workflow is read, and in a dry run not even later.
    """
    from snakemake.cli import parse_args

    # It prints once more which profiles it uses.
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            _, arguments = parse_args(sys.argv[1:])
        except (Exception, SystemExit):
            return None
    return arguments if isinstance(arguments, argparse.Namespace) else None


def is_user_command(arguments: argparse.Namespace | None) -> bool:
    """Return whether a user started this Snakemake, and not another one for one of its jobs."""
    return arguments is not None and arguments.mode.name == "DEFAULT"


def changes_files(arguments: argparse.Namespace, harmless_targets: Iterable[str]) -> bool:
    """Return whether a run may write or remove results.

    `harmless_targets` write none; a run of these alone changes no files.
    """
    if any(getattr(arguments, name, None) for name in _ONLY_SHOW):
        return False
    if arguments.report and not arguments.report_after_run:
        return False
    targets = set(arguments.targets or ())
    return not targets or not targets <= set(harmless_targets)


def unknown_target(targets: Iterable[str], rules: Iterable[str]) -> str | None:
    """Return what is wrong with a target that is a single word; None if nothing is.

    `rules` are the names of the rules without wildcards. Paths are left to Snakemake.
    """
    names = set(rules)
    for target in targets:
        if target.isidentifier() and target not in names:
            return f"{target}: no such target; {allowed_values(target, names)}"
    return None
