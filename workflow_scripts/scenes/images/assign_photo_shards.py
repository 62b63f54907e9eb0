"""Write one shard of photos as scenes: each in its split, or the reason why it cannot be used."""

import logging
import math
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_table, write_records
from workflow_scripts.sources.readers.photo_records import Photo

log = logging.getLogger(__name__)


def scene_id(source: str, index: int, sha256: str, *, is_repeat: bool) -> str:
    """Name a photo by its bytes, so that it keeps its name (and its questions) among others.

    A photo that is left out, perhaps for being another's copy, adds its index.
    """
    name = f"{source}-{sha256[:12]}"
    return f"{name}-{index}" if is_repeat else name


def main(*, source: str, hashes: Path, groups: Path, out: Path) -> None:
    """Write the scenes of a shard, one `Photo` a line.

    Args:
        source: name of the source, the first part of every scene id.
        hashes: table of `PhotoHash` of this shard.
        groups: table of `PhotoGroup` of the whole source.
        out: the shard to write.
    """
    group_of = read_table(groups).set_index("index")
    photos = []
    for row in read_table(hashes).itertuples():
        if row.index not in group_of.index or group_of.sha256.loc[row.index] != row.sha256:
            raise UserError(f"{groups} does not know photo {row.origin}: run its rule again")
        group_row = group_of.loc[row.index]
        photos.append(
            Photo(
                source=source,
                scene_id=scene_id(source, row.index, row.sha256, is_repeat=bool(group_row.reason)),
                split=group_row.split,
                origin=row.origin,
                skipped=group_row.reason or None,
                index=row.index,
                stem=row.stem,
                sha256=row.sha256,
                fingerprint=row.fingerprint,
                group=group_row.group,
                width_px=row.width_px,
                height_px=row.height_px,
                focal_px=None if math.isnan(row.focal_px) else row.focal_px,
            )
        )
    write_records(out, photos)
    log.info("%d photos, %d left out", len(photos), sum(bool(photo.skipped) for photo in photos))


if __name__ == "__main__":
    run(main)
