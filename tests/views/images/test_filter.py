"""Filtering: thresholds that are used, texts encoded once, empty lists that filter nothing."""

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.photos import picture, read_row, write_photo_shard
from tests.views.images.tiny_models import save_clip, save_siglip
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.images import FilterSettings
from workflow_scripts.sources.readers.photo_records import PhotoFilterRow, PhotoReadRow
from workflow_scripts.views.images import filter
from workflow_scripts.views.images.encoder import DualEncoder
from workflow_scripts.views.images.letterbox import Letterbox

SIZES = [(64, 48), (48, 64), (64, 64)]


@pytest.fixture
def read(tmp_path: Path) -> Path:
    """Three photos of three sizes, as `read_images` leaves them."""
    path = write_photo_shard(
        tmp_path / "0000.read.zarr", sizes=SIZES, intrinsics_sources=["default"] * 3
    )
    write_table(tmp_path / "0000.read.parquet", records_to_frame(rows(), PhotoReadRow))
    return path


def rows() -> list[PhotoReadRow]:
    return [
        read_row(
            view,
            Letterbox.fit(width_px=width, height_px=height, frame_width_px=64, frame_height_px=64),
        )
        for view, (width, height) in enumerate(SIZES)
    ]


@pytest.mark.parametrize(
    ("probabilities", "threshold", "reason"),
    [
        ([0.9, 0.0, 0.1], 0.5, ""),
        ([0.4, 0.3, 0.1], 0.5, "not included"),
        ([0.4, 0.3, 0.1], 0.4, ""),
        ([0.4, 0.3, 0.1], 0.41, "not included"),
        ([0.1, 0.2, 0.7], 0.5, "excluded"),
        ([0.6, 0.2, 0.7], 0.5, "excluded"),
        ([0.6, 0.2, 0.7], 0.71, "not included"),
        ([math.nan, 0.2, 0.7], 0.5, "filter"),
    ],
)
def test_include_and_exclude(probabilities, threshold, reason):
    _, _, found = filter.drop_reason(
        np.array(probabilities),
        include=["kitchen", "office"],
        exclude=["chart"],
        threshold=threshold,
    )
    assert found.split(":")[0] == reason


def test_include_alone_and_exclude_alone():
    only_include = {"include": ["kitchen"], "exclude": [], "threshold": 0.5}
    assert filter.drop_reason(np.array([0.6]), **only_include)[2] == ""
    assert filter.drop_reason(np.array([0.4]), **only_include)[2].startswith("not included")
    only_exclude = {"include": [], "exclude": ["chart"], "threshold": 0.5}
    assert filter.drop_reason(np.array([0.6]), **only_exclude) == (
        "chart",
        0.6,
        "excluded: shows chart",
    )
    assert filter.drop_reason(np.array([0.4]), **only_exclude)[2] == ""


def test_empty_lists_keep_everything_and_load_no_model(read, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "workflow_scripts.views.images.encoder", None)
    settings = FilterSettings(model="no/such-model")
    filter.main(photo_frames=read, out=tmp_path / "f.parquet", settings=settings)
    found = pd.read_parquet(tmp_path / "f.parquet")
    assert list(found.columns) == list(PhotoFilterRow.model_fields)
    assert found.reason.tolist() == [""] * 3


@pytest.mark.parametrize("save", [save_clip, save_siglip])
def test_models_decide_and_the_threshold_changes_what_is_kept(read, tmp_path, save):
    model = str(save(tmp_path / "model"))
    reasons = []
    for threshold in (0.0, 1.0):
        filter.main(
            photo_frames=read,
            out=tmp_path / "f.parquet",
            settings=FilterSettings(
                include=("kitchen", "box"), threshold=threshold, model=model, batch_size=2
            ),
        )
        found = pd.read_parquet(tmp_path / "f.parquet")
        assert found.probability.between(0, 1).all()
        assert set(found.label) <= {"kitchen", "box"}
        reasons.append(found.reason.tolist())
    assert reasons[0] == [""] * 3
    assert all(reason.startswith("not included") for reason in reasons[1])


@pytest.mark.parametrize("save", [save_clip, save_siglip])
def test_batches_and_texts(read, tmp_path, save, monkeypatch):
    """Photos are the same in any batch; the texts are encoded once, whatever the photos."""
    encoder = DualEncoder(
        str(save(tmp_path / "model")), ["kitchen", "chart"], template="a photo of {}"
    )
    monkeypatch.setattr(type(encoder._model), "get_text_features", None)
    images = [picture(64, 48, seed=seed) for seed in range(5)] + [picture(30, 70, seed=9)]
    together = encoder.probabilities(images)
    alone = np.concatenate([encoder.probabilities([image]) for image in images])
    assert together.shape == (6, 2)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 0


def test_one_label_of_clip_is_not_certain(tmp_path):
    """A softmax over a single label would be 1 for every photo, and the threshold without use."""
    encoder = DualEncoder(str(save_clip(tmp_path / "model")), ["chart"], template="{}")
    assert encoder.probabilities([picture()])[0, 0] < 1 - 1e-6


def test_the_model_sees_no_bars(read):
    class Seeing:
        labels = ("box",)

        def __init__(self) -> None:
            self.shapes: list[tuple[int, ...]] = []

        def probabilities(self, images):
            self.shapes += [image.shape for image in images]
            return np.ones((len(images), 1), np.float32)

    seeing = Seeing()
    found = filter.filter_photos(
        ViewShard.open(read), rows(), seeing, include=["box"], exclude=[], threshold=0, batch_size=2
    )
    assert [row.view for row in found] == [0, 1, 2]
    assert seeing.shapes == [(48, 64, 3), (64, 48, 3), (64, 64, 3)]


def test_a_photo_that_the_model_fails_on_costs_itself(read):
    class Failing:
        labels = ("box",)

        def __init__(self, *, fails_on: tuple[int, ...]) -> None:
            self.fails_on = fails_on

        def probabilities(self, images):
            if any(image.shape[0] in self.fails_on for image in images):
                raise ValueError("no such\nshape")
            return np.ones((len(images), 1), np.float32)

    def reasons(*fails_on: int) -> list[str]:
        filter_rows = filter.filter_photos(
            ViewShard.open(read), rows(), Failing(fails_on=fails_on), include=["box"], exclude=[],
            threshold=0, batch_size=2,
        )  # fmt: skip
        return [row.reason for row in filter_rows]

    assert reasons(48) == ["filter: failed: ValueError: no such shape", "", ""]
    with pytest.raises(ValueError, match="no such"):
        reasons(48, 64)


@pytest.mark.parametrize(
    ("include", "exclude", "message"),
    [
        (["a", " "], [], r"include: a label is empty"),
        ([], [""], r"exclude: a label is empty"),
        (["a"], ["b", "a"], "a is in include and in exclude"),
    ],
)
def test_labels_that_make_no_sense(include, exclude, message):
    with pytest.raises(UserError, match=message):
        FilterSettings.parse({"include": include, "exclude": exclude})


def test_a_model_that_is_none_or_of_another_kind_is_named(read, tmp_path):
    from tests.views.images.tiny_models import save_sam2

    def run(model: Path) -> None:
        settings = FilterSettings(include=("box",), model=str(model))
        filter.main(photo_frames=read, out=tmp_path / "f.parquet", settings=settings)

    with pytest.raises(UserError, match=r"filter\.model .* cannot be loaded.*empty the include"):
        run(tmp_path / "none")
    with pytest.raises(UserError, match=r"filter\.model .* is of type 'sam2'; allowed: clip"):
        run(save_sam2(tmp_path / "sam2"))
    assert not (tmp_path / "f.parquet").exists()
