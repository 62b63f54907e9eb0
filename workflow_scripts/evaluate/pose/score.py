"""Score a pose model on episodes it has never seen, beside every geometric baseline."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.demonstration_shard import KeypointTrack
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.evaluate.pose.conditions import (
    ALL_VIEWS,
    ObservationCondition,
    conditions,
    drop_views,
    view_subset_conditions,
)
from workflow_scripts.evaluate.pose.plots import draw_errors, draw_frame
from workflow_scripts.evaluate.pose.score_rows import PointErrors, score_rows
from workflow_scripts.models.keypoints.baselines import BASELINES, smooth_episodes
from workflow_scripts.models.keypoints.load_tracks import (
    count_never_visible,
    load_tracks,
    log_never_visible,
)
from workflow_scripts.models.keypoints.metrics import (
    errors_mm,
    procrustes_errors_mm,
    reprojection_px,
)
from workflow_scripts.models.keypoints.pose_model import (
    WEIGHTS,
    lift_tracks,
    load_lifter,
    read_settings,
)
from workflow_scripts.models.keypoints.score_row import KeypointScoreRow
from workflow_scripts.models.keypoints.track_dataset import TrackDataset, build_track_dataset

logger = logging.getLogger(__name__)
LEARNED = "learned"
Method = Callable[[TrackDataset], Tensor]


@torch.no_grad()
def measure_errors(
    tracks: TrackDataset, methods: dict[str, Method], condition: ObservationCondition
) -> PointErrors:
    """Run every method on observed episodes and measure every point."""
    points = {name: method(tracks).double().numpy() for name, method in methods.items()}
    sources = tracks.sources
    keypoints = tracks.clip.known.shape[1]
    truth = tracks.clip.points_m.double().numpy()
    known = tracks.clip.known.numpy() > 0
    names = np.array([[*t.names, *[""] * (keypoints - len(t.names))] for t in sources])
    number = tracks.episode.numpy()
    return PointErrors(
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
        present = known[frame]
        found[frame, present] = procrustes_errors_mm(points[frame, present], truth[frame, present])
    return found


def _reprojection(points: np.ndarray, tracks: TrackDataset) -> np.ndarray:
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
    mask_centre_frame = settings.objective == "masked"
    return {
        **BASELINES,
        LEARNED: lambda tracks: lift_tracks(lifter, tracks, mask_centre_frame=mask_centre_frame),
    }


def detector_methods() -> dict[str, Method]:
    """Return the baselines and learned triangulation as functions of detected episodes."""
    from workflow_scripts.models.keypoints.detector_inference import triangulate_detections

    def smoothed(tracks: TrackDataset) -> Tensor:
        return smooth_episodes(tracks, triangulate_detections(tracks), window=7)

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
    keypoint_names = sorted({name.split("/", 1)[1] for name in settings.names})
    tracks, shards = load_tracks(views, split=split, tasks=settings.tasks, keypoints=keypoint_names)
    if not tracks:
        raise UserError(
            f"{experiment}: no episodes in split {split!r} to score; more of them, or a larger "
            "share for it (config: sources.rlbench.episodes_per_task, splits)"
        )
    cameras = most_cameras(tracks)
    trained = settings.noise_model()
    if settings.front_end == "images":
        from workflow_scripts.models.keypoints.detector_inference import detect_episodes

        methods, detections = detector_methods(), detect_episodes(model, tracks, shards)
        first = ObservationCondition("images", trained)
        all_conditions = [first, *view_subset_conditions(first, cameras)]
    else:
        methods, detections = lifter_methods(model), None
        all_conditions = conditions(trained, cameras, multipliers=noise)
    rows: list[KeypointScoreRow] = []
    for number, condition in enumerate(progress(all_conditions, desc="conditions")):
        tracks_seen = build_track_dataset(
            tracks, noise=condition.model, names=settings.names, seed=seed, detections=detections
        )
        observed = drop_views(tracks_seen, condition)
        point_errors = measure_errors(observed, methods, condition)
        rows += score_rows(
            point_errors,
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
    with atomic_write(out) as partial:
        records_to_frame(rows, KeypointScoreRow).to_csv(partial, index=False, float_format="%.6f")
    logger.info("%s: %d rows about %d episodes", out, len(rows), len(tracks))


def parameters_row(model: Path, template: KeypointScoreRow) -> KeypointScoreRow:
    """Return the row that says how large a model is; the rest is as in another row."""
    with safe_open(model / WEIGHTS, framework="np") as weights:
        # The shapes of bodies travel with the weights but are measured, not learned.
        names = [name for name in weights.keys() if name != "shapes"]  # noqa: SIM118
        count = sum(int(np.prod(weights.get_slice(name).get_shape())) for name in names)
    no_gain = dict.fromkeys(("gain", "gain_low", "gain_high"), float("nan"))
    changes = {"metric": "parameters", "method": LEARNED, "value": count, "keypoint": "all"}
    constant_fields = {"ci_low": count, "ci_high": count, "views": ALL_VIEWS}
    return KeypointScoreRow.model_validate(
        {**template.model_dump(), **changes, **constant_fields, **no_gain}
    )


def never_seen_rows(
    tracks: Sequence[KeypointTrack], template: KeypointScoreRow
) -> Iterator[KeypointScoreRow]:
    """Yield a row for each keypoint that some episodes never show to two cameras; log a line.

    Its value is the share of the task's episodes; the rest is as in another row.
    """
    no_gain = dict.fromkeys(("gain", "gain_low", "gain_high"), float("nan"))
    counts = count_never_visible(tracks)
    log_never_visible(counts)
    for (task, name), (count, of) in counts.items():
        share = dict.fromkeys(("value", "ci_low", "ci_high"), count / of)
        changes = {"family": task, "keypoint": name, "metric": "never_seen", "method": "cameras"}
        number = {"n": of, "num_houses": of, "views": ALL_VIEWS}
        yield KeypointScoreRow.model_validate(
            {**template.model_dump(), **changes, **share, **number, **no_gain}
        )


def most_cameras(tracks: list[KeypointTrack]) -> tuple[str, ...]:
    """Return the cameras of the episode that has most."""
    return max((track.cameras for track in tracks), key=len)


if __name__ == "__main__":
    run(main)
