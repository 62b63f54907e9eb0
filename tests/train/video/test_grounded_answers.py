"""Directions of what a question names are learned from frames; the blind model cannot know them."""

from pathlib import Path

import numpy as np
import pytest

from testing.micro_scans import make_base, make_scans, scan_experiment
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanPrediction, ScanSample
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.evaluate.video import predict
from workflow_scripts.experiments.video import VideoPredictSettings, VideoTrainingSettings

SHOWN = {
    **{"pooling": 1, "tasks": ["question"], "situation": "pose", "grounded_answers": True},
    "position_encoding": {"scale": 0.3},
}
TRAINED = {
    **SHOWN,
    **{"adapter": "none", "deepspeed": "none", "num_processes": 1, "blind_fraction": 0.3},
    **{"steps": 160, "batch_size": 12, "learning_rate": 5e-3, "save_steps": 1000},
    "train_vision": True,
}


def ask_for_directions(path: Path) -> None:
    """Replace samples by questions about the boxes of a scan: one is ahead, the others beside."""
    found = []
    for sample in read_records(path, ScanSample):
        if sample.task != "grounding" or abs(sample.target_boxes[0][0]) < 0.1:
            continue
        (target,) = sample.targets
        side = "left" if sample.target_boxes[0][0] < 0 else "right"
        changes = {
            "task": "question",
            "question_type": "which",
            "text": f"On which side of me is the {sample.text.split()[1]} box, left or right?",
            "situation": "I look at the wall.",
            "position_m": (0.0, 0.0, 1.5),
            "facing_deg": 90.0,
            "targets": [],
            "target_boxes": [],
            "answer": side,
            "answers": [side],
            "answer_type": "text",
            "referents": [1, 2, 3],
            "evidence": {f"left_deg_{target}": 20.0},
        }
        found.append(sample.model_copy(update=changes))
    assert found
    write_records(path, found)


def test_directions_are_learned_that_the_blind_model_cannot_know(tmp_path: Path) -> None:
    make_base(tmp_path / "base")
    make_scans(tmp_path, splits={"train": 24, "val": 1, "test": 24})
    for split in ("train", "val", "test"):
        ask_for_directions(tmp_path / f"{split}.jsonl")
    experiment = scan_experiment(tmp_path, tmp_path / "training", TRAINED)
    experiment.train()
    truth = {one.sample_id: one.answer for one in read_records(tmp_path / "test.jsonl", ScanSample)}
    assert len(truth) == 2 * 24
    right = {}
    for condition in ("image", "blind"):
        out = tmp_path / f"{condition}.jsonl"
        predict.main(
            questions=tmp_path / "test.jsonl",
            views=[tmp_path / "scans.zarr"],
            proposals=[tmp_path / "scans.proposals.parquet"],
            base=str(tmp_path / "base"),
            model=experiment.result,
            experiment="directions",
            condition=condition,
            max_new_tokens=4,
            out=out,
            settings=VideoPredictSettings.parse(SHOWN),
        )
        answers = read_records(out, ScanPrediction)
        right[condition] = np.mean([truth[one.sample_id] == one.text for one in answers])
    assert right["image"] > 0.9
    assert right["blind"] < 0.7


def test_answers_in_two_steps_need_questions() -> None:
    with pytest.raises(UserError, match=r"grounded_answers: true, but tasks has grounding"):
        VideoTrainingSettings.parse({"grounded_answers": True, "tasks": ["grounding"]})
