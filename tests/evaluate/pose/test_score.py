"""Scores of keypoints: every method, condition and metric, on a model trained for a moment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from testing import keypoint_tracks
from testing.demonstration_shards import write_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import write_table
from workflow_scripts.config.evaluate import PoseScoreSettings
from workflow_scripts.evaluate import merge
from workflow_scripts.evaluate.pose import score
from workflow_scripts.evaluate.pose.conditions import (
    DETECTOR,
    ObservationCondition,
    conditions,
    drop_views,
)
from workflow_scripts.evaluate.pose.plots import draw_errors, noise_sort_key
from workflow_scripts.evaluate.score_table import ScoreRow, read_eval, read_scores
from workflow_scripts.models.keypoints.baselines import BASELINES
from workflow_scripts.models.keypoints.lifter import Lifter, LifterSize
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.pose_model import (
    PoseModel,
    lift_tracks,
    load_lifter,
    save_model,
)
from workflow_scripts.models.keypoints.track_dataset import build_track_dataset

NAMES = [f"reach_target/point{k}" for k in range(6)]


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shard(tmp_path_factory.mktemp("views") / "0000.zarr", 10, num_steps=16)


def write_untrained_lifter(folder: Path, **changes: object) -> Path:
    """Write a lifter that has learned nothing: the mean over its window."""
    folder.mkdir(parents=True, exist_ok=True)
    lifter = Lifter(LifterSize(width=16, layers=1, heads=2, num_names=6))
    values = {
        "experiment": "micro",
        "kind": "lifter",
        "objective": "supervised",
        "front_end": "noise",
        "names": NAMES,
        "tasks": ["reach_target"],
        "noise": vars(NoiseModel()),
        "size": lifter.size.as_dict(),
    }
    save_model(folder, lifter, PoseModel.model_validate({**values, **changes}))
    return folder


def run_score(folder: Path, shard: Path, model: Path, **changes: object) -> pd.DataFrame:
    score.main(
        views=(shard,),
        model=model,
        experiment="micro",
        seed=7,
        out=folder / "scores.parquet",
        frame=folder / "keypoints.png",
        errors=folder / "errors.png",
        settings=PoseScoreSettings.model_validate({"bootstrap_samples": 100, **changes}),
    )
    return read_scores(folder / "scores.parquet")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, shard: Path) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("evaluate")
    table = run_score(folder, shard, write_untrained_lifter(folder / "model"))
    assert Image.open(folder / "errors.png").width > 1000
    assert Image.open(folder / "keypoints.png").width > 1000
    return table


def test_every_method_noise_and_set_of_views_has_every_metric(rows: pd.DataFrame) -> None:
    micro = Lifter(LifterSize(width=16, layers=1, heads=2, num_names=6))
    assert set(rows["method"]) == {*BASELINES, "learned"}
    assert set(rows["noise"]) == {"1x", "2x", "3x", "detector"}
    assert set(rows["views"]) == {
        "all",
        "first 2",
        *(f"without {camera}" for camera in keypoint_tracks.CAMERAS),
    }
    all_keypoints = rows[(rows["keypoint"] == "all") & (rows["method"] == "dlt")]
    metrics = set(
        all_keypoints[(all_keypoints["noise"] == "1x") & (all_keypoints["views"] == "all")][
            "metric"
        ]
    )
    errors = {"mpjpe_mm", "median_mm", "reprojection_px", "p_mpjpe_mm"}
    shares = {"auc_50mm", "estimated_fraction", *(f"pck_{limit}mm" for limit in (5, 10, 20, 50))}
    assert metrics == errors | shares
    assert (all_keypoints["num_scenes"] == 2).all()
    assert (all_keypoints["n"] == 2 * 16 * 6).all()
    size = rows[rows["metric"] == "parameters"]
    assert size["value"].tolist() == [sum(value.numel() for value in micro.parameters())]
    assert set(rows["keypoint"]) == {"all", *(name.split("/")[1] for name in NAMES)}


def test_values_lie_in_their_intervals_and_grow_with_noise(rows: pd.DataFrame) -> None:
    chosen = rows[(rows["metric"] == "mpjpe_mm") & (rows["keypoint"] == "all")]
    assert (chosen["ci_low"] <= chosen["value"] + 1e-6).all()
    assert (chosen["value"] <= chosen["ci_high"] + 1e-6).all()
    by_noise = chosen[(chosen["views"] == "all") & (chosen["method"] == "dlt")]
    by_noise = by_noise.set_index("noise")["value"]
    assert by_noise["3x"] / by_noise["1x"] == pytest.approx(3, rel=0.1)
    by_views = chosen[(chosen["noise"] == "1x") & (chosen["method"] == "dlt")]
    by_views = by_views.set_index("views")["value"]
    assert by_views["without front"] == by_views.drop("first 2").max()


def test_the_gain_is_over_the_smoothed_baseline(rows: pd.DataFrame) -> None:
    chosen = rows[(rows["noise"] == "1x") & (rows["views"] == "all") & (rows["keypoint"] == "all")]
    reference = chosen[chosen["method"] == "smoothed_dlt"]
    assert (reference["gain"] == 0).all()
    errors = chosen[chosen["metric"] == "mpjpe_mm"].set_index("method")
    gain = errors.loc["smoothed_dlt", "value"] - errors.loc["dlt", "value"]
    assert errors.loc["dlt", "gain"] == pytest.approx(gain, abs=1e-5)
    shares = chosen[chosen["metric"] == "pck_5mm"].set_index("method")
    assert shares.loc["dlt", "gain"] < 0


def test_headline_scores_stand_beside_the_best_geometric_baseline(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    write_table(tmp_path / "scores.parquet", rows)
    merge.main(scores=[tmp_path / "scores.parquet"], out=tmp_path / "eval.csv")
    headline = read_eval(tmp_path / "eval.csv")
    assert set(headline["metric"]) == {"mpjpe_mm", "auc_50mm"}
    assert set(headline["noise"]) == {"1x"}
    assert headline["method"].tolist()[0] == "learned"
    assert set(headline["method"]) == {"learned", *BASELINES}
    assert not headline.duplicated(["family", "metric", "method"]).any()
    learned = headline[(headline["method"] == "learned") & (headline["metric"] == "mpjpe_mm")]
    others = headline[(headline["method"] != "learned") & (headline["metric"] == "mpjpe_mm")]
    best = others.loc[others["value"].idxmin()]
    assert learned["baseline"].tolist() == [best["method"]]
    # Every keypoint has an estimate here, so the gain is the difference of the scores.
    assert learned["gain"].item() == pytest.approx(
        best["value"] - learned["value"].item(), abs=1e-5
    )


def test_a_keypoint_that_two_cameras_never_see_has_a_row(
    rows: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    assert "unobservable_fraction" not in set(rows["metric"])
    like = ScoreRow.model_validate(rows.astype(object).iloc[0].to_dict())
    track = keypoint_tracks.episode(0, num_steps=8)
    visible = track.visible.copy()
    visible[:, 1:, 3] = False
    tracks = [track, replace(track, visible=visible)]
    (row,) = score.unobservable_rows(tracks, like)
    assert (row.family, row.keypoint, row.metric) == (track.task, "point3", "unobservable_fraction")
    assert (row.value, row.n, row.method) == (0.5, 2, "cameras")
    assert len(caplog.records) == 1
    assert f"{track.task}/point3 in 1 of 2" in caplog.text


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, shard: Path) -> None:
    model = write_untrained_lifter(tmp_path / "model")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        run_score(tmp_path / name, shard, model, keypoint_noise=())
    for file in ("scores.parquet", "scores.csv", "errors.png", "keypoints.png"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_picture_of_nothing_found_says_so(tmp_path: Path) -> None:
    draw_errors(tmp_path / "errors.png", [], experiment="micro")
    assert Image.open(tmp_path / "errors.png").width > 1000


def test_a_split_without_episodes_is_named(tmp_path: Path, shard: Path) -> None:
    other = write_shard(tmp_path / "views/0000.zarr", 2, num_steps=4)
    with pytest.raises(UserError, match="no episodes in split 'test'"):
        run_score(tmp_path, other, write_untrained_lifter(tmp_path / "model"))


def test_a_damaged_or_missing_model_is_named(tmp_path: Path, shard: Path) -> None:
    with pytest.raises(UserError, match="no settings of a pose model"):
        run_score(tmp_path, shard, tmp_path / "nowhere")
    model = write_untrained_lifter(tmp_path / "model")
    (model / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(UserError, match="cannot be loaded"):
        run_score(tmp_path, shard, model)


def test_an_untrained_lifter_is_a_mean_of_triangulations(tmp_path: Path) -> None:
    lifter, _ = load_lifter(write_untrained_lifter(tmp_path))
    episodes = keypoint_tracks.episodes(3)
    tracks = build_track_dataset(episodes, noise=NoiseModel(), names=[], seed=1)
    points = lift_tracks(lifter, tracks, mask_centre_frame=False)
    smoothed = BASELINES["smoothed_dlt"](tracks)
    inner = slice(5, 60)
    assert (points - smoothed)[inner].norm(dim=-1).mean() < 0.002


def test_noise_levels_are_sorted_by_size() -> None:
    names = ["detector", "2x", "10x", "exact", "0.5x", "1e-05x"]
    assert sorted(names, key=noise_sort_key) == ["exact", "1e-05x", "0.5x", "2x", "10x", "detector"]
    views = ["all", "without overhead", "first 2"]
    assert sorted(views, key=noise_sort_key) == views


def test_conditions_cover_noise_then_views() -> None:
    all_conditions = conditions(NoiseModel(), keypoint_tracks.CAMERAS, multipliers=(1, 3))
    assert [c.noise for c in all_conditions[:3]] == ["1x", "3x", "detector"]
    assert [c.views for c in all_conditions[3:]] == [
        *(f"without {c}" for c in keypoint_tracks.CAMERAS),
        "first 2",
    ]
    detector_conditions = conditions(DETECTOR, ("front", "wrist"), multipliers=(1, 2))
    assert [c.noise for c in detector_conditions] == ["detector", "1x", "2x"]
    assert detector_conditions[2].model == NoiseModel(multiplier=2)
    assert len(conditions(NoiseModel(), ("front", "overhead"), multipliers=())) == 2


def test_a_missing_view_is_unseen() -> None:
    tracks = build_track_dataset(keypoint_tracks.episodes(2), noise=NoiseModel(), names=[], seed=1)
    reduced = drop_views(
        tracks, ObservationCondition("1x", NoiseModel(), missing_camera="overhead")
    )
    assert reduced.clip.weights[:, 2].max() == 0
    assert np.array_equal(reduced.clip.weights[:, [0, 1, 3]], tracks.clip.weights[:, [0, 1, 3]])
