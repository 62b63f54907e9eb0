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
from workflow_scripts.views.credits import write_credits
from workflow_scripts.views.demonstration_shard import DemonstrationRows, record_episodes
from workflow_scripts.views.demonstration_sheet import draw_demonstration_sheet
from workflow_scripts.views.demonstrator import BACKENDS

logger = logging.getLogger(__name__)
MAX_SIZE_PX = 1024


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


def check(*, cameras: tuple[str, ...], size_px: int, max_steps: int, max_attempts: int) -> None:
    """Raise `UserError` for settings that cannot be."""
    if not cameras:
        raise UserError("--cameras is empty; name at least one, e.g. front")
    if len(set(cameras)) < len(cameras):
        raise UserError(f"--cameras {' '.join(cameras)}: name each camera once")
    for name, value, low, high in (
        ("size-px", size_px, 16, MAX_SIZE_PX),
        ("max-steps", max_steps, 1, 100_000),
        ("max-attempts", max_attempts, 1, 1000),
    ):
        if not low <= value <= high:
            raise UserError(f"--{name} is {value}; it must be from {low} to {high}")


def main(
    *,
    scenes: Path,
    out: Path,
    backend: str,
    cameras: tuple[str, ...],
    size_px: int = 128,
    max_steps: int = 300,
    max_attempts: int = 5,
    dataset: Path | None = None,
) -> None:
    """Record the episodes of a shard.

    Args:
        scenes: JSON lines of `Episode` records.
        out: the Zarr group to write, `{shard}.zarr`; tables and pictures lie beside it.
        backend: mujoco, coppeliasim or dataset.
        cameras: which of RLBench's cameras, in the order of the views.
        size_px: side of the square pictures; a recorded data set keeps its own.
        max_steps: a longer demonstration is left out.
        max_attempts: placements and demonstrations tried before an episode is left out.
        dataset: folder or tar of recorded episodes, for backend dataset.
    """
    check(cameras=cameras, size_px=size_px, max_steps=max_steps, max_attempts=max_attempts)
    if out.suffix != ".zarr":
        raise UserError(f"--out {out} must end in .zarr")
    episodes = read_records(scenes, Episode)
    if not episodes:
        raise UserError(f"{scenes} has no episode; run the rule that wrote it again")
    backend_class = backend_registry.load_backend(backend, BACKENDS, kind="demonstration")
    out.parent.mkdir(parents=True, exist_ok=True)
    demonstration_rows = DemonstrationRows(out.parent)
    try:
        with backend_class(
            cameras=cameras,
            size_px=size_px,
            max_steps=max_steps,
            max_attempts=max_attempts,
            dataset=dataset,
        ) as demonstrator:
            record_episodes(progress(episodes, desc="episodes"), demonstrator, demonstration_rows)
            provenance = dict(demonstrator.provenance)
        write(
            out,
            demonstration_rows,
            attributes={
                "source": episodes[0].source,
                "backend": backend,
                "renderer": provenance,
                "cameras": list(cameras),
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
