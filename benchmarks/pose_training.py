"""Lift keypoints in the setting of the published study, beside triangulation; one core.

Run from the repository: `python -m benchmarks.pose_training`. 300 episodes of 70 frames, 240 to
learn from and 60 unseen, six keypoints on one body that rests, moves and rests, four cameras,
noise of 2D that is independent (1x, 3x) or like a detector's (outliers, bias, correlated in time).
Errors are means over all frames of the unseen episodes; beside each stands the better of two
smoothed triangulations on the very points that both estimate, at rest and in motion, and whether
it is beaten. `--only` chooses some of the trainings; `--curves` draws the errors on the way, among
them the drift of the published objective.

With `--views results/views/rlbench/*.zarr` the same trainings are of simulated tasks with their
true visibility: the shards of the default run, or of all nine tasks
(`snakemake views --configfile studies/pose.yaml`). The goals are those of the published setting.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.figures import Figure, report_figures
from testing import keypoint_tracks
from workflow_scripts.common.cli import run
from workflow_scripts.common.demonstration_shard import KeypointTrack
from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.evaluate.pose.conditions import DETECTOR
from workflow_scripts.experiments.pose import PoseTrainingSettings
from workflow_scripts.models.keypoints.baselines import BASELINES
from workflow_scripts.models.keypoints.load_tracks import load_tracks
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.pose_model import lift_tracks
from workflow_scripts.models.keypoints.track_dataset import (
    TrackDataset,
    build_track_dataset,
    keypoint_vocabulary,
)
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.pose.train_lifter import fit_lifter, mean_error_mm

NUM_TRAIN, NUM_TEST, STEPS_PER_EPISODE = 240, 60, 70
NOISES = {"1x": NoiseModel(multiplier=1), "3x": NoiseModel(multiplier=3), "detector-like": DETECTOR}
SMOOTHED_BASELINES = ("smoothed_dlt", "smoothed_ransac")
SHOWN_BASELINES = ("dlt", *SMOOTHED_BASELINES)


@dataclass(frozen=True)
class Study:
    """A training, and what its error must not exceed (0: nothing is asked)."""

    objective: str
    noise: str
    steps: int
    goal_mm: float = 0.0

    @property
    def name(self) -> str:
        """Return what `--only` calls it."""
        return f"{self.objective}-{self.noise}"


STUDIES = (
    Study("supervised", "1x", 1200, 2.0),
    Study("supervised", "3x", 1200, 5.5),
    Study("masked", "1x", 800, 2.4),
    Study("masked", "3x", 800, 6.5),
    Study("published", "1x", 800),
    Study("supervised", "detector-like", 1200),
    Study("masked", "detector-like", 800),
)
Curve = list[tuple[int, float]]


def main(
    *,
    only: tuple[str, ...] = (),
    views: tuple[Path, ...] = (),
    curves: Path | None = None,
    steps: int = 0,
) -> None:
    """Train and print the errors, beside those of triangulation.

    Args:
        only: Names of trainings, such as masked-3x; empty means all.
        views: Shards of demonstrations to learn from instead of the published setting.
        curves: Picture of the errors on the way.
        steps: Optimizer steps instead of each study's own.
    """
    names = [study.name for study in STUDIES]
    for name in only:
        if name not in names:
            raise UserError(f"--only {name}: no such training; {allowed_values(name, names)}")
    chosen = [study for study in STUDIES if not only or study.name in only]
    known, unseen = _episodes(views)
    keypoint_names = keypoint_vocabulary(known)
    figures = [Figure("episodes to learn from, unseen", f"{len(known)}, {len(unseen)}")]
    learning_curves: dict[str, Curve] = {}
    baseline_errors: dict[str, dict[str, float]] = {}
    for noise in dict.fromkeys(study.noise for study in chosen):
        tracks, test = (
            build_track_dataset(part, noise=NOISES[noise], names=keypoint_names, seed=7)
            for part in (known, unseen)
        )
        baseline_errors[noise] = {
            name: mean_error_mm(method(test), test) for name, method in BASELINES.items()
        }
        figures += [
            Figure(
                f"{name.replace('_', ' ')}, {noise} noise", f"{baseline_errors[noise][name]:.2f} mm"
            )
            for name in SHOWN_BASELINES
        ]
        for study in chosen:
            if study.noise == noise:
                figure, learning_curves[study.name] = _train_and_measure(
                    study if not views else replace(study, goal_mm=0),
                    tracks,
                    test,
                    keypoint_names,
                    steps,
                )
                figures.append(figure)
    report_figures(
        "pose", [figure if not views else _figures_by_task(figure, known) for figure in figures]
    )
    if curves:
        _draw(curves, learning_curves, baseline_errors)


def _episodes(views: tuple[Path, ...]) -> tuple[list[KeypointTrack], list[KeypointTrack]]:
    """Return the episodes to learn from and those that are unseen: of bodies, or of shards."""
    if not views:
        known = keypoint_tracks.episodes(NUM_TRAIN, num_steps=STEPS_PER_EPISODE)
        return known, keypoint_tracks.episodes(
            NUM_TEST, first=NUM_TRAIN, num_steps=STEPS_PER_EPISODE
        )
    return load_tracks(views, split="train")[0], load_tracks(views, split="test")[0]


def _figures_by_task(figure: Figure, known: list[KeypointTrack]) -> Figure:
    tasks = len({track.task for track in known})
    return replace(figure, name=f"{tasks} simulated tasks: {figure.name}")


def compared(points_m: Tensor, test: TrackDataset) -> str:
    """Say whether estimates [F, K, 3] beat smoothed triangulation where both estimate a point.

    At rest the mean of a window is hard to beat, and what is learned shows in motion; a point
    moves if its truth goes more than 1 mm to the next frame. Things in a hand may be hidden from
    all cameras but one: then nothing is estimated of what moves.
    """
    truth, known = test.clip.points_m, test.clip.known > 0
    step = torch.zeros_like(known)
    moved = (truth[1:] - truth[:-1]).norm(dim=-1) > 1e-3
    step[:-1] = moved & (test.episode[1:] == test.episode[:-1])[:, None]

    def means(points: Tensor, both: Tensor) -> list[float]:
        distance = 1000 * (points - truth).norm(dim=-1)
        return [float(distance[both & part].mean()) for part in (known, ~step, step)]

    found = []
    for name in SMOOTHED_BASELINES:
        other = BASELINES[name](test).float()
        both = known & points_m.isfinite().all(dim=-1) & other.isfinite().all(dim=-1)
        found.append((means(other, both), means(points_m, both), name))
    theirs, mine, name = min(found)
    verdict = "beats" if mine[0] < theirs[0] else "does NOT beat"
    moving = f"{mine[2]:.2f} against {theirs[2]:.2f}"
    if math.isnan(mine[2]):
        moving = "no point is seen by two cameras"
    return (
        f"{verdict} {name.replace('_', ' ')} ({mine[0]:.2f} against {theirs[0]:.2f} mm on the "
        f"same points; at rest {mine[1]:.2f} against {theirs[1]:.2f}, in motion {moving})"
    )


def _train_and_measure(
    study: Study, tracks: TrackDataset, test: TrackDataset, keypoint_names: list[str], steps: int
) -> tuple[Figure, Curve]:
    """Train and measure; the curve is of the unseen episodes and chooses nothing."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = PoseExperiment(
            name=study.name,
            views=(),
            out=Path(folder),
            seed=7,
            settings=PoseTrainingSettings(
                noise=NOISES[study.noise],
                objective=study.objective,  # type: ignore[arg-type]
                view_dropout=0.0,
                steps=steps or study.steps,
                save_steps=10**9,
            ),
        )
        start = time.process_time()
        trainer, lifter = fit_lifter(experiment, tracks, test, keypoint_names)
        seconds = time.process_time() - start
    lifter.eval()
    start = time.process_time()
    points = lift_tracks(lifter, test, mask_centre_frame=study.objective == "masked")
    latency_ms = 1e3 * (time.process_time() - start) / len(test)
    error_mm = mean_error_mm(points, test)
    parameters = sum(value.numel() for value in lifter.parameters())
    curve = [
        (int(row["step"]), float(row["validation_mpjpe_mm"]))
        for row in trainer.state.log_history
        if "validation_mpjpe_mm" in row
    ]
    goal = f"goal: at most {study.goal_mm:.1f}; " if study.goal_mm else ""
    beside = (
        f"{goal}{compared(points, test)}; {experiment.settings.steps} steps, {seconds:.0f} CPU s; "
        f"{parameters:,} parameters, "
        f"{latency_ms:.2f} CPU ms a frame"
    )
    return Figure(f"{study.objective}, {study.noise} noise", f"{error_mm:.2f} mm", beside), curve


def _draw(
    path: Path, curves: dict[str, Curve], baseline_errors: dict[str, dict[str, float]]
) -> None:
    """Draw a panel for each noise: errors on the way, and those of triangulation."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1,
        len(baseline_errors),
        figsize=(4.2 * len(baseline_errors), 3.8),
        layout="constrained",
        squeeze=False,
    )
    for place, (noise, found) in zip(axes[0], baseline_errors.items(), strict=True):
        for name, curve in curves.items():
            if name.endswith(f"-{noise}"):
                place.plot(*zip(*curve, strict=True), marker="o", ms=4, label=name.split("-")[0])
        for name, style in zip(SHOWN_BASELINES, (":", "--", "-."), strict=True):
            label = name.replace("_", " ")
            place.axhline(found[name], color="#98a2b3", ls=style, label=label)
        place.set(xlabel="step", ylabel="mean error on unseen episodes, mm", title=f"noise {noise}")
        place.set_yscale("log")
        place.yaxis.set_major_formatter("{x:g}")
        place.yaxis.set_minor_formatter("{x:g}")
        place.grid(alpha=0.3, which="both")
        place.legend(fontsize=8)
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    run(main)
