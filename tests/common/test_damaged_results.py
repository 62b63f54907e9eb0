"""Every change of the bytes of a result is noticed by whoever reads it, in one line with a way out.

The mutations are drawn with a fixed seed: bits, cuts, blocks of zeros, bytes put in or left out,
files of other shards, lost and additional files.
"""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common import storage, verify_results
from workflow_scripts.common.checksums import check_model, checksum_path, read_file_of_result
from workflow_scripts.common.cloud_shard import Cloud, CloudShard, SceneCloud, write_clouds
from workflow_scripts.common.errors import DamagedResultError, UserError
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.view_shard import ViewShard, table_path

NUM_MUTATIONS = 300


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Change some bytes in one of the ways in which files are damaged."""
    place = rng.randrange(len(content)) if content else 0
    kind = rng.choice(["bit", "bit", "bit", "byte", "cut", "zeros", "insert", "remove", "empty"])
    if kind == "bit":
        flipped = content[place] ^ (1 << rng.randrange(8))
        return content[:place] + bytes([flipped]) + content[place + 1 :]
    if kind == "byte":
        return content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :]
    if kind == "cut":
        return content[:place]
    if kind == "zeros":
        end = min(place + rng.randrange(1, 64), len(content))
        return content[:place] + bytes(end - place) + content[end:]
    if kind == "insert":
        return content[:place] + rng.randbytes(rng.randrange(1, 9)) + content[place:]
    if kind == "remove":
        return content[:place] + content[place + rng.randrange(1, 9) :]
    return b""


def count_mutations_noticed(
    files: list[Path], read: Callable[[], object], *, seed: int, number: int = NUM_MUTATIONS
) -> int:
    """Mutate one file at a time; every mutation must be refused in one line with a way out."""
    rng = random.Random(seed)
    count = 0
    for _ in range(number):
        file = rng.choice(files)
        original = file.read_bytes()
        changed = mutate(original, rng)
        if changed == original:
            continue
        file.write_bytes(changed)
        with pytest.raises(UserError) as caught:
            read()
        message = str(caught.value)
        assert "\n" not in message
        assert "'rm " in message or "run the workflow again" in message
        file.write_bytes(original)
        count += 1
    read()
    return count


def read_view_shard(path: Path) -> None:
    """Read all that a view shard holds."""
    shard = ViewShard.open(path)
    for view in range(len(shard)):
        shard.rgb(view)
        shard.depth_m(view)
        shard.instance(view)
        shard.camera(view)


def files_below(path: Path) -> list[Path]:
    """Return the files of a folder and its checksum."""
    return [*sorted(file for file in path.rglob("*") if file.is_file()), checksum_path(path)]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("views")
    first = write_shard(folder / "0000.zarr", {"house-1": living_room_scene(20, 12)})
    second = write_shard(folder / "0001.zarr", {"house-2": living_room_scene(20, 12)})
    return first, second


def test_every_mutation_of_a_view_shard_is_noticed(shards: tuple[Path, Path]) -> None:
    path, _ = shards
    count = count_mutations_noticed(files_below(path), lambda: read_view_shard(path), seed=1)
    assert count > 0.9 * NUM_MUTATIONS


def test_every_mutation_of_a_large_array_is_noticed(tmp_path: Path) -> None:
    """Of files above 64 KiB only the end is compared at opening: chunks carry their own sum."""
    path = tmp_path / "0000.zarr"
    rng = np.random.default_rng(0)
    with storage.atomic_write(path, checksum=True) as partial:
        writer = storage.ShardWriter(partial, {})
        writer.add("noise", rng.integers(0, 256, (8, 100, 100, 3), np.uint8), dims=tuple("vyxc"))
    (file,) = (item for item in (path / "noise" / "c").rglob("*") if item.is_file())
    assert file.stat().st_size > 1 << 17
    read_all = lambda: storage.read_array(storage.open_shard(path), "noise")  # noqa: E731
    assert count_mutations_noticed([file], read_all, seed=2, number=100) > 90


@pytest.mark.parametrize("num_points", [50, 30_000])
def test_every_mutation_of_a_cloud_is_noticed(tmp_path: Path, num_points: int) -> None:
    path = tmp_path / "0000.zarr"
    rng = np.random.default_rng(0)
    clouds = [
        Cloud(
            rng.random((num_points, 3), np.float32),
            rng.integers(0, 256, (num_points, 3), np.uint8),
            rng.integers(0, 9, num_points, np.uint16),
        )
        for _ in range(2)
    ]
    scenes = [
        SceneCloud(scene_id=name, split="train", num_views=1, num_pixels=1, floor=None)
        for name in "ab"
    ]
    write_clouds(path, clouds, scenes, source="procthor", voxel_m=0.01, normals=False)
    np.testing.assert_array_equal(CloudShard.open(path).cloud(1).point_m, clouds[1].point_m)

    def read_clouds() -> None:
        shard = CloudShard.open(path)
        for number in range(len(shard)):
            shard.cloud(number)

    assert count_mutations_noticed(files_below(path), read_clouds, seed=3, number=100) > 80


def test_every_mutation_of_a_table_is_noticed(shards: tuple[Path, Path]) -> None:
    path = table_path(shards[0], "objects")
    files = [path, path, path, checksum_path(path)]
    count = count_mutations_noticed(files, lambda: storage.read_table(path), seed=4)
    assert count > 0.9 * NUM_MUTATIONS


def test_every_mutation_of_records_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    rows = [
        Prediction(experiment="e", condition="image", question_id=str(number), text="1,5 m – left")
        for number in range(20)
    ]
    storage.write_records(path, rows)
    files = [path, path, checksum_path(path)]
    read = lambda: storage.read_records(path, Prediction)  # noqa: E731
    assert count_mutations_noticed(files, read, seed=5) > 0.9 * NUM_MUTATIONS


def test_parts_of_another_shard_are_noticed(tmp_path: Path) -> None:
    first, second = (
        write_shard(tmp_path / f"{number}.zarr", {f"house-{number}": living_room_scene(size, 24)})
        for number, size in ((0, 32), (1, 32))
    )
    objects = table_path(first, "objects")
    shutil.copy(table_path(second, "objects"), objects)
    with pytest.raises(UserError, match=r"0\.objects\.parquet: damaged.*'rm .*0\.objects\.parquet"):
        storage.read_table(objects)
    # Even with the checksum that belongs to it.
    shutil.copy(checksum_path(table_path(second, "objects")), checksum_path(objects))
    with pytest.raises(UserError, match=r"0\.objects\.parquet: .*another file"):
        storage.read_table(objects)
    with storage.atomic_write(second, checksum=True) as partial:
        storage.ShardWriter(partial, {}).add(
            "rgb", np.ones((2, 24, 32, 3), np.uint8), dims=(*"vyxc",)
        )
    shutil.rmtree(first / "rgb")
    shutil.copytree(second / "rgb", first / "rgb")
    with pytest.raises(UserError, match=r"rgb/.* is damaged.*'rm -r .*0\.zarr'"):
        ViewShard.open(first)


def test_lost_and_additional_arrays_are_noticed(shards: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "0000.zarr"
    write_shard(path, {"house-1": living_room_scene(20, 12)})
    shutil.copytree(path / "intrinsics", path / "more")
    with pytest.raises(UserError, match=r"more/.* does not belong to it"):
        ViewShard.open(path)
    shutil.rmtree(path / "more")
    ViewShard.open(path)
    shutil.rmtree(path / "instance")
    with pytest.raises(UserError, match="'instance' has lost"):
        ViewShard.open(path)


def test_results_without_a_checksum_are_refused(tmp_path: Path) -> None:
    """An earlier version wrote none; a result that has lost it cannot be trusted."""
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(UserError, match=r"rows\.parquet: has no checksum .*'rm .*rows\.parquet'"):
        storage.read_table(path)
    with pytest.raises(UserError, match=r"other\.parquet: is missing; run the workflow again"):
        storage.read_table(tmp_path / "other.parquet")


def test_files_of_snakemake_and_of_the_system_are_no_part_of_a_result(
    shards: tuple[Path, Path],
) -> None:
    for name in (".snakemake_timestamp", ".DS_Store", "rgb/._c", "rgb/.nfs0001", "Thumbs.db"):
        (shards[1] / name).touch()
    ViewShard.open(shards[1])


def test_all_results_are_verified_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UserError, match="no result with a checksum"):
        verify_results.main(results=tmp_path)
    folder = tmp_path / "views" / "procthor"
    path = write_shard(folder / "0000.zarr", {"house-1": living_room_scene(20, 12)})
    verify_results.main(results=tmp_path)
    rgb = next(file for file in (path / "rgb" / "c").rglob("*") if file.is_file())
    content = rgb.read_bytes()
    rgb.write_bytes(content[:9] + bytes([content[9] ^ 4]) + content[10:])
    table_path(path, "views").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"2 of 5 results are damaged"):
        verify_results.main(results=tmp_path)
    assert f"'rm -r {path}'" in caplog.text
    assert "0000.views.parquet: damaged: 4 bytes" in caplog.text
    # What was deleted on purpose is no damage.
    shutil.rmtree(path)
    table_path(path, "views").unlink()
    verify_results.main(results=tmp_path)


def test_a_damaged_model_is_refused_and_an_edited_card_is_not(tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json", "README.md"):
        storage.write_text(tmp_path / name, f"{name} of a model", checksum=True)
    check_model(tmp_path)
    (tmp_path / "README.md").write_text("my own words")
    check_model(tmp_path)
    (tmp_path / "model.safetensors").write_text("model.safetensors of b model")
    with pytest.raises(DamagedResultError, match=r"model\.safetensors: damaged or replaced"):
        check_model(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(DamagedResultError, match=r"model\.safetensors: is missing"):
        check_model(tmp_path)
    # A model from elsewhere has no checksums.
    shutil.rmtree(tmp_path / ".checksums")
    check_model(tmp_path)


def test_a_damaged_picture_of_a_question_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "0000.images"
    with storage.atomic_write(folder, checksum=True) as partial:
        partial.mkdir()
        for name in ("a.jpg", "b.jpg"):
            (partial / name).write_bytes(name.encode())
    assert read_file_of_result(folder / "a.jpg") == b"a.jpg"
    (folder / "a.jpg").write_bytes(b"b.jpg")
    with pytest.raises(DamagedResultError, match=r"0000\.images: a\.jpg is damaged.*'rm -r "):
        read_file_of_result(folder / "a.jpg")
    (folder / "c.jpg").write_bytes(b"c")
    with pytest.raises(DamagedResultError, match=r"c\.jpg does not belong to it"):
        read_file_of_result(folder / "c.jpg")
    own = tmp_path / "photos" / "a.jpg"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    assert read_file_of_result(own) == b"mine"
