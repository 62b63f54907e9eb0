"""Patches are counted by the object that fills them; names are scored beside the commonest one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.evaluate import ScoreSettings
from workflow_scripts.evaluate import score_patch_naming
from workflow_scripts.evaluate.score_patch_naming import summarise
from workflow_scripts.evaluate.score_table import read_scores
from workflow_scripts.models.patch_naming import patch_objects
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_model, make_processor


def test_a_patch_counts_for_what_fills_half_of_it() -> None:
    instance = np.zeros((20, 30), np.uint16)
    instance[:10, :8] = 7  # 8 of 15 columns of the first patch
    instance[10:, 15:22] = 9  # 7 of 15 columns of the last patch
    instance[10:16, :15] = 4
    instance[16:, :15] = 5
    assert patch_objects(instance, 2).tolist() == [7, 0, 4, 0]


def test_names_are_scored_beside_the_commonest() -> None:
    patches = pd.DataFrame(
        [
            *[{"scene_id": "a", "category": "Sofa", "given": "Sofa"}] * 6,
            *[{"scene_id": "b", "category": "Sofa", "given": "ArmChair"}] * 2,
            *[{"scene_id": "b", "category": "Bed", "given": "Bed"}] * 2,
        ]
    )
    rows = {
        (row.family, row.metric): row
        for row in summarise(patches, split="test", resamples=100, seed=7)
    }
    whole = rows["all", "patch_accuracy"]
    assert (whole.n, whole.num_scenes, whole.value) == (10, 2, 0.8)
    assert whole.baseline_value == whole.majority == 0.8
    assert whole.gain == pytest.approx(0)
    assert whole.is_headline
    # People take an armchair for a sofa.
    assert rows["all", "patch_accuracy_confusable"].value == 1.0
    assert rows["Bed", "patch_accuracy"].value == 1.0
    assert not rows["Bed", "patch_accuracy"].is_headline


def test_only_views_of_the_split_are_scored(tmp_path: Path) -> None:
    boxes, cameras = living_room_scene(width_px=64, height_px=64)
    scenes = {"a": (boxes, cameras), "b": (boxes, cameras)}
    shard = write_shard(tmp_path / "0000.zarr", scenes, splits={"a": "train", "b": "test"})
    size = TinyVlmConfig(text_layers=1, vision_layers=1)
    processor = make_processor(size)
    make_model(size, processor, seed=1).save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")

    def score(split: str) -> pd.DataFrame:
        score_patch_naming.main(
            base=tmp_path / "tiny",
            views=[shard],
            seed=7,
            out=tmp_path / "patches.parquet",
            settings=ScoreSettings(split=split),
        )
        return read_scores(tmp_path / "patches.parquet")

    rows = score("test")
    whole = rows[(rows["family"] == "all") & (rows["metric"] == "patch_accuracy")].iloc[0]
    assert whole["num_scenes"] == 1
    assert whole["n"] > 4
    assert 0 <= whole["value"] <= 1
    with pytest.raises(UserError, match="no view of split 'val'"):
        score("val")
