"""Scores at all focal lengths in one table."""

import shutil

import pandas as pd
import pytest

from tests.evaluate.reconstruction.rooms import CONDITIONS, room_records, truth, write_run
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.evaluate.reconstruction import focal_table, score
from workflow_scripts.experiments.reconstruction import ReconstructionScoreSettings

LAYOUT = LayoutTextSettings(precision_m=0.01, yaw_step_deg=1, min_pixels=1)


def test_scores_stand_side_by_side(tmp_path) -> None:
    run = write_run(tmp_path / "run", room_records(3, 4))
    for condition in CONDITIONS:
        run.answer(condition, truth(LAYOUT))
    settings = ReconstructionScoreSettings(
        layout=LAYOUT, bootstrap_samples=100, published_metrics=False
    )
    usual = tmp_path / "evaluate/rooms/scores.parquet"
    half = tmp_path / "evaluate/rooms/focal050/scores.parquet"
    for out in (usual, half):
        score.main(**{**run.arguments(), "settings": settings, "out": out})
    focal_table.main(scores=[usual, half], out=tmp_path / "focal.csv", given_intrinsics=("rooms",))
    table = pd.read_csv(tmp_path / "focal.csv")
    f1 = table[(table.metric == "f1_1m") & (table.family == "visible")]
    assert f1.focal_percent.tolist() == [50, 100]
    assert f1.value.tolist() == [1, 1]
    assert table.intrinsics_in_prompt.all()
    focal_table.main(scores=[half, usual], out=tmp_path / "other.csv")
    assert not pd.read_csv(tmp_path / "other.csv").intrinsics_in_prompt.any()
    shutil.copy(run.folder / "vqa/procthor/0000.rooms.parquet", tmp_path / "scores.parquet")
    with pytest.raises(UserError, match=r"scores\.parquet"):
        focal_table.main(scores=[tmp_path / "scores.parquet"], out=tmp_path / "none.csv")
