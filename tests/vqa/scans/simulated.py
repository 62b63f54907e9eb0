"""Small simulated scans with their chosen frames, for tests of what is asked about scans."""

from pathlib import Path

from tests.views.scans import walks
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.sources.scan_settings import FrameSelectionSettings
from workflow_scripts.views.scans import select_frames
from workflow_scripts.vqa.scans import generate

SETTINGS = {"min_pixels": 12}


def make_scans(folder: Path, *, num_scans: int = 3) -> Path:
    """Render scans of generated houses below a folder, choose frames; return their shard."""
    scenes = [
        walks.scan(f"scan-{number}", generate_house(11, number)) for number in range(num_scans)
    ]
    scenes.append(walks.scan("broken", None, skipped="the file has no house"))
    walks.render(folder, scenes, width_px=96, height_px=72)
    select_frames.main(
        views=folder / "0000.zarr",
        out=folder / "0000.frames.parquet",
        picture=folder / "0000.plan.png",
        surface=folder / "0000.surface.parquet",
        settings=FrameSelectionSettings.parse({"max_frames": 8}),
    )
    return folder / "0000.zarr"


def run_generate(shard: Path, out: Path, *, seed: int = 7, **settings: object) -> Path:
    """Run the command on a shard; return the file of its samples."""
    name = shard.name.removesuffix(".zarr")
    generate.main(
        views=shard,
        frames=shard.with_name(f"{name}.frames.parquet"),
        scenes=shard.with_name("scenes.jsonl"),
        out=out / f"{name}.scan_samples.jsonl",
        proposals=out / f"{name}.proposals.parquet",
        dropped=out / f"{name}.scan_samples.dropped.jsonl",
        seed=seed,
        settings=generate.ScanSampleSettings.parse({**SETTINGS, **settings}),
    )
    return out / f"{name}.scan_samples.jsonl"
