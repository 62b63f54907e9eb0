"""Estimators: every model type on real view shards, batches, metres, and what is refused."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DPTConfig, SamConfig

from testing.depth_models import save_depth_anything
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import open_shard, read_array
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.depth import EstimatorSettings
from workflow_scripts.depth import estimate_depth
from workflow_scripts.depth.backends.transformers import (
    IS_METRIC,
    TransformersEstimator,
    _crop_padding,
    _resize_maps,
)
from workflow_scripts.depth.estimator import DepthEstimate


@pytest.mark.parametrize("kind", sorted(IS_METRIC))
def test_every_model_type_writes_metres_of_the_views_size(views, models, tmp_path, kind):
    settings = EstimatorSettings(backend="transformers", model=str(models[kind]), batch_size=2)
    estimate_depth.main(views=views, out=tmp_path / "0000.zarr", settings=settings)

    group = open_shard(tmp_path / "0000.zarr")
    depth_m = read_array(group, "depth_m")
    assert depth_m.shape == (3, 48, 64)
    assert depth_m.dtype == np.float32
    assert np.isfinite(depth_m).any()
    assert (depth_m[np.isfinite(depth_m)] > 0).all()
    assert dict(group.attrs)["model"] == kind
    # The third view is the first again; batches of two must not change it, but for the order of
    # sums in float32, which a reciprocal near zero (Depth Pro's) makes up to a few thousandths.
    np.testing.assert_allclose(depth_m[2], depth_m[0], rtol=5e-3)


def test_same_input_same_bytes(views, models, tmp_path):
    settings = EstimatorSettings(backend="transformers", model=str(models["depth_anything"]))
    for name in ("a.zarr", "b.zarr"):
        estimate_depth.main(views=views, out=tmp_path / name, settings=settings)
    data = "depth_m/c/0/0/0"
    assert (tmp_path / "a.zarr" / data).read_bytes() == (tmp_path / "b.zarr" / data).read_bytes()


def test_depth_pro_uses_the_known_focal_length(views, models):
    """Half the focal length sees twice as wide: the same picture must then be half as far."""
    shard = ViewShard.open(views)
    estimator = TransformersEstimator(str(models["depth_pro"]), device="cpu")
    images, camera = shard.rgb(0)[None], shard.camera(0)
    wide = replace(camera, intrinsics=camera.intrinsics * [[0.5], [0.5], [1.0]])

    near = estimator.estimate(images, [wide], is_known=[True]).depth_m
    far = estimator.estimate(images, [camera], is_known=[True]).depth_m

    clipped = (far > 9_000) | (near < 2e-4)
    assert (~clipped).any()
    np.testing.assert_allclose(near[~clipped], far[~clipped] / 2, rtol=1e-4)


def test_zoedepth_padding_is_cut_off_again():
    """A map whose values are its padded columns comes back with the middle columns only."""
    height, width = 48, 64
    rows, columns = 14, 16  # floor(3 * sqrt(24)), floor(3 * sqrt(32))
    ramp = torch.arange(width + 2 * columns, dtype=torch.float32)
    padded = ramp.expand(1, height + 2 * rows, -1)
    cut = _crop_padding(padded, height, width)
    assert cut.shape == (1, height, width)
    np.testing.assert_allclose(cut[0, 0], np.arange(columns, columns + width))


def test_resizing_stays_within_the_values_there_are():
    step = torch.zeros(1, 8, 8)
    step[..., 4:] = 5.0
    larger = _resize_maps(step, 48, 64)
    assert larger.min() >= 0
    assert larger.max() <= 5.00001


def test_non_positive_estimates_become_nan(views):
    class Stub:
        def estimate(self, images, cameras, *, is_known):
            assert len(images) == len(cameras) == len(is_known) <= 2
            assert all(is_known)
            depth = np.full(images.shape[:3], 2.0, np.float32)
            depth[:, 0], depth[:, 1], depth[:, 2] = -1, np.inf, 0
            return DepthEstimate(depth, np.full(len(images), np.nan))

    depth_m = estimate_depth.estimate_shard(Stub(), ViewShard.open(views), batch_size=2).depth_m

    assert np.isnan(depth_m[:, :3]).all()
    assert (depth_m[:, 3:] == 2).all()


def test_relative_models_are_refused(tmp_path):
    folder = save_depth_anything(tmp_path / "relative", kind="relative")
    with pytest.raises(UserError, match=r"relative depth, not meters.*depth\.backend"):
        TransformersEstimator(str(folder))


@pytest.mark.parametrize(("config", "kind"), [(DPTConfig(), "dpt"), (SamConfig(), "sam")])
def test_types_not_known_to_be_metric_are_refused(tmp_path, config, kind):
    config.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=f"of type '{kind}'.*allowed: depth_anything"):
        TransformersEstimator(str(tmp_path))


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_folders_that_are_no_model_are_named(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"depth\.model .* cannot be loaded"):
        TransformersEstimator(str(tmp_path))


def test_an_unknown_backend_is_a_one_line_error(views, tmp_path):
    command = [
        *(sys.executable, "-m", "workflow_scripts.depth.estimate_depth"),
        *("--views", str(views), "--out", str(tmp_path / "o.zarr"), "--model", "x"),
        *("--settings", '{"backend": "transformer"}'),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: --settings: backend: 'transformer' is not allowed; "
        "allowed: simulator, transformers; did you mean 'transformers'?"
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_half_precision_on_a_gpu_agrees_with_the_cpu(views, models):
    shard = ViewShard.open(views)
    images, cameras = shard.rgb(0)[None], [shard.camera(0)]
    model = str(models["depth_anything"])
    on_gpu, on_cpu = (
        TransformersEstimator(model, device=device)
        .estimate(images, cameras, is_known=[True])
        .depth_m
        for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=0.02)


def test_missing_views_are_named(models, tmp_path):
    with pytest.raises(UserError, match=r"0009\.zarr"):
        estimate_depth.main(
            views=Path(tmp_path / "0009.zarr"),
            out=tmp_path / "o.zarr",
            settings=EstimatorSettings(backend="transformers", model=str(models["depth_anything"])),
        )


def test_a_view_that_breaks_the_estimator_costs_only_itself(views):
    class Fragile:
        """Fails on view 1, whichever pictures come with it."""

        def __init__(self, broken):
            self.broken = broken

        def estimate(self, images, cameras, *, is_known):
            if any((image == self.broken).all() for image in images):
                raise RuntimeError("shape mismatch")
            return DepthEstimate(
                np.full(images.shape[:3], 2.0, np.float32), np.full(len(images), np.nan)
            )

    shard = ViewShard.open(views)
    estimates = estimate_depth.estimate_shard(Fragile(shard.rgb(1)), shard, batch_size=2)

    assert np.isnan(estimates.depth_m[1]).all()
    assert (estimates.depth_m[[0, 2]] == 2).all()
    assert estimates.depth_source[:3] == [
        "estimated", "failed: RuntimeError: shape mismatch", "estimated",
    ]  # fmt: skip

    class Broken:
        def estimate(self, images, cameras, *, is_known):
            raise RuntimeError("no kernel for this card")

    with pytest.raises(RuntimeError, match="no kernel"):
        estimate_depth.estimate_shard(Broken(), shard, batch_size=2)
