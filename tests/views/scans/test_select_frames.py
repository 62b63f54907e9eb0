"""The command that chooses the frames of a shard of scans."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.views.houses import l_shaped_room, living_room
from tests.views.scans import walks
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.scan_frames import ChosenFrame
from workflow_scripts.common.storage import read_records, read_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.sources.scan_settings import FrameSelectionSettings
from workflow_scripts.views.scans import select_frames


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    scenes = [walks.scan("a", living_room()), walks.scan("b", l_shaped_room())]
    return walks.render(tmp_path_factory.mktemp("walks"), scenes, frames=20)


def choose(
    shard: ViewShard, folder: Path, *, with_surface: bool = True, **settings: object
) -> pd.DataFrame:
    """Run the command and return its table."""
    out = folder / "frames.parquet"
    select_frames.main(
        views=shard.path,
        out=out,
        picture=folder / "plan.png",
        surface=shard.path.with_name("0000.surface.parquet") if with_surface else None,
        settings=FrameSelectionSettings.parse(settings),
    )
    return read_table(out)


def test_frames_are_in_the_order_of_time_with_their_rank(shard: ViewShard, tmp_path: Path) -> None:
    table = choose(shard, tmp_path, max_frames=6)
    assert list(table.columns) == list(ChosenFrame.model_fields)
    for scene_id, rows in table.groupby("scene_id"):
        assert len(rows) == 6
        assert rows.frame.is_monotonic_increasing
        assert sorted(rows["rank"]) == list(range(6))
        ranked = rows.sort_values("rank")
        assert (np.diff(ranked.gain) <= 0).all()
        assert (np.diff(ranked.coverage) >= 0).all()
        assert (np.diff(ranked.surface_coverage) >= 0).all()
        assert 0.2 < ranked.surface_coverage.iloc[-1] < ranked.coverage.iloc[-1] <= 1
        views = shard.views.set_index("view").loc[rows["view"]]
        assert (views.scene_id == scene_id).all()
        assert views.view_id.tolist() == rows.view_id.tolist()
    with Image.open(tmp_path / "plan.png") as picture:
        assert picture.width > 1000


def test_every_strategy_and_budget_works(shard: ViewShard, tmp_path: Path) -> None:
    covered = {}
    for strategy in ("uniform", "mc", "mc-ratio90", "mc-ratio95"):
        table = choose(shard, tmp_path, strategy=strategy, max_frames=None, max_tokens=840)
        counts = table.groupby("scene_id").size()
        assert (counts <= 4).all()
        covered[strategy] = table.groupby("scene_id").coverage.max().mean()
        assert set(table.strategy) == {strategy}
    assert covered["mc"] >= covered["uniform"]
    ratio = choose(shard, tmp_path, strategy="mc-ratio90", max_frames=None)
    for _, rows in ratio.groupby("scene_id"):
        coverage = rows.sort_values("rank").coverage.to_numpy()
        assert coverage[-1] >= 0.9
        assert (coverage[:-1] < 0.9).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "ratio95"}, "ratio95"),
        ({"max_frames": 0}, "max_frames"),
        ({"max_frames": None, "max_tokens": 100}, "100 is less than the 210"),
        ({"voxel_m": 0.0}, "voxel_m"),
    ],
)
def test_bad_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        FrameSelectionSettings.parse(settings)


def test_what_is_seen_through_a_door_does_not_decide(tmp_path: Path) -> None:
    shard = walks.render(tmp_path, [walks.scan("a", generate_house(7, 0))], frames=30)
    own = choose(shard, tmp_path, max_frames=3)
    every = choose(shard, tmp_path, max_frames=3, with_surface=False)
    assert every.surface_coverage.isna().all()
    best = own.surface_coverage.max()
    shares = select_frames_share(shard, tmp_path, every)
    assert best >= shares


def select_frames_share(shard: ViewShard, folder: Path, chosen: pd.DataFrame) -> float:
    """Return the share of the scan's surface that chosen frames show."""
    views = chosen.sort_values("rank")["view"].tolist()
    voxels = select_frames.count_scan(shard, views, 0.1)
    surface = read_table(folder / "0000.surface.parquet")
    points = surface[["x_m", "y_m", "z_m"]].to_numpy(np.float64)
    selection = select_frames.choose_frames(voxels, strategy="mc")
    return float(select_frames.surface_coverage(voxels, selection, points, 0.1)[-1])


def test_a_scan_without_depth_is_a_row(shard: ViewShard, tmp_path: Path) -> None:
    empty = walks.render(tmp_path, [walks.scan("c", None, "a wall is missing")])
    assert choose(empty, tmp_path, with_surface=False).empty
    assert read_records(tmp_path / "frames.skipped.jsonl", SkippedItem) == []
