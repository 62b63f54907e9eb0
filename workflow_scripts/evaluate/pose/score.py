"""Score a pose model on episodes it has never seen, beside every geometric baseline."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.demonstrations import Track
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.keypoints.baselines import BASELINES, smooth_each
from workflow_scripts.common.keypoints.episodes import log_unseen, read_tracks, unseen_counts
from workflow_scripts.common.keypoints.metrics import (
    errors_mm,
    procrustes_errors_mm,
    reprojection_px,
)
from workflow_scripts.common.keypoints.models import WEIGHTS, lift, load_lifter, read_settings
from workflow_scripts.common.keypoints.scores import PoseRow
from workflow_scripts.common.keypoints.tracks import Tracks, gather
from workflow_scripts.common.records import table
from workflow_scripts.common.storage import whole
from workflow_scripts.evaluate.pose.conditions import (
    ALL_VIEWS,
    Condition,
    conditions,
    fewer_views,
    without_views,
)
from workflow_scripts.evaluate.pose.draw import draw_errors, draw_frame
from workflow_scripts.evaluate.pose.table import Outcome, rows_of

logger = logging.getLogger(__name__)
LEARNED = "learned"
Method = Callable[[Tracks], Tensor]


@torch.no_grad()
def outcome_of(tracks: Tracks, methods: dict[str, Method], condition: Condition) -> Outcome:
    """Run every method on observed episodes and measure every point."""
    points = {name: method(tracks).double().numpy() for name, method in methods.items()}
    sources = tracks.sources
    keypoints = tracks.clip.known.shape[1]
    truth = tracks.clip.points_m.double().numpy()
    known = tracks.clip.known.numpy() > 0
    names = np.array([[*t.names, *[""] * (keypoints - len(t.names))] for t in sources])
    number = tracks.episode.numpy()
    return Outcome(
        noise=condition.noise,
        views=condition.views,
        errors_mm={name: errors_mm(found, truth) for name, found in points.items()},
        procrustes_mm={
            name: _procrustes(found, truth, known, number) for name, found in points.items()
        },
        reprojection_px={name: _reprojection(found, tracks) for name, found in points.items()},
        known=known,
        task=np.array([track.task for track in sources])[number],
        episode=np.array([track.scene_id for track in sources])[number],
        keypoint=names[number],
    )


def _procrustes(
    points: np.ndarray, truth: np.ndarray, known: np.ndarray, number: np.ndarray
) -> np.ndarray:
    """Return errors after alignment [F, K]; four keypoints of the frame or more are needed."""
    found = np.full(known.shape, np.nan)
    for frame in range(len(number)):
        there = known[frame]
        found[frame, there] = procrustes_errors_mm(points[frame, there], truth[frame, there])
    return found


def _reprojection(points: np.ndarray, tracks: Tracks) -> np.ndarray:
    """Return the distance [F, K] of reprojected estimates from exact ones, in pixels."""
    parts = []
    for index, track in enumerate(tracks.sources):
        frames = (tracks.episode == index).numpy()
        count = len(track.names)
        part = np.full((frames.sum(), points.shape[1]), np.nan)
        part[:, :count] = reprojection_px(
            points[frames, :count],
            track.keypoints_px,
            track.in_frame,
            track.intrinsics,
            track.world_from_camera,
        )
        parts.append(part)
    return np.concatenate(parts)


def lifter_methods(model: Path) -> dict[str, Method]:
    """Return the baselines and the learned lifter as functions of observed episodes."""
    lifter, settings = load_lifter(model)
    blind = settings.objective == "masked"
    return {**BASELINES, LEARNED: lambda tracks: lift(lifter, tracks, blind=blind)}


def detector_methods() -> dict[str, Method]:
    """Return the baselines and learned triangulation as functions of detected episodes."""
    from workflow_scripts.common.keypoints.detect import triangulate_detections

    def smoothed(tracks: Tracks) -> Tensor:
        return smooth_each(tracks, triangulate_detections(tracks), window=7)

    return {**BASELINES, LEARNED: triangulate_detections, "learned_smoothed": smoothed}


def main(
    *,
    views: tuple[Path, ...],
    model: Path,
    experiment: str,
    split: str,
    out: Path,
    frame: Path,
    errors: Path,
    noise: tuple[float, ...] = (1.0, 2.0, 3.0),
    bootstrap: int = 1000,
    seed: int = 7,
) -> None:
    """Score a pose model.

    Args:
        views: Shards of demonstrations.
        model: Folder of the trained model.
        experiment: Name of the experiment.
        split: Name of the split that is scored.
        out: CSV file to write.
        frame: Picture of true and estimated keypoints in every view.
        errors: Picture of errors against noise and views.
        noise: Multiples of the published noise to score, beside the one trained for.
        bootstrap: Resamples of episodes for the intervals.
        seed: The workflow's seed.
    """
    settings = read_settings(model)
    taught = sorted({name.split("/", 1)[1] for name in settings.names})
    tracks, shards = read_tracks(views, split=split, tasks=settings.tasks, keypoints=taught)
    if not tracks:
        raise UserError(
            f"{experiment}: no episodes in split {split!r} to score; more of them, or a larger "
            "share for it (config: sources.rlbench.episodes_per_task, splits)"
        )
    cameras = most_cameras(tracks)
    trained = settings.observation()
    if settings.front_end == "images":
        from workflow_scripts.common.keypoints.detect import detect_all

        methods, detections = detector_methods(), detect_all(model, tracks, shards)
        first = Condition("images", trained)
        wanted = [first, *fewer_views(first, cameras)]
    else:
        methods, detections = lifter_methods(model), None
        wanted = conditions(trained, cameras, multipliers=noise)
    rows: list[PoseRow] = []
    for number, condition in enumerate(progress(wanted, desc="conditions")):
        seen = gather(
            tracks, noise=condition.model, names=settings.names, seed=seed, detections=detections
        )
        observed = without_views(seen, condition)
        outcome = outcome_of(observed, methods, condition)
        rows += rows_of(
            outcome,
            experiment=experiment,
            split=split,
            resamples=bootstrap,
            seed=seed,
            keypoints=condition.views == ALL_VIEWS,
        )
        if number == 0:
            draw_frame(frame, observed, methods[LEARNED], shards, title=experiment)
    draw_errors(errors, rows, experiment=experiment)
    rows.append(parameters_row(model, rows[0]))
    rows += never_seen_rows(tracks, rows[0])
    with whole(out) as partial:
        table(rows, PoseRow).to_csv(partial, index=False, float_format="%.6f")
    logger.info("%s: %d rows about %d episodes", out, len(rows), len(tracks))


def parameters_row(model: Path, like: PoseRow) -> PoseRow:
    """Return the row that says how large a model is; the rest is as in another row."""
    with safe_open(model / WEIGHTS, framework="np") as weights:
        # The shapes of bodies travel with the weights but are measured, not learned.
        names = [name for name in weights.keys() if name != "shapes"]  # noqa: SIM118
        count = sum(int(np.prod(weights.get_slice(name).get_shape())) for name in names)
    nothing = dict.fromkeys(("gain", "gain_low", "gain_high"), float("nan"))
    changes = {"metric": "parameters", "method": LEARNED, "value": count, "keypoint": "all"}
    same = {"ci_low": count, "ci_high": count, "views": ALL_VIEWS}
    return PoseRow.model_validate({**like.model_dump(), **changes, **same, **nothing})


def never_seen_rows(tracks: Sequence[Track], like: PoseRow) -> Iterator[PoseRow]:
    """Yield a row for each keypoint that some episodes never show to two cameras; log a line.

    Its value is the share of the task's episodes; the rest is as in another row.
    """
    nothing = dict.fromkeys(("gain", "gain_low", "gain_high"), float("nan"))
    counts = unseen_counts(tracks)
    log_unseen(counts)
    for (task, name), (count, of) in counts.items():
        share = dict.fromkeys(("value", "ci_low", "ci_high"), count / of)
        changes = {"family": task, "keypoint": name, "metric": "never_seen", "method": "cameras"}
        number = {"n": of, "num_houses": of, "views": ALL_VIEWS}
        yield PoseRow.model_validate({**like.model_dump(), **changes, **share, **number, **nothing})


def most_cameras(tracks: list[Track]) -> tuple[str, ...]:
    """Return the cameras of the episode that has most."""
    return max((track.cameras for track in tracks), key=len)


if __name__ == "__main__":
    run(main)
