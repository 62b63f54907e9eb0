"""True and predicted boxes of many pictures as arrays, and which share picture and class."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.geometry.box_overlap import OrientedBoxes

MAX_DETECTIONS = 100


@dataclass(frozen=True)
class PictureBoxes:
    """True and predicted boxes of one picture, in one frame.

    `ignored` [n] marks true boxes that count neither as found nor as missed; `scores` [m] orders
    the predictions, 1 for all where there are none.
    """

    true: OrientedBoxes
    true_labels: tuple[str, ...]
    predicted: OrientedBoxes
    predicted_labels: tuple[str, ...]
    ignored: np.ndarray | None = None
    scores: np.ndarray | None = None


@dataclass(frozen=True)
class Detections:
    """Boxes of all pictures, one after the other; sizes that are unknown are 0.

    Attributes:
        true, predicted: boxes [n] and [m].
        true_class, predicted_class: numbers of classes, in the order of their names.
        true_picture, picture: numbers of pictures of true and of predicted boxes.
        ignored: true boxes [n] that count neither as found nor as missed.
        emission: place [m] of a prediction in its reply.
        scores: [m].
        pair_true: true box of each pair of one picture and class; pairs are those of prediction 0,
            then those of prediction 1 and so on.
        first_pair: where the pairs of each prediction begin [m + 1].
    """

    num_pictures: int
    num_classes: int
    true: OrientedBoxes
    predicted: OrientedBoxes
    true_class: np.ndarray
    predicted_class: np.ndarray
    true_picture: np.ndarray
    picture: np.ndarray
    ignored: np.ndarray
    emission: np.ndarray
    scores: np.ndarray
    pair_true: np.ndarray
    first_pair: np.ndarray

    def pairs(self) -> tuple[OrientedBoxes, OrientedBoxes]:
        """Return the true and the predicted box of each pair."""
        predicted = np.repeat(np.arange(len(self.predicted)), np.diff(self.first_pair))
        return self.true.take(self.pair_true), self.predicted.take(predicted)

    @cached_property
    def processing_order(self) -> np.ndarray:
        """Return the predictions picture by picture, class by class, the best score first.

        Of a class in a picture at most `MAX_DETECTIONS` are kept.
        """
        keys = (self.emission, -self.scores, self.predicted_class, self.picture)
        order = np.lexsort(keys)
        group = self.picture[order] * max(self.num_classes, 1) + self.predicted_class[order]
        place = np.arange(len(order)) - np.searchsorted(group, group)
        kept: np.ndarray = order[place < MAX_DETECTIONS]
        return kept


def collect_detections(pictures: Sequence[PictureBoxes]) -> Detections:
    """Return the boxes of pictures as arrays."""
    labels = {label for p in pictures for label in (*p.true_labels, *p.predicted_labels)}
    numbers = {label: number for number, label in enumerate(sorted(labels))}
    nothing = np.zeros(0, dtype=np.int64)
    true_class, predicted_class, ignored, emission, scores = [], [], [], [], []
    pair_true, num_pairs, offset = [], [], 0
    for picture in pictures:
        a = np.array([numbers[label] for label in picture.true_labels], dtype=np.int64)
        b = np.array([numbers[label] for label in picture.predicted_labels], dtype=np.int64)
        same = b[:, None] == a[None, :]
        pair_true.append(np.nonzero(same)[1] + offset)
        num_pairs.append(same.sum(axis=1))
        offset += len(a)
        true_class.append(a)
        predicted_class.append(b)
        ignored.append(_or_default(picture.ignored, np.zeros(len(a), dtype=bool)))
        scores.append(_or_default(picture.scores, np.ones(len(b))))
        emission.append(np.arange(len(b)))
    count = np.arange(len(pictures))
    return Detections(
        num_pictures=len(pictures),
        num_classes=len(numbers),
        true=_joined([picture.true for picture in pictures]),
        predicted=_joined([picture.predicted for picture in pictures]),
        true_class=np.concatenate([nothing, *true_class]),
        predicted_class=np.concatenate([nothing, *predicted_class]),
        true_picture=np.repeat(count, [len(a) for a in true_class]),
        picture=np.repeat(count, [len(b) for b in predicted_class]),
        ignored=np.concatenate([nothing, *ignored]).astype(bool),
        emission=np.concatenate([nothing, *emission]),
        scores=np.concatenate([np.zeros(0), *scores]),
        pair_true=np.concatenate([nothing, *pair_true]),
        first_pair=np.concatenate([[0], *num_pairs]).cumsum().astype(np.int64),
    )


def _or_default(values: np.ndarray | None, default: np.ndarray) -> np.ndarray:
    return default if values is None else np.asarray(values)


def _joined(boxes: Sequence[OrientedBoxes]) -> OrientedBoxes:
    return OrientedBoxes(
        np.concatenate([np.zeros((0, 3)), *(box.centre_m for box in boxes)]),
        np.nan_to_num(np.concatenate([np.zeros((0, 3)), *(box.size_m for box in boxes)])),
        np.concatenate([np.zeros((0, 3, 3)), *(box.rotation for box in boxes)]),
    )
