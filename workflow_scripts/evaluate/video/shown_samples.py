"""Some samples for the pictures of the report: their frames, true and chosen boxes, camera path."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.scan_samples import ScanPrediction, ScanSample
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.evaluate.video.grounding_metrics import best_box, select_boxes
from workflow_scripts.evaluate.video.grounding_scores import scored_boxes, truth_boxes
from workflow_scripts.evaluate.video.scan_metrics import PUBLISHED_PROBABILITIES
from workflow_scripts.evaluate.video.scored_samples import ScanProposals, ScoredSamples
from workflow_scripts.evaluate.video.text_scores import reply_text
from workflow_scripts.geometry.cameras import Camera

NUM_SAMPLES = 4
NUM_FRAMES = 3
MIN_PIXELS = 20
_SHOWN_BY_TEXT = 60


@dataclass(frozen=True)
class ShownFrame:
    """A chosen frame: its place in the order of choosing from 0, its picture u8, its camera."""

    rank: int
    rgb: np.ndarray
    camera: Camera


@dataclass(frozen=True)
class ShownSample:
    """What the pictures show of a sample.

    Attributes:
        sample: The sample.
        reply: What was answered, in words.
        truth: Boxes that are meant, f64 [k, 6].
        predicted: Boxes that were chosen, f64 [m, 6].
        proposals: All boxes that could be chosen.
        frames: Chosen frames, those that show most of what is meant first.
        path_m: The camera in the order of time, f64 [f, 3].
        chosen_m: Where chosen frames were taken, f64 [c, 3].
    """

    sample: ScanSample
    reply: str
    truth: np.ndarray
    predicted: np.ndarray
    proposals: ScanProposals
    frames: list[ShownFrame]
    path_m: np.ndarray
    chosen_m: np.ndarray


@dataclass(frozen=True)
class _ScanFrames:
    """The frames of a scan in its shard: all views, and the rows of those that were chosen."""

    shard: ViewShard
    views: list[int]
    chosen: pd.DataFrame


def shown_samples(
    views: Sequence[Path],
    scored: ScoredSamples,
    predictions: Sequence[ScanPrediction],
    probability: float | None,
) -> list[ShownSample]:
    """Return a few samples of different scans, the first of those that ask for objects.

    Samples that mean objects are shown where a chosen frame shows one of them; where no sample
    asks for objects, questions and captions are shown.
    """
    scans = {key: frames for path in views for key, frames in _scans(path)}
    shown: list[ShownSample] = []
    seen: set[tuple[str, str]] = set()
    for row in _order(scored):
        sample, proposals = scored.samples[row], scored.proposals[row]
        key = sample.source, sample.scene_id
        if len(shown) == NUM_SAMPLES:
            break
        if key in seen or key not in scans:
            continue
        one = _shown(sample, predictions[row], proposals, scans[key], probability)
        if one is not None:
            shown.append(one)
            seen.add(key)
    return shown


def _order(scored: ScoredSamples) -> list[int]:
    """Return the numbers of the samples: those that mean objects, one of each type in turn."""
    turns: dict[str, int] = {}
    places = []
    for row, sample in enumerate(scored.samples):
        turn = turns[sample.question_type] = turns.get(sample.question_type, -1) + 1
        places.append((sample.task != "grounding", not sample.targets, turn, row))
    return [place[-1] for place in sorted(places)]


def _scans(path: Path) -> Iterator[tuple[tuple[str, str], _ScanFrames]]:
    shard = ViewShard.open(path)
    frames = read_table(table_path(path, "frames"))
    for scene_id, rows in shard.views.groupby("scene_id", sort=False):
        chosen = frames[frames["scene_id"] == scene_id].sort_values("rank")
        if len(chosen):
            key = path.parent.name, str(scene_id)
            yield key, _ScanFrames(shard, rows["view"].astype(int).tolist(), chosen)


def _shown(
    sample: ScanSample,
    prediction: ScanPrediction,
    proposals: ScanProposals,
    scan: _ScanFrames,
    probability: float | None,
) -> ShownSample | None:
    views = _best_views(sample, scan)
    if not views:
        return None
    ranks = dict(zip(scan.chosen["view"], scan.chosen["rank"], strict=True))
    return ShownSample(
        sample,
        prediction.reason or reply_text(prediction)[:_SHOWN_BY_TEXT],
        truth_boxes(sample),
        _predicted(sample, prediction, proposals, probability),
        proposals,
        [
            ShownFrame(int(ranks[view]), scan.shard.rgb(view), scan.shard.camera(view))
            for view in views
        ],
        np.array([scan.shard.camera(view).position_m for view in scan.views]),
        np.array([scan.shard.camera(int(view)).position_m for view in scan.chosen["view"]]),
    )


def _best_views(sample: ScanSample, scan: _ScanFrames) -> list[int]:
    """Return the chosen views that show most of what a sample means or speaks of, best first.

    None where no chosen view shows any of it; the first ones where it speaks of no object.
    """
    chosen = [int(view) for view in scan.chosen["view"]]
    instances = sample.targets or sample.referents
    if not instances:
        return chosen[:NUM_FRAMES]
    table = scan.shard.visibility
    rows = table[table["view"].isin(chosen) & table["instance"].isin(instances)]
    pixels = rows.groupby("view")["pixels"].sum()
    pixels = pixels[pixels >= MIN_PIXELS].sort_values(ascending=False, kind="stable")
    return [int(view) for view in pixels.index[:NUM_FRAMES]]


def _predicted(
    sample: ScanSample,
    prediction: ScanPrediction,
    proposals: ScanProposals,
    probability: float | None,
) -> np.ndarray:
    """Return the boxes [m, 6] that were chosen: the best one where one is meant, else a set."""
    boxes = scored_boxes(prediction, proposals) if sample.task == "grounding" else None
    if boxes is None:
        return np.zeros((0, 6))
    best = best_box(boxes)
    if len(sample.targets) == 1 and best is not None:
        return best[None]
    return select_boxes(boxes, probability or PUBLISHED_PROBABILITIES["p25"])
