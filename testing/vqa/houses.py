"""Views of whole houses, generated or from a file, quickly drawn: for checks of many questions."""

from pathlib import Path

from workflow_scripts.config.views import PolicySettings, ViewsSettings
from workflow_scripts.scenes import sample_scenes as scenes
from workflow_scripts.sources.procthor import HousesSettings
from workflow_scripts.views import shard as views


def render_houses(
    folder: Path, houses: str, start: int, stop: int, *, size_px: int = 112, seed: int = 7
) -> Path:
    """Return the views of some houses: one from a corner of each room."""
    scenes.main(
        source="procthor",
        scene_kind="house",
        sampler="workflow_scripts.scenes.sample_houses:sample_houses",
        settings=HousesSettings(houses=houses),
        start=start,
        stop=stop,
        seed=seed,
        splits=(0.8, 0.1, 0.1),
        out=folder / "scenes.jsonl",
        picture=folder / "scenes.png",
    )
    out = folder / "0000.zarr"
    views.main(
        scenes=folder / "scenes.jsonl",
        out=out,
        seed=7,
        settings=ViewsSettings(
            preset="draft",
            furniture="procedural",
            width_px=size_px,
            height_px=size_px,
            policies=PolicySettings(corner=1, random=0, top_down=0),
            min_pixels=10,
        ),
    )
    return out
