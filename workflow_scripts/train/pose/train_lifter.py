"""Train a lifter with the Hugging Face Trainer: any number of ranks, checkpoints, curves."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from workflow_scripts.common.demonstration_shard import KeypointTrack
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.rigid_fit import estimate_body_shapes
from workflow_scripts.geometry.triangulation import project
from workflow_scripts.models.keypoints.baselines import (
    BASELINES,
    REFERENCE_BASELINE,
    dlt,
    smooth_episodes,
)
from workflow_scripts.models.keypoints.lifter import Lifter, LifterSize
from workflow_scripts.models.keypoints.load_tracks import (
    count_never_visible,
    load_tracks,
    log_never_visible,
)
from workflow_scripts.models.keypoints.pose_model import PoseModel, lift_tracks
from workflow_scripts.models.keypoints.track_dataset import (
    TrackDataset,
    build_track_dataset,
    keypoint_vocabulary,
)
from workflow_scripts.train.pose import losses
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.pose.trainer import make_pose_trainer
from workflow_scripts.train.pose.window_dataset import WindowDataset, batch_evidence, collate
from workflow_scripts.train.trainer import num_ranks_here, run_trainer

_SMOOTHING = 7


class LifterWithLoss(nn.Module):
    """A lifter with its objective: returns the loss of a batch, as the Trainer needs it."""

    def __init__(self, lifter: Lifter, experiment: PoseExperiment) -> None:
        super().__init__()
        self.lifter = lifter
        self.objective = experiment.settings.objective
        self.weights = experiment.settings.weights

    def forward(self, **batch: Tensor) -> dict[str, Tensor]:
        """Return the loss of a batch of `WindowDataset`."""
        evidence = batch_evidence(batch)
        points = self.lifter(evidence, batch["names"], batch["known"])
        if self.objective == "supervised":
            # A point that no frame of the window determines gets no estimate (`lift_tracks`): its
            # label would teach a guess, and its large error would dominate the loss.
            loss_mask = batch["known"] * (evidence.has_rigid_fit.sum(dim=1) > 0)
            return {"loss": losses.supervised_loss(points, batch["points_m"], loss_mask)}
        views = batch["observed"], batch["projections"], batch["weights"]
        if self.objective == "published":
            return {"loss": losses.published_loss(points, *views)}
        loss = losses.masked_loss(points, *views, batch["hidden"])
        added = self.weights
        if added.temporal:
            loss = loss + added.temporal * losses.acceleration_loss(points, batch["known"])
        if added.rigidity:
            shape = self.lifter.shapes[batch["names"]]
            lengths = (shape[:, :, None] - shape[:, None]).norm(dim=-1)
            middle = points[:, points.shape[1] // 2]
            loss = loss + added.rigidity * losses.rigidity_loss(middle, batch["bodies"], lengths)
        if added.cheirality:
            loss = loss + added.cheirality * losses.cheirality_loss(
                points, batch["projections"], batch["weights"]
            )
        return {"loss": loss}


def new_lifter(experiment: PoseExperiment, tracks: TrackDataset, names: list[str]) -> Lifter:
    """Return an untrained lifter that knows the bodies of the training episodes.

    Their shapes come from labels under supervision, else from smoothed triangulations.
    """
    settings = experiment.settings
    size = LifterSize(
        window=settings.window,
        width=settings.width,
        layers=settings.layers,
        heads=settings.heads,
        num_names=len(names),
    )
    torch.manual_seed(experiment.seed)
    lifter = Lifter(size)
    clip = tracks.clip
    points = clip.points_m
    if settings.objective != "supervised":
        points = smooth_episodes(tracks, dlt(tracks), window=_SMOOTHING).float()
    shapes = estimate_body_shapes(points, clip.names, clip.bodies, num_names=len(names))
    lifter.shapes.copy_(shapes)
    return lifter


def make_windows(experiment: PoseExperiment, tracks: TrackDataset, lifter: Lifter) -> WindowDataset:
    """Return every window of the training, in order."""
    settings = experiment.settings
    return WindowDataset(
        tracks,
        lifter.shapes.clone(),
        objective=settings.objective,
        noise=settings.noise_model(),
        view_dropout=settings.view_dropout,
        window=settings.window,
        num_samples=settings.steps * settings.batch_size,
        seed=experiment.seed,
    )


def describe(experiment: PoseExperiment, lifter: Lifter, names: list[str]) -> PoseModel:
    """Return what is written beside the weights."""
    return PoseModel(
        experiment=experiment.name,
        kind="lifter",
        objective=experiment.settings.objective,
        front_end=experiment.settings.front_end,
        names=names,
        tasks=sorted({name.split("/")[0] for name in names}),
        noise=experiment.settings.noise_model().model_dump(),
        size=lifter.size.as_dict(),
    )


def validate(lifter: Lifter, tracks: TrackDataset, *, objective: str) -> dict[str, float]:
    """Return the mean error on validation episodes, in millimetres."""
    lifter.eval()
    points = lift_tracks(lifter, tracks, mask_centre_frame=objective == "masked")
    lifter.train()
    return {"validation_mpjpe_mm": mean_error_mm(points, tracks)}


def mean_error_mm(points_m: Tensor, tracks: TrackDataset) -> float:
    """Return the mean error over the points [F, K, 3] that have an estimate."""
    distance = (points_m - tracks.clip.points_m).norm(dim=-1)
    known = (tracks.clip.known > 0) & distance.isfinite()
    return round(1000 * float(distance[known].mean()), 4) if known.any() else float("nan")


def log_figure(
    lifter: Lifter, tracks: TrackDataset, *, objective: str, writer: Any, step: int
) -> None:
    """Log a figure of a validation frame's keypoints to TensorBoard."""
    from workflow_scripts.models.keypoints.plot_keypoints import plot_keypoint_views

    frame = int(tracks.first[0] + tracks.last[0]) // 2
    lifter.eval()
    points = lift_tracks(lifter, tracks, mask_centre_frame=objective == "masked", frames=[frame])[0]
    lifter.train()
    clip, track = tracks.clip, tracks.sources[0]
    views, keypoints = len(track.cameras), len(track.names)
    pixels, _ = project(clip.projections[frame], points)
    figure = plot_keypoint_views(
        true_px=track.width_px * clip.exact[frame, :views, :keypoints].numpy(),
        estimated_px=track.width_px * pixels.transpose(0, 1)[:views, :keypoints].numpy(),
        seen=clip.in_view[frame, :views, :keypoints].numpy() > 0,
        cameras=track.cameras,
        size_px=(track.width_px, track.height_px),
        title=f"{track.scene_id}, middle frame",
    )
    writer.add_figure("validation/keypoints", figure, step)


def train_lifter(
    experiment: PoseExperiment, *, num_ranks: int, should_stop: Callable[[], bool]
) -> tuple[Any, Lifter, PoseModel, dict[str, Any]]:
    """Train on this rank; return the Trainer, the lifter, its settings and statistics."""
    chosen = {"tasks": experiment.settings.tasks, "keypoints": experiment.settings.keypoints}
    train_tracks, _ = load_tracks(experiment.views, split="train", **chosen)
    val_tracks, _ = load_tracks(experiment.views, split="val", **chosen)
    check_episodes(experiment, train_tracks)
    names = keypoint_vocabulary(train_tracks)
    noise = experiment.settings.noise_model()
    tracks = build_track_dataset(train_tracks, noise=noise, names=names, seed=experiment.seed)
    validation = (
        build_track_dataset(val_tracks, noise=noise, names=names, seed=experiment.seed)
        if val_tracks
        else None
    )
    trainer, lifter = fit_lifter(
        experiment, tracks, validation, names, num_ranks=num_ranks, should_stop=should_stop
    )
    names_of_baselines = () if validation is None else ("dlt", REFERENCE_BASELINE)
    training_stats = {
        "episodes": len(train_tracks),
        "frames": len(tracks),
        "validation_episodes": len(val_tracks),
        "validation_baselines_mm": {
            name: mean_error_mm(BASELINES[name](validation), validation)  # type: ignore[arg-type]
            for name in names_of_baselines
        },
        "parameters": sum(value.numel() for value in lifter.parameters()),
    }
    return trainer, lifter, describe(experiment, lifter, names), training_stats


def fit_lifter(
    experiment: PoseExperiment,
    tracks: TrackDataset,
    validation: TrackDataset | None,
    names: list[str],
    *,
    num_ranks: int = 1,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Any, Lifter]:
    """Train on observed episodes; return the Trainer and the lifter.

    `names` are the keypoints that it learns; `validation` is for validation during training.
    """
    lifter = new_lifter(experiment, tracks, names)

    def run_validation() -> dict[str, float]:
        if validation is None:
            return {}
        return validate(lifter, validation, objective=experiment.settings.objective)

    def draw(writer: Any, step: int) -> None:
        drawn = tracks if validation is None else validation
        log_figure(lifter, drawn, objective=experiment.settings.objective, writer=writer, step=step)

    trainer = make_pose_trainer(
        LifterWithLoss(lifter, experiment),
        make_windows(experiment, tracks, lifter),
        experiment,
        num_ranks=num_ranks,
        collator=collate,
        validate=run_validation,
        log_figure=draw,
        should_stop=should_stop,
    )
    run_trainer(trainer, experiment, num_ranks=num_ranks)
    return trainer, lifter


def check_episodes(experiment: PoseExperiment, tracks: list[KeypointTrack]) -> None:
    """Raise `UserError` if there is nothing to learn from; log keypoints that nothing observes."""
    if not tracks:
        raise UserError(
            f"{experiment.name}: no training episodes; more of them, or a larger share for the "
            "'train' split (config: sources.rlbench.episodes_per_task, splits)"
        )
    counts = count_never_visible(tracks)
    log_never_visible(counts)
    names = keypoint_vocabulary(tracks)
    never = [
        f"{task}/{name}"
        for (task, name), (num_unseen, num_episodes) in counts.items()
        if num_unseen == num_episodes
    ]
    if len(never) == len(names) and experiment.settings.noise.occlusion:
        raise UserError(
            f"{experiment.name}: two cameras never see {', '.join(never)} at once, so there is no "
            "position to learn from; name other keypoints, add cameras "
            "(sources.rlbench.cameras), or set noise.occlusion to false"
        )


def train(experiment: PoseExperiment, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Train on this rank; rank 0 writes the result.

    Args:
        experiment: What is trained on what.
        should_stop: Says that the time of this run is over: `TrainingInterrupted` is raised after
            a save.
    """
    from workflow_scripts.train.pose.result import write_result

    experiment.check_inputs()
    num_ranks = num_ranks_here()
    train_model: Callable[..., tuple[Any, nn.Module, PoseModel, dict[str, Any]]] = train_lifter
    if experiment.settings.front_end == "images":
        from workflow_scripts.train.pose.train_detector import train_detector

        train_model = train_detector
    trainer, model, model_settings, training_stats = train_model(
        experiment, num_ranks=num_ranks, should_stop=should_stop
    )
    if trainer.args.should_save:
        write_result(trainer, model, model_settings, training_stats, experiment)
