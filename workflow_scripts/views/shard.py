"""Render a shard of scenes: posed views with exact depth and masks, and their tables.

Writes `{shard}.zarr`, four tables, `{shard}.skipped.jsonl`, `{shard}.credits.csv` and a contact
sheet `{shard}.png`, each whole.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workflow_scripts.common import backend_registry
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import (
    ObjectRow,
    Scene,
    SurfaceGapRow,
    ViewRow,
    VisibilityRow,
    records_to_frame,
)
from workflow_scripts.common.storage import write_records, write_table
from workflow_scripts.common.view_shard import ViewShard, sibling_path, table_path, write_views
from workflow_scripts.config.views import FrameSettings, RendererSettings, ViewsSettings
from workflow_scripts.views.contact_sheet import draw_contact_sheet
from workflow_scripts.views.credits import write_credits
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.render import RenderedRows, RenderPlan, render_scenes
from workflow_scripts.views.renderer import BACKENDS, Renderer
from workflow_scripts.views.scenes_of_shard import read_scenes

logger = logging.getLogger(__name__)
DEFAULT = ViewsSettings()


@contextmanager
def open_renderer(
    out: Path, settings: RendererSettings, *, width_px: int, height_px: int
) -> Iterator[tuple[Renderer, FrameSpool]]:
    """Open the backend, and a spool beside the shard `out` for frames of one size."""
    if out.suffix != ".zarr":
        raise UserError(f"--out {out} must end in .zarr")
    backend_class = backend_registry.load_backend(settings.backend, BACKENDS, kind="views")
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        FrameSpool(out.parent, width_px=width_px, height_px=height_px) as spool,
        backend_class(
            preset=settings.preset,
            furniture=settings.furniture,
            width_px=width_px,
            height_px=height_px,
        ) as renderer,
    ):
        yield renderer, spool


def write(
    out: Path,
    rendered_rows: RenderedRows,
    source: str,
    settings: RendererSettings,
    renderer: Renderer,
    *,
    attributes: dict[str, Any],
) -> None:
    """Write the shard, its tables and the credits, each whole.

    `attributes` are those of the Zarr group beside what is known of every renderer.
    """
    write_table(table_path(out, "views"), records_to_frame(rendered_rows.views, ViewRow))
    write_table(table_path(out, "objects"), records_to_frame(rendered_rows.objects, ObjectRow))
    write_table(
        table_path(out, "visibility"), records_to_frame(rendered_rows.visibility, VisibilityRow)
    )
    write_table(
        table_path(out, "surface_gaps"), records_to_frame(rendered_rows.surface_gaps, SurfaceGapRow)
    )
    write_records(sibling_path(out, "skipped.jsonl"), rendered_rows.skipped)
    known = {
        "source": source,
        "backend": settings.backend,
        "preset": settings.preset,
        "renderer": dict(renderer.provenance),
    }
    write_views(out, rendered_rows.spool.arrays(), attributes={**known, **attributes})
    write_credits(sibling_path(out, "credits.csv"), renderer.credits)


def main(
    *,
    scenes: Path,
    out: Path,
    seed: int,
    settings: ViewsSettings = DEFAULT,
    measure_surfaces: bool = True,
) -> None:
    """Render the scenes of a shard.

    Args:
        scenes: JSON lines of `Scene` records.
        out: the Zarr group to write, `{shard}.zarr`; tables and images lie beside it.
        seed: the workflow's seed.
        settings: cameras and renderer; depth and masks do not depend on the preset.
        measure_surfaces: whether the shapes that are drawn are measured, where the renderer can:
            questions about gaps, contact and outlines need them.
    """

    def render(renderer: Renderer, spool: FrameSpool) -> RenderedRows:
        if not measure_surfaces:
            renderer.measures_surfaces = False
        return render_scenes(records, renderer, render_plan, spool)

    num_views = settings.policies.model_dump()
    render_plan = RenderPlan.of(settings, num_views=num_views, seed=seed)
    records = read_scenes(scenes, Scene)
    render_shard(
        out,
        records[0].source,
        settings,
        render,
        attributes={"policies": num_views, "min_pixels": settings.min_pixels, "seed": seed},
    )


def render_shard(
    out: Path,
    source: str,
    settings: FrameSettings,
    render: Callable[[Renderer, FrameSpool], RenderedRows],
    *,
    attributes: dict[str, Any],
) -> None:
    """Open the backend, render with it, and write the shard with all that lies beside it.

    `attributes` are those of the Zarr group that the caller knows.
    """
    size = {"width_px": settings.width_px, "height_px": settings.height_px}
    with open_renderer(out, settings, **size) as (renderer, spool):
        rendered_rows = render(renderer, spool)
        rejected: dict[str, dict[str, int]] = {}
        for (policy, reason), count in sorted(rendered_rows.rejected.items()):
            rejected.setdefault(policy, {})[reason] = count
        attributes = {**attributes, "rejected_candidates": rejected}
        write(out, rendered_rows, source, settings, renderer, attributes=attributes)
    shard = ViewShard.open(out)
    draw_contact_sheet(sibling_path(out, "png"), shard, min_pixels=settings.min_pixels)
    logger.info(
        "%d views of %d scenes, %d skipped items, %d rejected cameras",
        len(rendered_rows.views),
        shard.views.scene_id.nunique(),
        len(rendered_rows.skipped),
        rendered_rows.rejected.total(),
    )


if __name__ == "__main__":
    run(main)
