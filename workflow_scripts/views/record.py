"""Record a shard of episodes: demonstrations by a backend as posed views, and their tables.

Writes `{shard}.zarr`, the tables of views, objects, visibility, episodes, keypoints, steps and
poses, `{shard}.skipped.jsonl`, `{shard}.credits.csv` and a contact sheet `{shard}.png`, each whole.
"""

import logging
from pathlib import Path
from typing import Any

from workflow_scripts.common import backend_registry
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.demonstration_shard import (
    KEYPOINT_ARRAYS,
    DemonstrationShard,
    EpisodeRow,
    KeypointRow,
    PoseRow,
    StepRow,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import (
    Episode,
    ObjectRow,
    ViewRow,
    VisibilityRow,
    records_to_frame,
)
from workflow_scripts.common.storage import read_records, write_records, write_table
from workflow_scripts.common.view_shard import sibling_path, table_path, write_views
from workflow_scripts.sources.rlbench import RecordSettings
from workflow_scripts.views.credits import write_credits
from workflow_scripts.views.demonstration_shard import DemonstrationRows, record_episodes
from workflow_scripts.views.demonstration_sheet import draw_demonstration_sheet
from workflow_scripts.views.demonstrator import BACKENDS

logger = logging.getLogger(__name__)


def write(out: Path, demonstration_rows: DemonstrationRows, *, attributes: dict[str, Any]) -> None:
    """Write the shard and its tables, each whole."""
    for name, rows, model in (
        ("views", demonstration_rows.views, ViewRow),
        ("objects", demonstration_rows.objects, ObjectRow),
        ("visibility", demonstration_rows.visibility, VisibilityRow),
        ("episodes", demonstration_rows.episodes, EpisodeRow),
        ("keypoints", demonstration_rows.keypoints, KeypointRow),
        ("steps", demonstration_rows.steps, StepRow),
        ("poses", demonstration_rows.poses, PoseRow),
    ):
        write_table(table_path(out, name), records_to_frame(rows, model))
    write_records(sibling_path(out, "skipped.jsonl"), demonstration_rows.skipped)
    write_views(
        out, demonstration_rows.arrays(), attributes=attributes, extra_arrays=KEYPOINT_ARRAYS
    )


def main(*, scenes: Path, out: Path, settings: RecordSettings) -> None:
    """Record the episodes of a shard.

    Args:
        scenes: JSON lines of `Episode` records.
        out: the Zarr group to write, `{shard}.zarr`; tables and images lie beside it.
        settings: who demonstrates, and what the cameras record.
    """
    if out.suffix != ".zarr":
        raise UserError(f"--out {out} must end in .zarr")
    episodes = read_records(scenes, Episode)
    if not episodes:
        raise UserError(f"{scenes} has no episode; run the rule that wrote it again")
    backend_class = backend_registry.load_backend(settings.backend, BACKENDS, kind="demonstration")
    out.parent.mkdir(parents=True, exist_ok=True)
    demonstration_rows = DemonstrationRows(out.parent)
    try:
        with backend_class(
            cameras=settings.cameras,
            size_px=settings.size_px,
            max_steps=settings.max_steps,
            max_attempts=settings.max_attempts,
            dataset=None if settings.dataset is None else Path(settings.dataset),
        ) as demonstrator:
            record_episodes(progress(episodes, desc="episodes"), demonstrator, demonstration_rows)
            provenance = dict(demonstrator.provenance)
        write(
            out,
            demonstration_rows,
            attributes={
                "source": episodes[0].source,
                "backend": settings.backend,
                "renderer": provenance,
                "cameras": list(settings.cameras),
            },
        )
    finally:
        demonstration_rows.close()
    write_credits(sibling_path(out, "credits.csv"), [])
    draw_demonstration_sheet(sibling_path(out, "png"), DemonstrationShard.open(out))
    logger.info(
        "%d views of %d episodes, %d left out",
        len(demonstration_rows.views),
        len(demonstration_rows.episodes),
        len(demonstration_rows.skipped),
    )


if __name__ == "__main__":
    run(main)
