"""What describes a metric of answers, keypoints, rooms, ...; `metrics.py` has the table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.common.scan_samples import ScanTask
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.pose.keypoint_errors import KeypointErrors
from workflow_scripts.evaluate.replies import Reply

ObjectGroup = Literal["rooms", "all", "visible", "hidden", "target", "category"]
ALL_ANSWERS: tuple[AnswerType, ...] = get_args(AnswerType)


@dataclass(frozen=True)
class Metric:
    """What a score means.

    Attributes:
        name: Its name in the column `metric`.
        better: Which end of its scale is good.
        unit: Unit of its values; "fraction" lies between 0 and 1.
        definition: What is averaged; p is the prediction, g the truth.
        source: Where it was published, and its name there; "" for a metric of ours.
        is_headline: Whether it is in results/eval.csv; the others are in scores.parquet only.
    """

    name: str
    better: Literal["higher", "lower"]
    unit: str
    definition: str
    source: str = ""
    is_headline: bool = False

    @property
    def sign(self) -> float:
        """Return 1 if higher is better, else -1."""
        return 1.0 if self.better == "higher" else -1.0

    @property
    def scored(self) -> str:
        """Return in words what it applies to."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class AnswerMetric(Metric):
    """A metric of replies to questions.

    Attributes:
        answer_types: Types of answers that it applies to.
        measure: Returns its value for one reply; NaN where it needs an answer and none was read.
            It may read of the item all but its ids, its words and its pictures: questions that
            differ in these alone are measured once.
        benchmark: The published benchmark whose questions alone it applies to; "" for all.
        omit_zero: Whether it has no row where it is 0 for every question.
    """

    answer_types: tuple[AnswerType, ...]
    measure: Callable[[Reply], float]
    benchmark: str = ""
    omit_zero: bool = False

    def applies_to(self, item: EvalItem) -> bool:
        """Say whether the metric is defined for an item's type of answer."""
        is_measured = not self.benchmark or item.benchmark == self.benchmark
        return is_measured and item.answer_type in self.answer_types

    @property
    def scored(self) -> str:
        """Return the types of answers in words."""
        types = "all answers" if self.answer_types == ALL_ANSWERS else ", ".join(self.answer_types)
        return f"{types} of {self.benchmark}" if self.benchmark else types


@dataclass(frozen=True, kw_only=True)
class KeypointMetric(Metric):
    """A metric of 3D keypoints.

    Attributes:
        measure: Returns its value for each of n points [n], NaN where a point does not count.
        statistic: What the score is over the points that count.
        per_keypoint: Whether every keypoint has rows of its own, beside those of all keypoints.
    """

    measure: Callable[[KeypointErrors], np.ndarray]
    statistic: Literal["mean", "median"] = "mean"
    per_keypoint: bool = False

    @property
    def scored(self) -> str:
        """Return "keypoints"."""
        return "keypoints"


@dataclass(frozen=True, kw_only=True)
class PatchMetric(Metric):
    """A metric of the names that a vision tower gives to patches.

    Attributes:
        is_right: Says whether a category that was named counts for the true one.
    """

    is_right: Callable[[str, str], bool]

    @property
    def scored(self) -> str:
        """Return "patches"."""
        return "patches"


@dataclass(frozen=True, kw_only=True)
class ModelMetric(Metric):
    """A number about a model or its test data that no prediction enters.

    Attributes:
        about: What it is a number of.
    """

    about: str

    @property
    def scored(self) -> str:
        """Return what it is a number of."""
        return self.about


@dataclass(frozen=True, kw_only=True)
class RoomMetric(Metric):
    """A metric of reconstructed rooms; evaluate/reconstruction measures it under its name.

    Attributes:
        objects: Groups of true objects that it is measured on: "target" are those that an answer
            of the experiment is to say, "rooms" counts no objects.
        is_published: Whether it is a published definition that a setting switches off.
    """

    objects: tuple[ObjectGroup, ...] = ("rooms",)
    is_published: bool = False

    @property
    def scored(self) -> str:
        """Return what of rooms it is a metric of."""
        if self.objects == ("rooms",):
            return "rooms"
        return f"objects of rooms: {', '.join(self.objects)}"


@dataclass(frozen=True, kw_only=True)
class ScanMetric(Metric):
    """A metric of answers about scans; evaluate/video measures it under its name.

    Attributes:
        tasks: Tasks of the samples that it is measured on.
        needs_java: Whether programs of pycocoevalcap in Java measure it.
        is_overall: Whether only its row of all samples is a headline, as types have the same value.
    """

    tasks: tuple[ScanTask, ...]
    needs_java: bool = False
    is_overall: bool = False

    @property
    def scored(self) -> str:
        """Return the tasks in words."""
        return f"scans: {', '.join(self.tasks)}"


def is_better(value: float, other: float, metric: Metric) -> bool:
    """Say whether a value of a metric is better than another; NaN is worse than any number."""
    if np.isnan(value) or np.isnan(other):
        return not np.isnan(value)
    return metric.sign * value > metric.sign * other
