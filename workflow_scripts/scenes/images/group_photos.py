"""Assign all photos of a source to splits, near-duplicates together."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.records import SPLITS, records_to_frame
from workflow_scripts.common.splits import assign_split
from workflow_scripts.common.storage import read_table, write_table
from workflow_scripts.scenes.images.fingerprint import group_near_duplicates
from workflow_scripts.sources.images import PhotoGroupSettings
from workflow_scripts.sources.readers.photo_records import PhotoGroup

log = logging.getLogger(__name__)
WARN_ABOVE_SHARE = 0.2


def group_photos(
    hashes: pd.DataFrame, *, max_bits: int, shares: dict[str, float]
) -> list[PhotoGroup]:
    """Return a row for each photo, in order: its group, split, and whether it repeats another.

    A group is named by the smallest hash of its photos, which alone decides the split. Of photos
    with the same bytes the first is kept. Photos that cannot be used are groups of their own.
    """
    usable = (hashes.reason == "").to_numpy()
    groups = np.full(len(hashes), -1)
    fingerprints = hashes.fingerprint[usable].tolist()
    groups[usable] = group_near_duplicates(fingerprints, max_bits=max_bits)
    name_of: dict[int, str] = {}
    for group, sha in zip(groups, hashes.sha256, strict=True):
        name_of[group] = min(name_of.get(group, sha), sha)
    first_origin: dict[str, str] = {}
    rows = []
    for group, row in zip(groups, hashes.itertuples(), strict=True):
        name = name_of[group] if group >= 0 else row.sha256
        reason = row.reason
        if not reason and row.sha256 in first_origin:
            reason = f"copy: the same file as {first_origin[row.sha256]}"
        elif not reason:
            first_origin[row.sha256] = row.origin
        rows.append(
            PhotoGroup(
                index=row.index,
                sha256=row.sha256,
                group=name[:16],
                split=assign_split(name, shares),
                reason=reason,
            )
        )
    return rows


def main(
    *,
    hashes: tuple[Path, ...],
    splits: tuple[float, float, float],
    out: Path,
    settings: PhotoGroupSettings,
) -> None:
    """Write a table of `PhotoGroup` over all shards.

    Args:
        hashes: tables of `PhotoHash`, one a shard.
        splits: shares of train, val and test.
        out: the table to write.
        settings: which photos share a split.
    """
    all_hashes = pd.concat([read_table(path) for path in hashes]).sort_values("index")
    rows = group_photos(
        all_hashes.reset_index(drop=True),
        max_bits=settings.near_duplicate_bits,
        shares=dict(zip(SPLITS, splits, strict=True)),
    )
    kept = [row for row in rows if not row.reason]
    if not kept:
        raise UserError(
            f"none of the {len(rows)} photos can be used; "
            f"{most_common_reasons(row.reason for row in rows)}"
        )
    sizes = pd.Series([row.group for row in kept], dtype=str).value_counts()
    log.info("%d photos, %d usable, in %d groups", len(rows), len(kept), len(sizes))
    if len(kept) >= 20 and sizes.iloc[0] > WARN_ABOVE_SHARE * len(kept):
        log.warning(
            "%d of %d photos are one group of near-duplicates (%s) and share a split; "
            "lower sources.images.near_duplicate_bits if they are not alike",
            sizes.iloc[0],
            len(kept),
            sizes.index[0],
        )
    write_table(out, records_to_frame(rows, PhotoGroup))


if __name__ == "__main__":
    run(main)
