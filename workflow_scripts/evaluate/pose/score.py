"""Score a pose model on unseen episodes, beside every geometric baseline."""

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
from workflow_scripts.config.evaluate import PoseScoreSettings
from workflow_scripts.evaluate.pose.conditions import (
    ALL_VIEWS,
    ObservationCondition,
    conditions,
    drop_views,
    view_subset_conditions,
)
from workflow_scripts.evaluate.pose.keypoint_errors import (
    errors_mm,
    procrustes_errors_mm,
    reprojection_px,
)
from workflow_scripts.evaluate.pose.plots import draw_errors, draw_frame
from workflow_scripts.evaluate.pose.score_rows import PointErrors, score_rows
from workflow_scripts.evaluate.score_table import ALL, LEARNED, NAN, ScoreRow, write_scores
from workflow_scripts.models.keypoints.baselines import BASELINES, smooth_episodes
from workflow_scripts.models.keypoints.load_tracks import (
    count_never_visible,
    load_tracks,
    log_never_visible,
)
from workflow_scripts.models.keypoints.pose_model import (
    WEIGHTS,
    lift_tracks,
    load_lifter,
    read_settings,
)
from workflow_scripts.models.keypoints.track_dataset import TrackDataset, build_track_dataset

logger = logging.getLogger(__name__)
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
    episode_index = tracks.episode.numpy()
    return PointErrors(
        noise=condition.noise,
        views=condition.views,
        errors_mm={name: errors_mm(estimate, truth) for name, estimate in points.items()},
        procrustes_mm={
            name: _procrustes(estimate, truth, known) for name, estimate in points.items()
        },
        reprojection_px={
            name: _reprojection(estimate, tracks) for name, estimate in points.items()
        },
        known=known,
        task=np.array([track.task for track in sources])[episode_index],
        episode=np.array([track.scene_id for track in sources])[episode_index],
        keypoint=names[episode_index],
    )


def _procrustes(points: np.ndarray, truth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return errors after alignment [F, K]; four keypoints of the frame or more are needed."""
    errors = np.full(known.shape, np.nan)
    for frame in range(len(known)):
        present = known[frame]
        errors[frame, present] = procrustes_errors_mm(points[frame, present], truth[frame, present])
    return errors


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
    seed: int,
    out: Path,
    frame: Path,
    errors: Path,
    settings: PoseScoreSettings,
) -> None:
    """Score a pose model.

    Args:
        views: Shards of demonstrations.
        model: Folder of the trained model.
        experiment: Name of the experiment.
        seed: The workflow's seed.
        out: Parquet file to write, with a CSV file beside it.
        frame: Picture of true and estimated keypoints in every view.
        errors: Picture of errors against noise and views.
        settings: Split, resamples of episodes, and noise to score with.
    """
    trained = read_settings(model)
    keypoint_names = sorted({name.split("/", 1)[1] for name in trained.names})
    split = settings.split
    tracks, shards = load_tracks(views, split=split, tasks=trained.tasks, keypoints=keypoint_names)
    if not tracks:
        raise UserError(
            f"{experiment}: no episodes in split {split!r} to score; more of them, or a larger "
            "share for it (config: sources.rlbench.episodes_per_task, splits)"
        )
    cameras = most_cameras(tracks)
    noise = trained.noise_model()
    if trained.front_end == "images":
        from workflow_scripts.models.keypoints.detector_inference import detect_episodes

        methods, detections = detector_methods(), detect_episodes(model, tracks, shards)
        first = ObservationCondition("images", noise)
        all_conditions = [first, *view_subset_conditions(first, cameras)]
    else:
        methods, detections = lifter_methods(model), None
        all_conditions = conditions(noise, cameras, multipliers=settings.keypoint_noise)
    rows: list[ScoreRow] = []
    for condition_index, condition in enumerate(progress(all_conditions, desc="conditions")):
        tracks_seen = build_track_dataset(
            tracks, noise=condition.model, names=trained.names, seed=seed, detections=detections
        )
        observed = drop_views(tracks_seen, condition)
        is_main = condition_index == 0
        rows += score_rows(
            measure_errors(observed, methods, condition),
            experiment=experiment,
            split=split,
            resamples=settings.bootstrap_samples,
            seed=seed,
            is_main=is_main,
        )
        if is_main:
            draw_frame(frame, observed, methods[LEARNED], shards, title=experiment)
    draw_errors(errors, rows, experiment=experiment)
    rows.append(parameters_row(model, rows[0]))
    rows += unobservable_rows(tracks, rows[0])
    num_rows = write_scores(out, rows)
    logger.info("%s: %d rows about %d episodes", out, num_rows, len(tracks))


def _model_metric_row(template: ScoreRow, value: float, **changes: object) -> ScoreRow:
    """Return a row of a number without interval or gain; the rest is as in another row."""
    empty = ("baseline_value", "gain", "gain_low", "gain_high")
    values = {"value": value, "ci_low": value, "ci_high": value, "baseline": "", "views": ALL_VIEWS}
    fixed = {**dict.fromkeys(empty, NAN), "is_headline": False}
    return ScoreRow.model_validate({**template.model_dump(), **fixed, **values, **changes})


def parameters_row(model: Path, template: ScoreRow) -> ScoreRow:
    """Return the row that says how large a model is."""
    with safe_open(model / WEIGHTS, framework="np") as weights:
        # The shapes of bodies are saved with the weights but are measured, not learned.
        names = [name for name in weights.keys() if name != "shapes"]  # noqa: SIM118
        count = sum(int(np.prod(weights.get_slice(name).get_shape())) for name in names)
    return _model_metric_row(template, count, metric="parameters", method=LEARNED, keypoint=ALL)


def unobservable_rows(tracks: Sequence[KeypointTrack], template: ScoreRow) -> Iterator[ScoreRow]:
    """Yield a row for each keypoint that some episodes never show to two cameras; log a line.

    Its value is the share of the task's episodes: there no method can do better than guess.
    """
    counts = count_never_visible(tracks)
    log_never_visible(counts)
    for (task, keypoint), (count, num_episodes) in counts.items():
        yield _model_metric_row(
            template,
            count / num_episodes,
            metric="unobservable_fraction",
            method="cameras",
            family=task,
            keypoint=keypoint,
            n=num_episodes,
            num_scenes=num_episodes,
        )


def most_cameras(tracks: list[KeypointTrack]) -> tuple[str, ...]:
    """Return the cameras of the episode that has most."""
    return max((track.cameras for track in tracks), key=len)


if __name__ == "__main__":
    run(main)
