"""Pictures of answers about scans: what is shown can be seen, and edges lie where they belong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.evaluate.video.scan_run import (
    ScanRun,
    box,
    choices,
    grounding,
    prediction,
    proposal_rows,
    question,
    scores_for,
)
from workflow_scripts.common.records import ViewRow, VisibilityRow, records_to_frame
from workflow_scripts.common.scan_frames import ChosenFrame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import table_path, write_views
from workflow_scripts.evaluate.video.frame_picture import (
    FRAME_WIDTH_PX,
    PREDICTED,
    TRUE,
    draw_frames,
    result_line,
)
from workflow_scripts.evaluate.video.plan_picture import draw_plans
from workflow_scripts.evaluate.video.scored_samples import ScanProposals, ScoredSamples
from workflow_scripts.evaluate.video.shown_samples import shown_samples
from workflow_scripts.geometry.cameras import Camera

# Of three frames the first and the last are chosen. Object 11 is seen best by the one that is not.
SEEN = {(0, 11): 30, (1, 11): 900, (2, 11): 400, (2, 12): 5, (1, 13): 500}
CHOSEN = {0: 1, 2: 0}


def camera(view: int) -> Camera:
    """Return a camera 4 m before the objects that looks along +Y."""
    return Camera.look(
        (0.5 * view, -4, 0.5),
        yaw_deg=0,
        pitch_deg=0,
        width_px=64,
        height_px=48,
        vertical_fov_deg=60,
    )


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a shard of one scan with grey pictures."""
    path = tmp_path_factory.mktemp("views") / "scans" / "0000.zarr"
    path.parent.mkdir()
    cameras = [camera(view) for view in range(3)]
    write_views(
        path,
        {
            "rgb": np.full((3, 48, 64, 3), 90),
            "depth_m": np.ones((3, 48, 64)),
            "instance": np.zeros((3, 48, 64)),
            "intrinsics": np.stack([one.intrinsics for one in cameras]),
            "world_from_camera": np.stack([one.world_from_camera for one in cameras]),
        },
        attributes={},
    )
    rows = [
        ViewRow(
            **{"view": view, "view_id": f"s0-{view}", "scene_id": "s0", "source": "scans"},
            **{"split": "test", "room_id": "", "room_type": "", "policy": "walk"},
            **{"yaw_deg": 0, "pitch_deg": 0, "vertical_fov_deg": 60},
            **{"num_visible_objects": 1, "is_best": False},
        )
        for view in range(3)
    ]
    write_table(table_path(path, "views"), records_to_frame(rows, ViewRow))
    seen = [
        VisibilityRow(
            **{"view": view, "scene_id": "s0", "instance": instance, "pixels": pixels},
            **{"fraction_visible": 1, "x0": 0, "y0": 0, "x1": 1, "y1": 1, "truncated": False},
        )
        for (view, instance), pixels in SEEN.items()
    ]
    write_table(table_path(path, "visibility"), records_to_frame(seen, VisibilityRow))
    frames = [
        ChosenFrame(
            **{"scene_id": "s0", "view": view, "view_id": f"s0-{view}", "frame": view},
            **{"timestamp_s": view, "strategy": "mc", "rank": rank, "gain": 1},
            **{"coverage": 1, "surface_coverage": 1},
        )
        for view, rank in CHOSEN.items()
    ]
    write_table(table_path(path, "frames"), records_to_frame(frames, ChosenFrame))
    return path


def scored(*samples) -> ScoredSamples:
    rows = proposal_rows("s0")
    proposals = ScanProposals(
        np.array([box(number) for number in range(3)]),
        np.array([row.instance for row in rows]),
        tuple(row.category for row in rows),
    )
    return ScoredSamples(samples, [proposals] * len(samples))


def test_only_chosen_frames_that_show_it_best_first(views):
    (one,) = shown_samples(
        [views], scored(grounding("a", [0])), [prediction("a", scores=scores_for(1))], None
    )
    assert [frame.rank for frame in one.frames] == [0, 1]
    assert one.predicted.tolist() == [list(box(1))]
    assert one.path_m.shape == (3, 3)
    assert one.chosen_m.shape == (2, 3)
    assert result_line(one) == "1 chosen; IoU with what is meant: 0.00"


def test_what_no_chosen_frame_shows_is_not_shown(views):
    # Object 12 has five pixels there, object 13 is only in the frame that was not chosen.
    for number in (1, 2):
        sample = scored(grounding("a", [number]))
        assert not shown_samples([views], sample, [prediction("a", scores=scores_for(0))], None)


def test_questions_are_shown_where_nothing_asks_for_objects(views):
    samples = scored(question("a", "left", text="Where is it?"))
    (one,) = shown_samples([views], samples, [prediction("a", text="right")], None)
    assert len(one.frames) == 2
    assert result_line(one) == "reply: right; reference: left"


def test_edges_are_drawn_where_the_boxes_are(views, tmp_path):
    shown = shown_samples(
        [views],
        scored(grounding("a", [0])),
        [prediction("a", scores=scores_for(1))],
        None,
    )
    draw_frames(tmp_path / "frames.png", shown, "model")
    picture = np.asarray(Image.open(tmp_path / "frames.png").convert("RGB")).astype(int)
    green, orange = ((picture == colour).all(axis=-1) for colour in (TRUE, PREDICTED))
    # Below the title and the legend, in the column of the first frame.
    first = np.s_[100:, 10 : 10 + FRAME_WIDTH_PX]
    columns = {
        name: np.flatnonzero(mask[first].any(axis=0))
        for name, mask in {"meant": green, "chosen": orange}.items()
    }
    # The camera of view 2 stands at x = 1: object 0 lies to the left of the middle, object 1 right.
    assert columns["meant"].mean() < FRAME_WIDTH_PX / 2 < columns["chosen"].mean()
    draw_plans(tmp_path / "plans.png", shown, "model")
    assert Image.open(tmp_path / "plans.png").width > 500


def test_the_command_draws_both(views, tmp_path):
    run = ScanRun(tmp_path, [grounding("a", [0])], {"image": choices({"a": 0})})
    pictures = {name: tmp_path / f"{name}.png" for name in ("frames", "plans")}
    run.scores(views=[views], **pictures)
    assert all(path.stat().st_size > 2000 for path in pictures.values())


def test_without_anything_to_show_the_pictures_say_so(tmp_path):
    for draw in (draw_frames, draw_plans):
        draw(tmp_path / "nothing.png", [], "model")
        assert Image.open(tmp_path / "nothing.png").height > 50
