"""Check that no episode and no placement is in two splits; a leak ends the workflow.

Ids are compared whole and so are the hashes of where everything stood at the first step, because
a data set may have the same recording under two names.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.records import SPLITS, Episode, SkippedItem
from workflow_scripts.common.storage import read_records, read_table, write_json

logger = logging.getLogger(__name__)
MAX_LISTED = 3


def find_leaks(planned: Sequence[Episode], recorded: pd.DataFrame) -> list[str]:
    """Say of every leak what it is; `recorded` has the columns of `EpisodeRow`."""
    plan = pd.DataFrame(
        [(row.scene_id, row.task, row.placement, row.split) for row in planned],
        columns=["scene_id", "task", "placement", "split"],
    )
    leaks_found = []
    for table, name in ((plan, "planned"), (recorded, "recorded")):
        duplicates = table.scene_id[table.scene_id.duplicated()].unique()
        if len(duplicates):
            leaks_found.append(f"{name} twice: {_list_some(duplicates)}")
    for table, key in ((plan, "placement"), (recorded, "state_hash")):
        groups = table.groupby(["task", key])
        in_several_splits = groups.split.transform("nunique") > 1
        for _, rows in table[in_several_splits].groupby(["task", key]):
            members = [f"{row.scene_id} ({row.split})" for row in rows.itertuples()]
            leaks_found.append(f"equal {key.replace('_', ' ')}: {_list_some(members)}")
    joined = plan.merge(recorded[["scene_id", "split"]], on="scene_id", suffixes=("", "_recorded"))
    changed_split = joined[joined.split != joined.split_recorded]
    if len(changed_split):
        leaks_found.append(
            f"split changed since it was planned: {_list_some(changed_split.scene_id)}"
        )
    unplanned = sorted(set(recorded.scene_id) - set(plan.scene_id))
    if unplanned:
        leaks_found.append(f"recorded without a plan: {_list_some(unplanned)}")
    return leaks_found


def _list_some(names: Any) -> str:
    names = [str(name) for name in names]
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def summary(recorded: pd.DataFrame) -> dict[str, Any]:
    """Count episodes by task and split, and how many share their first state with another."""
    counts = {
        str(task): {split: int((rows.split == split).sum()) for split in SPLITS}
        for task, rows in recorded.groupby("task")
    }
    num_duplicates = int(recorded.duplicated(["task", "state_hash"]).sum())
    return {"episodes": counts, "copies_within_a_split": num_duplicates, "leaks": 0}


def main(*, scenes: tuple[Path, ...], episodes: tuple[Path, ...], out: Path) -> None:
    """Check all shards of a source.

    Args:
        scenes: the shards of `Episode` records.
        episodes: the tables of `EpisodeRow`, of the same shards.
        out: JSON with the number of episodes of each task and split.
    """
    planned = [row for path in scenes for row in read_records(path, Episode)]
    recorded = pd.concat([read_table(path) for path in episodes], ignore_index=True)
    if recorded.empty:
        tables = [path.with_name(f"{path.name.split('.')[0]}.skipped.jsonl") for path in episodes]
        rows = [row for path in tables if path.exists() for row in read_records(path, SkippedItem)]
        raise UserError(
            f"none of the {len(planned)} episodes could be recorded; "
            f"{most_common_reasons(row.reason for row in rows)}"
        )
    leaks_found = find_leaks(planned, recorded)
    if leaks_found:
        raise UserError(
            f"{len(leaks_found)} leaks between splits, which make scores of the test split void:\n"
            + "\n".join(f"  {leak}" for leak in leaks_found[:20])
            + "\nRemove the copies from the data set, or results/scenes and results/views of "
            "this source if they were edited by hand, and run again"
        )
    write_json(out, summary(recorded))
    logger.info("%d episodes planned, %d recorded, no leak", len(planned), len(recorded))


if __name__ == "__main__":
    run(main)
