"""Hundreds of broken files of houses: each is read, is a row with a reason, or one clear error."""

import json
from pathlib import Path

import pytest

from testing.mutations import cpu_limit, json_mutations
from tests.scenes.houses import small_house
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SPLITS, Scene
from workflow_scripts.scenes.floor_plan_sheet import draw_house_plan
from workflow_scripts.scenes.house_reader import read_houses
from workflow_scripts.scenes.sample_houses import scene_of
from workflow_scripts.sources.readers.house_files import count_houses
from workflow_scripts.views.objects import object_rows

SHARES = dict(zip(SPLITS, (0.7, 0.1, 0.2), strict=True))


def read_file(path: Path) -> list[Scene]:
    """Read a file of houses to the end, as the rules of stages scenes and views do."""
    entries = read_houses(str(path), start=0, stop=count_houses(path))
    scenes = [scene_of(entry, source="procthor", shares=SHARES) for entry in entries]
    for scene in scenes:
        scene.model_dump_json().encode()
        assert (scene.house is None) == bool(scene.skipped)
        draw_house_plan(scene, size_px=32)
        if scene.house is not None:
            object_rows(scene.house, scene.scene_id)
    return scenes


@pytest.mark.parametrize(("suffix", "seed"), [(".jsonl", 1), (".json", 2)])
def test_a_broken_house_costs_itself_alone(tmp_path: Path, suffix: str, seed: int) -> None:
    good = json.dumps(small_house()).encode()
    accepted = skipped = 0
    messages: list[str] = []
    for broken in json_mutations(small_house(), seed=seed):
        path = tmp_path / f"houses{suffix}"
        path.unlink(missing_ok=True)
        path.write_bytes(broken if suffix == ".json" else good + b"\n" + broken + b"\n")
        with cpu_limit():
            try:
                scenes = read_file(path)
            except UserError as error:
                messages.append(str(error))
                continue
        if suffix == ".jsonl" and not scenes[0].skipped:
            accepted += 1
        skipped += sum(bool(scene.skipped) for scene in scenes)
    assert skipped > 100
    assert all(len(message) < 500 for message in messages)
    if suffix == ".jsonl":
        # The good house on the line before is never lost.
        assert (accepted, messages) == (300, [])
