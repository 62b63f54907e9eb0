"""A classifier that sees the options of multiple choice and nothing else."""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from workflow_scripts.common.questions import Question
from workflow_scripts.common.units import FOOT_M, INCH_M, SQUARE_FOOT_M2

FOLDS = 5
SCALES = {"cm": 0.01, "in": INCH_M, "ft": FOOT_M, "square feet": SQUARE_FOOT_M2}


def number_of(text: str) -> float:
    """Return the value of an option in SI units, degrees or hours."""
    number, _, unit = text.partition(" ")
    return float(number) * SCALES.get(unit, 1.0)


def features(options: Sequence[str]) -> np.ndarray:
    """Return what can be seen of each option beside the others, [4, features]."""
    values = np.array([number_of(text) for text in options])
    logs = np.log(np.maximum(values, 1e-3))
    lengths = np.array([len(text) for text in options])
    digits = np.array([len(text.partition(" ")[0]) for text in options])
    rows = []
    for place, value in enumerate(values):
        others = np.delete(np.arange(len(values)), place)
        steps, ratios = values[others] - value, logs[others] - logs[place]
        rest = (lengths[others], digits[others])
        turns = np.sort(np.abs(steps) % 360)
        rows.append(
            [
                value, logs[place], (values < value).sum(), lengths[place], digits[place], place,
                *np.sort(ratios), *np.sort(steps), *turns, *(np.sort(one).mean() for one in rest),
                np.abs(ratios).min(), np.abs(logs - logs.mean()).argmin() == place,
            ]
        )  # fmt: skip
    return np.array(rows, dtype=float)


def right_from_options(questions: Sequence[Question], *, seed: int = 0) -> np.ndarray:
    """Say of each question whether a classifier fitted on other scenes picks the right option."""
    scenes = {name: place for place, name in enumerate(sorted({q.scene_id for q in questions}))}
    folds = np.array([scenes[question.scene_id] % FOLDS for question in questions])
    rows = np.array([features(question.options) for question in questions])
    truths = np.array([question.choices.index(str(question.truth)) for question in questions])
    is_true = np.arange(4) == truths[:, None]
    right = np.zeros(len(questions), dtype=bool)
    for fold in range(FOLDS):
        test = folds == fold
        if not test.any() or test.all():
            continue
        model = HistGradientBoostingClassifier(
            max_iter=40, max_leaf_nodes=8, min_samples_leaf=30, random_state=seed
        )
        model.fit(rows[~test].reshape(-1, rows.shape[2]), is_true[~test].ravel())
        scores = model.predict_proba(rows[test].reshape(-1, rows.shape[2]))[:, 1].reshape(-1, 4)
        right[test] = scores.argmax(axis=1) == truths[test]
    return right
