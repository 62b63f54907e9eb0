"""From answers to drawn rooms and their metrics, as the three rules run it."""

import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.evaluate.reconstruction.rooms import RoomRun, truth, write_run
from tests.views import houses
from tests.views.shards import render, room_records, scene
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.evaluate import CompareRebuiltSettings
from workflow_scripts.config.reconstruction import LayoutTextSettings, RebuildSettings
from workflow_scripts.config.views import RendererSettings
from workflow_scripts.evaluate.reconstruction import compare_rebuilt, rebuild_rooms
from workflow_scripts.layouts.rebuilt_view import RebuiltView
from workflow_scripts.views import render_layouts
from workflow_scripts.views.renderer import BACKENDS

BOXES = RendererSettings(preset="draft").model_copy(update={"backend": "boxes"})
EXACT = LayoutTextSettings(precision_m=0.001, yaw_step_deg=1, min_pixels=1)
COARSE = CompareRebuiltSettings(bootstrap_samples=100)


@dataclasses.dataclass(frozen=True)
class HouseRun:
    """A shard of views, and the files of an experiment about it."""

    shard: ViewShard
    run: RoomRun

    def rebuild(self, layout: LayoutTextSettings, count: int = 4) -> list[RebuiltView]:
        arguments = self.run.arguments()
        out = self.run.folder / "evaluate/rooms/rebuilt.jsonl"
        rebuild_rooms.main(
            questions=arguments["questions"],
            rooms=arguments["rooms"],
            image=arguments["image"],
            out=out,
            settings=RebuildSettings(layout=layout, rebuilt_rooms=count),
        )
        return read_records(out, RebuiltView)

    def compare(self, settings: CompareRebuiltSettings = COARSE) -> pd.DataFrame:
        folder = self.run.folder / "evaluate/rooms"
        render_layouts.main(
            rooms=folder / "rebuilt.jsonl", out=folder / "rebuilt.zarr", seed=1, settings=BOXES
        )
        compare_rebuilt.main(
            rooms=folder / "rebuilt.jsonl",
            rebuilt=folder / "rebuilt.zarr",
            views=[self.shard.path],
            out=folder / "rebuilt.csv",
            picture=folder / "rebuilt.png",
            experiment="rooms",
            seed=1,
            settings=settings,
        )
        return pd.read_csv(folder / "rebuilt.csv", keep_default_na=False, na_values=["nan"])


@pytest.fixture
def houses_run(tmp_path, monkeypatch) -> HouseRun:
    monkeypatch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")
    shard = render(
        tmp_path / "views/procthor",
        [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())],
        corner=3,
        random=0,
        top_down=0,
    )
    records = room_records(shard, tmp_path / "vqa/procthor/images")
    records = [record.model_copy(update={"split": "test"}) for record in records]
    return HouseRun(shard, write_run(tmp_path / "run", records))


def value(rows: pd.DataFrame, metric: str, category: str = "", view: str = "all") -> float:
    chosen = rows[(rows.metric == metric) & (rows.category == category) & (rows.view_id == view)]
    assert len(chosen) == 1, (metric, category, view)
    return float(chosen.value.iloc[0])


@pytest.mark.parametrize(
    "layout",
    [
        EXACT,
        LayoutTextSettings(format="qwen3vl", frame="opencv_camera", min_pixels=1),
        LayoutTextSettings(format="r2d3", frame="world", objects="all"),
        LayoutTextSettings(format="spatiallm", frame="room", objects="all"),
    ],
    ids=lambda layout: layout.format,
)
def test_true_answers_give_the_true_pictures(houses_run, layout) -> None:
    houses_run.run.answer("image", truth(layout))
    rooms = houses_run.rebuild(layout, count=100)
    assert [room.view_id for room in rooms] == houses_run.shard.views.view_id.tolist()
    assert not any(room.problems for room in rooms)
    rows = houses_run.compare()
    assert value(rows, "mask_iou", "objects") > 0.9
    assert value(rows, "mask_iou", "structure") > 0.9
    assert value(rows, "abs_rel") < 0.01
    assert value(rows, "depth_share") > 0.99
    views = rows[(rows.metric == "abs_rel") & (rows.view_id != "all")]
    assert value(rows, "abs_rel") == pytest.approx(views.value.mean())
    assert not rows[rows.view_id == "all"].ci_low.isna().any()
    with Image.open(houses_run.run.folder / "evaluate/rooms/rebuilt.png") as picture:
        assert picture.size[0] > 1000


def test_what_is_wrong_or_missing_costs(houses_run) -> None:
    answers = {
        "empty": lambda record: "none;",
        "unread": lambda record: "I see no room",
        "refused": truth(EXACT),
    }
    scores = {}
    for name, reply in answers.items():
        refused = [r.view_id for r in houses_run.run.scored] if name == "refused" else []
        houses_run.run.answer("image", reply, refused=refused)
        rooms = houses_run.rebuild(EXACT, count=100)
        assert all(room.house and not room.house["objects"] for room in rooms)
        if name != "empty":
            assert all(room.problems for room in rooms)
        rows = houses_run.compare()
        assert value(rows, "mask_iou", "objects") == 0
        assert value(rows, "mask_iou", "structure") > 0.5
        scores[name] = value(rows, "abs_rel")
    assert len(set(scores.values())) == 1
    assert scores["empty"] > 0.02


def test_only_the_room_of_the_view_counts(houses_run) -> None:
    view = next(
        view
        for view in range(len(houses_run.shard))
        if houses_run.shard.views.scene_id[view] == "a"
    )
    one = compare_rebuilt.DrawnView(houses_run.shard, view)
    objects = one.classes("object", "room|2")
    assert set(np.unique(objects)) - {""} <= {"Sofa", "DiningTable", "Vase", "FloorLamp"}
    assert set(np.unique(one.classes("object", "room|9"))) == {""}
    assert one.belongs_to("room|2").all()
    assert not one.belongs_to("room|9").any()
    assert "wall" in one.classes("structure")


@pytest.mark.parametrize(("count", "wanted", "numbers"), [(3, 9, [0, 1, 2]), (9, 3, [1, 4, 7])])
def test_rooms_are_chosen_at_equal_steps(count, wanted, numbers) -> None:
    assert rebuild_rooms.choose_rooms(count, wanted) == numbers


def test_answers_of_other_questions_and_lost_views_are_refused(houses_run, tmp_path) -> None:
    houses_run.run.answer("image", truth(EXACT))
    houses_run.rebuild(EXACT)
    with pytest.raises(UserError, match="in none of the 0 shards"):
        compare_rebuilt.open_true_views([], houses_run.rebuild(EXACT))
    other = write_run(tmp_path / "other", houses_run.run.records[:1])
    with pytest.raises(UserError, match="no table of rooms has a record"):
        rebuild_rooms.main(
            questions=houses_run.run.arguments()["questions"],
            rooms=other.arguments()["rooms"],
            image=houses_run.run.arguments()["image"],
            out=tmp_path / "out.jsonl",
            settings=RebuildSettings(layout=EXACT, rebuilt_rooms=100),
        )


def test_commands_are_run_as_the_rules_run_them(houses_run) -> None:
    houses_run.run.answer("image", truth(EXACT))
    arguments = houses_run.run.arguments()
    out = houses_run.run.folder / "evaluate/rooms/rebuilt.jsonl"
    command = [sys.executable, "-m", "workflow_scripts.evaluate.reconstruction.rebuild_rooms"]
    command += ["--questions", arguments["questions"], "--rooms", *arguments["rooms"]]
    command += ["--image", *arguments["image"], "--out", out]
    command += ["--settings", '{"rebuilt_rooms": 2, "layout": {"min_pixels": 1}}']
    result = subprocess.run(map(str, command), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(read_records(out, RebuiltView)) == 2
