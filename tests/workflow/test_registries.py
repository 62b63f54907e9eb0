"""Registries: a new source is one file and one line, and nothing else knows its name.

The toys of this module are what docs/extending.md describes: files added to a copy of the project.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from testing.project import ROOT, WITHOUT_RLBENCH, Project
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources import SOURCES

STUDIO = '''
"""Source studio: one-room flats with a row of furniture."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from workflow_scripts.common.records import Scene
from workflow_scripts.common.splits import assign_split, content_hash
from workflow_scripts.config.base import Settings
from workflow_scripts.sources.base import PlanContext, SampleRequest, ShardPlan, Source
from workflow_scripts.sources.readers.procthor_assets import assets

FURNITURE = ("Dining_Table_203_1", "Fridge_1", "Bed_1", "Vase_Flat_1")
CORNERS = ((0.0, 0.0), (0.0, 4.0), (6.0, 4.0), (6.0, 0.0))


class FlatSettings(Settings):
    """What a flat looks like."""

    gap_m: float = Field(0.3, gt=0, description="metres between pieces of furniture")


class StudioSettings(FlatSettings):
    """One-room flats."""

    num_flats: int = Field(2, ge=1, description="how many flats")


def flat(number: int, gap_m: float) -> dict[str, Any]:
    """Return a ProcTHOR house of one room, with furniture in a row that begins elsewhere."""

    def point(x: float, y: float, z: float) -> dict[str, float]:
        return {"x": x, "y": y, "z": z}

    walls = []
    for owner in ("2", "exterior"):
        for (x0, z0), (x1, z1) in zip(CORNERS, CORNERS[1:] + CORNERS[:1], strict=True):
            low_high = f"{min(x0, x1):.2f}|{min(z0, z1):.2f}|{max(x0, x1):.2f}|{max(z0, z1):.2f}"
            ends = [point(x, y, z) for y in (0.0, 2.6) for x, z in ((x0, z0), (x1, z1))]
            room = "room|2" if owner == "2" else "exterior"
            wall = {"id": f"wall|{owner}|{low_high}", "roomId": room, "polygon": ends}
            walls.append({**wall, "material": {"name": "PureWhite"}})
    objects, x = [], 0.4 + 0.1 * number
    for index, name in enumerate(FURNITURE):
        asset = assets()[name]
        place = point(x + asset.width_m / 2, asset.height_m / 2, 2.0)
        piece = {"id": f"{name}|2|{index}", "assetId": name, "position": place, "children": []}
        objects.append({**piece, "rotation": point(0, 0, 0), "kinematic": True})
        x += asset.width_m + gap_m
    return {
        "rooms": [
            {
                "id": "room|2",
                "roomType": "LivingRoom",
                "floorPolygon": [point(x, 0.0, z) for x, z in CORNERS],
                "floorMaterial": {"name": "WoodFloor"},
                "ceilings": [],
                "children": [],
            }
        ],
        "walls": walls,
        "doors": [],
        "windows": [],
        "objects": objects,
        "proceduralParameters": {"lights": [], "ceilingMaterial": {"name": "PureWhite"}},
        "metadata": {"schema": "1.0.0"},
    }


def sample_flats(settings: FlatSettings, request: SampleRequest) -> Iterator[Scene]:
    """Yield the flats of a shard."""
    for number in range(request.start, request.stop):
        house = flat(number, settings.gap_m)
        yield Scene(
            source=request.source,
            scene_id=f"{request.source}-{number:06d}",
            split=assign_split(content_hash(house), request.shares),
            origin=f"flat {number}",
            house=house,
        )


def plan_flats(settings: StudioSettings, context: PlanContext) -> ShardPlan:
    """Return shards of one flat each."""
    return ShardPlan.without_input(settings.num_flats, 1)


SOURCE = Source(
    settings=StudioSettings,
    scene_kind="house",
    record=Scene,
    plan=plan_flats,
    description="one-room flats",
    license_note="free",
    sample="workflow_scripts.sources.studio:sample_flats",
    sample_settings=FlatSettings,
)
'''
STUDIO_LINE = '    "studio": "workflow_scripts.sources.studio:SOURCE",\n'
# What runs for a shard of a source of houses up to its questions.
STAGES_OF_A_SHARD = ("sample_scenes", "render_shard", "fuse_shard", "generate_questions")
# Here the word names the Python package `rlbench`, not the source.
PACKAGE_RLBENCH = {"views/backends/coppeliasim.py", "views/coppeliasim_install.py"}


def extended(
    folder: Path, files: Mapping[str, str], lines: Mapping[str, tuple[str, str]]
) -> Project:
    """Return a copy of the project with new files, and with single lines before others.

    `files` are texts by path; no file may exist. `lines` are (line that is there, new line before
    it) by path.
    """
    project = Project.create(folder)
    for name, text in files.items():
        path = project.folder / name
        assert not path.exists(), f"{name} is no new file"
        path.write_text(text)
    for name, (after, new) in lines.items():
        path = project.folder / name
        text = path.read_text()
        assert text.count(after) == 1, f"{after!r} is not there once in {name}"
        path.write_text(text.replace(after, new + after))
    return project


@pytest.fixture
def with_studio(tmp_path: Path) -> Project:
    """Return a copy of the project with the toy source, and nothing but it turned on."""
    project = extended(
        tmp_path / "project",
        {"workflow_scripts/sources/studio.py": STUDIO},
        {"workflow_scripts/sources/__init__.py": ('    "procthor": ', STUDIO_LINE)},
    )
    project.edit(WITHOUT_RLBENCH)
    project.edit({"sources": {"procthor": None, "studio": {}}})
    return project


def test_a_new_source_is_planned_in_every_stage(with_studio: Project) -> None:
    planned = with_studio.planned_jobs()
    assert {rule: planned[rule] for rule in STAGES_OF_A_SHARD} == dict.fromkeys(
        STAGES_OF_A_SHARD, 2
    )
    assert planned["write_report"] == planned["train_lora"] == 1
    with_studio.edit({"sources": {"studio": {"num_flats": 3}, "procthor": {"num_houses": 4}}})
    planned = with_studio.planned_jobs("results/vqa/train.json")
    assert planned["sample_scenes"] == planned["render_shard"] == 4


def test_mistakes_in_a_new_source_are_named(with_studio: Project) -> None:
    with_studio.edit({"sources": {"studio": {"num_flat": 3}}})
    done = with_studio.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert "sources.studio.num_flat: unknown key" in printed
    assert "did you mean 'num_flats'" in printed


@pytest.mark.e2e
def test_a_new_source_is_made_into_questions(with_studio: Project) -> None:
    target = "results/vqa/studio/0000.jsonl"
    with_studio.edit({"sources": {"studio": {"num_flats": 1}}})
    with_studio.snakemake("--cores", "2", target)
    shard = ViewShard.open(with_studio.folder / "results/views/studio/0000.zarr")
    assert {"Fridge", "Bed"} <= set(shard.objects.category)
    assert set(shard.views.source) == {"studio"}
    questions = [json.loads(line) for line in (with_studio.folder / target).open()]
    assert questions
    clouds = with_studio.folder / "results/pointclouds/studio"
    with_studio.snakemake("--cores", "2", str(clouds.relative_to(with_studio.folder) / "0000.zarr"))
    assert len(pd.read_parquet(clouds / "0000.boxes.parquet"))
    # What no scene depends on runs nothing again; what one does, its own and what follows.
    with_studio.edit({"sources": {"studio": {"num_flats": 2}}})
    assert "sample_scenes" not in with_studio.planned_jobs(target)
    with_studio.edit({"sources": {"studio": {"gap_m": 0.2}}})
    assert with_studio.planned_jobs(target)["sample_scenes"] == 1


def test_no_other_file_compares_names_of_sources() -> None:
    found = []
    files = [ROOT / "Snakefile", *(ROOT / "rules").rglob("*.smk")]
    files += [
        *(ROOT / "workflow_scripts").rglob("*.py"),
        *(ROOT / "workflow_scripts").rglob("*.j2"),
    ]
    for path in sorted(files):
        name = path.relative_to(ROOT).as_posix().removeprefix("workflow_scripts/")
        if name.startswith("sources/"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            for source in SOURCES:
                is_package = source == "rlbench" and name in PACKAGE_RLBENCH
                # Answers, benchmarks and front ends call their pictures "images", too, and what
                # is made of scans is in folders and settings called "scans".
                is_common = source in ("images", "scans")
                is_meant = not is_common or re.search("source|SHARDS", line)
                is_literal = re.search(rf"""["']{source}["']|/{source}/""", line)
                if is_literal and is_meant and not is_package:
                    found.append(f"{name}:{number}: {line.strip()}")
    assert not found
