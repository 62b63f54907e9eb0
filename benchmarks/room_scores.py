"""Time the scores of reconstructed rooms: layouts in, every metric with its interval out.

Run from the repository: `python -m benchmarks.room_scores`, on random rooms of twenty objects whose
predictions are the truth, moved and turned, with a fifth of the objects lost and as many invented.
CPU seconds of one core.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from dataclasses import replace

import numpy as np

from benchmarks.figures import Figure, report_figures
from workflow_scripts.common.cli import run
from workflow_scripts.common.seeds import rng
from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.reconstruction.method_scores import score_method
from workflow_scripts.evaluate.reconstruction.room_pair import PredictedRoom, RoomPair, TrueRoom
from workflow_scripts.evaluate.reconstruction.room_values import VISIBLE, Content
from workflow_scripts.geometry.box_overlap import OrientedBoxes, pairwise_iou
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.layouts.layout import LayoutBox, LayoutOpening, LayoutWall, RoomLayout

NUM_OBJECTS, NUM_CATEGORIES, RESAMPLES = 20, 40, 1000
ROOMS_PER_HOUSE = 2
NUM_PAIRS = 1_000_000
LIMIT_S, PAIRS_LIMIT_S = 60.0, 10.0
CATEGORIES = [f"Category{letter}{number}" for letter in "ABCD" for number in range(10)]


def main(*, rooms: int = 10_000, seed: int = 0) -> None:
    """Print CPU seconds for scoring rooms by all metrics, and for a million exact IoUs.

    Args:
        rooms: how many rooms are scored.
        seed: of the random rooms.
    """
    draws = rng(seed, "benchmark rooms")
    pairs = [random_pair(draws) for _ in range(rooms)]
    content = Content.of([pair.predicted for pair in pairs[:100]])
    resample = SceneBootstrap(
        np.arange(rooms) // ROOMS_PER_HOUSE, resamples=RESAMPLES, rng=rng(seed, "resamples")
    )
    score_method(  # compiles
        pairs[:5],
        content,
        SceneBootstrap(np.arange(5), resamples=10, rng=draws),
        detection_groups=[VISIBLE],
        published=True,
    )
    start = time.process_time()
    scores = score_method(pairs, content, resample, detection_groups=[VISIBLE], published=True)
    seconds = time.process_time() - start
    boxes = [random_boxes(draws, NUM_PAIRS) for _ in range(2)]
    pairwise_iou(*(b.take(np.arange(2)) for b in boxes))
    start = time.process_time()
    pairwise_iou(*boxes)
    pair_seconds = time.process_time() - start
    report_figures(
        "rooms",
        [
            Figure(
                f"CPU s to score {rooms:,} rooms of {NUM_OBJECTS} objects: {len(scores)} scores, "
                f"each with {RESAMPLES:,} resamples of houses",
                f"{seconds:.1f}",
                f"limit {LIMIT_S * rooms / 10_000:g}",
            ),
            Figure(
                f"CPU s for the exact IoU of {NUM_PAIRS:,} pairs of oriented boxes",
                f"{pair_seconds:.1f}",
                f"limit {PAIRS_LIMIT_S:g}",
            ),
        ],
    )


def random_pair(draws: np.random.Generator) -> RoomPair:
    """Return a room and a prediction of it."""
    width, depth = draws.uniform(3, 6, 2)
    corners = np.array([[0, 0, 0], [0, depth, 0], [width, depth, 0], [width, 0, 0]])
    truth = _layout(corners, [_box(draws, width, depth, n) for n in range(NUM_OBJECTS)])
    kept = [box for box in truth.boxes if draws.random() < 0.8]
    invented = [_box(draws, width, depth, NUM_OBJECTS + n) for n in range(NUM_OBJECTS - len(kept))]
    moved = [
        replace(
            box,
            centre_m=box.centre_m + draws.normal(0, 0.3, 3),
            rotation=rotation_about_up(box.yaw_deg + draws.normal(0, 15)),
        )
        for box in kept
    ]
    shift = np.array([*draws.normal(0, 0.1, 2), 0.0])
    predicted = _layout(corners + shift, [*moved, *invented])
    true = TrueRoom(
        record=None,  # type: ignore[arg-type]
        layout=truth,
        visible=draws.random(NUM_OBJECTS) < 0.6,
        is_target=np.ones(NUM_OBJECTS, dtype=bool),
    )
    return RoomPair(true, PredictedRoom(predicted))


def random_boxes(draws: np.random.Generator, count: int) -> OrientedBoxes:
    """Return upright boxes within a metre of each other."""
    yaw = draws.uniform(-np.pi, np.pi, count)
    rotation = np.zeros((count, 3, 3))
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(yaw)
    rotation[:, 1, 0], rotation[:, 0, 1], rotation[:, 2, 2] = np.sin(yaw), -np.sin(yaw), 1
    return OrientedBoxes(
        draws.uniform(0, 1, (count, 3)), draws.uniform(0.2, 1.5, (count, 3)), rotation
    )


def _box(draws: np.random.Generator, width: float, depth: float, number: int) -> LayoutBox:
    category = CATEGORIES[int(draws.integers(NUM_CATEGORIES))]
    size = draws.uniform(0.1, 1.5, 3)
    x, y = draws.uniform(0.2, 0.8, 2) * [width, depth]
    return LayoutBox(
        label=category,
        centre_m=np.array([x, y, size[2] / 2]),
        size_m=size,
        rotation=rotation_about_up(float(draws.uniform(-180, 180))),
        key=f"{category}|{number}",
        asset_id=f"{category}_{draws.integers(5)}",
    )


def _layout(corners: np.ndarray, boxes: list[LayoutBox]) -> RoomLayout:
    walls = tuple(
        LayoutWall(corners[i], corners[(i + 1) % 4], 2.7, material=f"Paint{i}") for i in range(4)
    )
    openings = tuple(
        LayoutOpening(
            kind,
            number,
            (walls[number].start_m + walls[number].end_m) / 2 + [0, 0, 1.0],
            0.9,
            2.0 if kind == "door" else 1.0,
        )
        for number, kind in ((0, "door"), (2, "window"))
    )
    return RoomLayout(
        frame="world",
        boxes=tuple(boxes),
        walls=walls,
        openings=openings,
        floor_polygon_m=corners,
        floor_material="Wood",
    )


if __name__ == "__main__":
    run(main)
