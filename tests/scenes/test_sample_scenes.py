"""The stage's command: whole shards, the same bytes always, and rows for what is left out."""

import gzip
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.scenes.houses import house_with, small_house
from workflow_scripts.common.records import Scene
from workflow_scripts.common.splits import assign_split, content_hash
from workflow_scripts.common.storage import read_records
from workflow_scripts.scenes import sample_houses
from workflow_scripts.scenes.sample_scenes import main
from workflow_scripts.sources.procthor import HousesSettings

REPOSITORY = Path(__file__).parents[2]
REAL_HOUSES = REPOSITORY / "../shared/data/procthor_houses.jsonl.gz"
SAMPLER = "workflow_scripts.scenes.sample_houses:sample_houses"
SPLITS = (0.7, 0.1, 0.2)


def make(folder: Path, houses: str, start: int, stop: int, *, seed: int = 7) -> list[Scene]:
    main(
        source="procthor",
        scene_kind="house",
        sampler=SAMPLER,
        settings=HousesSettings(houses=houses),
        start=start,
        stop=stop,
        seed=seed,
        splits=SPLITS,
        out=folder / "0000.jsonl",
        picture=folder / "0000.png",
    )
    return read_records(folder / "0000.jsonl", Scene)


def command(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "workflow_scripts.scenes.sample_scenes",
                *("--source", "procthor", "--scene-kind", "house", "--sampler", SAMPLER),
            ),
            *("--seed", "7", "--splits", "0.7", "0.1", "0.2"),
            *("--out", str(folder / "0000.jsonl"), "--picture", str(folder / "0000.png")),
            *flags,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )


def test_generated_scenes_do_not_depend_on_their_shard(tmp_path):
    together = make(tmp_path / "a", "generate", 0, 6)
    alone = make(tmp_path / "b", "generate", 4, 6)
    assert together[4:] == alone
    assert [scene.scene_id for scene in alone] == ["procthor-000004", "procthor-000005"]
    again = make(tmp_path / "c", "generate", 0, 6)
    assert again == together
    for name in ("0000.jsonl", "0000.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "c" / name).read_bytes()


def test_another_seed_gives_other_houses(tmp_path):
    assert make(tmp_path, "generate", 0, 1)[0] != make(tmp_path, "generate", 0, 1, seed=8)[0]


def test_the_split_is_that_of_the_house_s_content(tmp_path):
    path = tmp_path / "h.jsonl"
    houses = [house_with("objects.0.position.x", 1.0 + index / 40) for index in range(40)]
    path.write_text("".join(json.dumps(house) + "\n" for house in [*houses, *houses[::-1]]))
    scenes = make(tmp_path, str(path), 0, 80)
    shares = dict(zip(("train", "val", "test"), SPLITS, strict=True))
    for scene, house in zip(scenes, [*houses, *houses[::-1]], strict=True):
        assert scene.split == assign_split(content_hash(house), shares)
    assert [scene.split for scene in scenes[:40]] == [scene.split for scene in scenes[:39:-1]]
    assert len({scene.split for scene in scenes}) == 3


def test_houses_that_cannot_be_used_are_rows_with_a_reason(tmp_path):
    path = tmp_path / "h.jsonl"
    lines = [
        json.dumps(small_house()),
        json.dumps(small_house())[:-40],
        json.dumps(house_with("metadata.schema", "0.0.1")),
        json.dumps(house_with("rooms.0.floorPolygon", [])),
        json.dumps(house_with("objects.0.assetId", "Chair_of_mine")),
        json.dumps(house_with("objects.0.position.y", math.nan)),
        json.dumps(house_with("objects.0.children.0.id", "2|0|0")),
    ]
    path.write_text("\n".join(lines))
    scenes = make(tmp_path, str(path), 0, len(lines))
    assert [scene.house is None for scene in scenes] == [False] + [True] * 6
    words = ("not valid JSON", "schema", "0 corners", "Chair_of_mine", "finite", "twice")
    for scene, word in zip(scenes[1:], words, strict=True):
        assert word in scene.skipped
    assert scenes[0].skipped is None
    assert scenes[3].origin == "h.jsonl:4"
    assert Image.open(tmp_path / "0000.png").size[0] > 1000


def test_the_command_writes_a_shard(tmp_path):
    done = command(tmp_path, "--houses", "generate", "--start", "3", "--stop", "5")
    assert done.returncode == 0, done.stderr
    assert "2 scenes, 0 left out" in done.stderr
    assert len(read_records(tmp_path / "0000.jsonl", Scene)) == 2


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.jsonl", None, "no such file"),
        ("empty.jsonl", b"", "only 0 of them"),
        ("cut.jsonl.gz", gzip.compress(json.dumps(small_house()).encode())[:-9], "cut off"),
        ("plain.jsonl.gz", b'{"rooms": []}', "not a gzip file"),
        ("houses.pkl", b"x", "named .jsonl"),
    ],
)
def test_a_bad_file_is_one_clear_line_and_no_output(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = command(tmp_path, "--houses", str(path), "--start", "0", "--stop", "1")
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*0000*"))


@pytest.mark.shared_data
@pytest.mark.skipif(not REAL_HOUSES.is_file(), reason="../shared/data has no ProcTHOR houses")
def test_all_real_houses_are_accepted(tmp_path):
    scenes = make(tmp_path, str(REAL_HOUSES), 0, 500)
    assert len(scenes) == 500
    assert [scene.skipped for scene in scenes if scene.skipped] == []
    assert {scene.split for scene in scenes} == {"train", "val", "test"}


@pytest.mark.shared_data
@pytest.mark.skipif(not REAL_HOUSES.is_file(), reason="../shared/data has no ProcTHOR houses")
def test_an_excerpt_that_refers_to_walls_it_lost_is_left_out_with_the_reason(tmp_path):
    excerpt = REAL_HOUSES.with_name("house_excerpt.json")
    (scene,) = make(tmp_path, str(excerpt), 0, 1)
    assert scene.house is None
    assert scene.skipped is not None
    assert "'room|3' is no room of the house" in scene.skipped
    assert scene.origin == "house_excerpt.json:1"


def test_a_house_that_breaks_the_checks_costs_only_itself(tmp_path, monkeypatch):
    houses = tmp_path / "houses.jsonl"
    houses.write_text("".join(json.dumps(small_house()) + "\n" for _ in range(3)))
    whole, seen = sample_houses.unusable_reason, []

    def check(house):
        seen.append(house)
        if len(seen) == 2:
            raise AttributeError("'list' object has no attribute 'items'")
        return whole(house)

    monkeypatch.setattr(sample_houses, "unusable_reason", check)
    scenes = make(tmp_path, str(houses), 0, 3)
    assert [scene.skipped for scene in scenes] == [
        None, "AttributeError: 'list' object has no attribute 'items'", None,
    ]  # fmt: skip
    assert [scene.house is None for scene in scenes] == [False, True, False]
