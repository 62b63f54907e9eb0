"""Files of a small run of scans: samples, proposals and answers, made by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.scan_samples import ProposalRow, ScanPrediction, ScanSample
from workflow_scripts.common.storage import write_records, write_table
from workflow_scripts.config.evaluate import ScanScoreSettings
from workflow_scripts.evaluate.score_table import read_scores
from workflow_scripts.evaluate.video import score

NUM_OBJECTS = 3
ALL_CONDITIONS = ("image", "blind", "rotated90", "rotated180", "rotated270")


def box(number: int) -> tuple[float, float, float, float, float, float]:
    """Return the box of an object: cubes of 1 m along x, 2 m apart."""
    return (2.0 * number, 0.0, 0.5, 1.0, 1.0, 1.0)


def proposal_rows(scene_id: str, num_objects: int = NUM_OBJECTS) -> list[ProposalRow]:
    """Return a proposal for each object of a scan; instances count from 11."""
    return [
        ProposalRow(
            scene_id=scene_id,
            proposal=number,
            instance=11 + number,
            category=("chair", "table", "lamp")[number % 3],
            **dict(
                zip(
                    ("x_m", "y_m", "z_m", "width_m", "depth_m", "height_m"),
                    box(number),
                    strict=True,
                )
            ),
        )
        for number in range(num_objects)
    ]


def sample(sample_id: str, scene_id: str = "s0", **changes: Any) -> ScanSample:
    """Return a description of object 0, or what `changes` say."""
    return ScanSample(
        **{
            **{"sample_id": sample_id, "source": "scans", "scene_id": scene_id, "split": "test"},
            **{"task": "grounding", "question_type": "unique", "text": "the red chair"},
            **({"targets": [11], "target_boxes": [box(0)]} if "task" not in changes else {}),
            **changes,
        }
    )


def grounding(
    sample_id: str, numbers: Sequence[int], scene_id: str = "s0", **changes: Any
) -> ScanSample:
    """Return a description that means some objects."""
    meant = {
        "targets": [11 + number for number in numbers],
        "target_boxes": [box(number) for number in numbers],
    }
    return sample(sample_id, scene_id, **{**meant, **changes})


def question(sample_id: str, answer: str, scene_id: str = "s0", **changes: Any) -> ScanSample:
    """Return a question whose answer is a text."""
    values = {"task": "question", "question_type": "what", "answer_type": "text"}
    return sample(
        sample_id, scene_id, **{**values, "answer": answer, "answers": [answer], **changes}
    )


def caption(sample_id: str, number: int, *texts: str, scene_id: str = "s0") -> ScanSample:
    """Return an object to describe, with references."""
    return sample(
        sample_id,
        scene_id,
        task="captioning",
        question_type="caption",
        text="",
        targets=[11 + number],
        target_boxes=[box(number)],
        point_m=box(number)[:3],
        answer=texts[0],
        answers=list(texts),
    )


def scores_for(number: int | None, num_objects: int = NUM_OBJECTS) -> list[float]:
    """Return scores with an object, or none, far above the others."""
    scores = np.full(num_objects + 1, -0.5)
    scores[num_objects if number is None else number] = 0.9
    return [float(value) for value in scores]


def choices(numbers: Mapping[str, int | None]) -> dict[str, dict[str, Any]]:
    """Return answers that choose an object, or none, by sample."""
    return {name: {"scores": scores_for(number)} for name, number in numbers.items()}


def prediction(
    sample_id: str, condition: str = "image", experiment: str = "model", **values: Any
) -> ScanPrediction:
    """Return an answer."""
    return ScanPrediction(experiment=experiment, condition=condition, sample_id=sample_id, **values)


@dataclass
class ScanRun:
    """Files of a run in a folder; `answers` are values of predictions by condition and sample."""

    folder: Path
    samples: list[ScanSample]
    answers: Mapping[str, Mapping[str, Any]]
    scans: Mapping[str, int] = field(default_factory=lambda: {"s0": NUM_OBJECTS})
    training: list[ScanSample] | None = None
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def write(self, records: Sequence[ScanPrediction], name: str) -> Path:
        """Write answers as a file of predictions."""
        path = self.folder / f"{name}.jsonl"
        write_records(path, records)
        return path

    def arguments(self, **changes: Any) -> dict[str, Any]:
        """Write the files and return the arguments of the command."""
        samples = self.folder / "test.jsonl"
        write_records(samples, self.samples)
        table = self.folder / "scans" / "0000.proposals.parquet"
        rows = [row for name, count in self.scans.items() for row in proposal_rows(name, count)]
        table.parent.mkdir(exist_ok=True)
        write_table(table, records_to_frame(rows, ProposalRow))
        values: dict[str, Any] = {
            "samples": samples,
            "proposals": [table],
            "experiment": "model",
            "seed": 7,
            "out": self.folder / "scores.parquet",
            "settings": ScanScoreSettings(bootstrap_samples=100),
        }
        for condition, answers in self.answers.items():
            records = [
                prediction(sample_id, condition, **given) for sample_id, given in answers.items()
            ]
            values[condition] = [self.write(records, f"predictions.{condition}")]
        if self.training is not None:
            values["training"] = self.folder / "train.jsonl"
            write_records(values["training"], self.training)
        if self.others:
            records = [
                prediction(sample_id, experiment=name, **given)
                for name, answers in self.others.items()
                for sample_id, given in answers.items()
            ]
            values["compared"] = [self.write(records, "others")]
        return {**values, **changes}

    def scores(self, **changes: Any) -> pd.DataFrame:
        """Score the run and return the rows."""
        arguments = self.arguments(**changes)
        score.main(**arguments)
        return read_scores(arguments["out"])


def row_of(
    rows: pd.DataFrame,
    metric: str,
    family: str = "all",
    method: str = "learned",
    benchmark: str = "scan_samples",
) -> dict[str, Any]:
    """Return the one row of a metric."""
    chosen = rows[
        (rows["metric"] == metric)
        & (rows["family"] == family)
        & (rows["method"] == method)
        & (rows["benchmark"] == benchmark)
    ]
    assert len(chosen) == 1, (metric, family, method, len(chosen))
    return dict(chosen.iloc[0].to_dict())
