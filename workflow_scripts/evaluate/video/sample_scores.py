"""A metric of many samples: its score over any of them, and over resamples of their scans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.video.caption_metrics import bleu_of_counts

NAN = float("nan")


class SampleScores(Protocol):
    """A metric of n samples."""

    @property
    def applies(self) -> np.ndarray:
        """Return for which samples it is defined, bool [n]."""

    def score(self, rows: np.ndarray, resample: SceneBootstrap) -> tuple[float, np.ndarray]:
        """Return the score over samples [k] by number, and over their resamples [resamples]."""

    def spread(self, rows: np.ndarray, num_samples: int) -> Self:
        """Return it for `num_samples` samples, of which those measured are `rows` [n]."""


@dataclass(frozen=True)
class MeanScores:
    """A metric that is a mean: values f64 [n], NaN where it does not apply."""

    values: np.ndarray

    @property
    def applies(self) -> np.ndarray:
        """Return for which samples it is defined, bool [n]."""
        is_defined: np.ndarray = np.isfinite(self.values)
        return is_defined

    def score(self, rows: np.ndarray, resample: SceneBootstrap) -> tuple[float, np.ndarray]:
        """Return the mean over samples and over their resamples."""
        return resample.means(self.values[rows])

    def spread(self, rows: np.ndarray, num_samples: int) -> "MeanScores":
        """Return it for more samples, to which it does not apply."""
        return MeanScores(_spread(self.values, rows, num_samples))


@dataclass(frozen=True)
class BleuScores:
    """BLEU of one length of n-grams: counts f64 [n, 10] of `bleu_counts`, NaN where none."""

    counts: np.ndarray
    longest: int

    @property
    def applies(self) -> np.ndarray:
        """Return for which samples it is defined, bool [n]."""
        is_defined: np.ndarray = np.isfinite(self.counts[:, 0])
        return is_defined

    def score(self, rows: np.ndarray, resample: SceneBootstrap) -> tuple[float, np.ndarray]:
        """Return BLEU of the samples' corpus and of resampled corpora."""
        counts = np.nan_to_num(self.counts[rows])
        by_scene = np.zeros((resample.num_scenes, counts.shape[1]))
        np.add.at(by_scene, resample.scene, counts)
        draws = bleu_of_counts(resample.weights @ by_scene)[:, self.longest - 1]
        return float(bleu_of_counts(counts.sum(axis=0))[self.longest - 1]), draws

    def spread(self, rows: np.ndarray, num_samples: int) -> "BleuScores":
        """Return it for more samples, to which it does not apply."""
        return replace(self, counts=_spread(self.counts, rows, num_samples))


@dataclass(frozen=True)
class CorpusScore:
    """A score of all samples to which it applies, bool [n], of which no part can be scored."""

    value: float
    applies: np.ndarray

    def score(self, rows: np.ndarray, resample: SceneBootstrap) -> tuple[float, np.ndarray]:
        """Return the score, without resamples; NaN of a part of the samples."""
        is_whole = self.applies[rows].sum() == self.applies.sum()
        return self.value if is_whole else NAN, np.full(len(resample.weights), np.nan)

    def spread(self, rows: np.ndarray, num_samples: int) -> "CorpusScore":
        """Return it for more samples, to which it does not apply."""
        applies = np.zeros(num_samples, dtype=bool)
        applies[rows] = self.applies
        return replace(self, applies=applies)


def mean_scores(columns: Mapping[str, Sequence[float] | np.ndarray]) -> dict[str, SampleScores]:
    """Return metrics that are means, from their values by name."""
    return {name: MeanScores(np.asarray(values, float)) for name, values in columns.items()}


def spread_scores(
    scores: Mapping[str, SampleScores], rows: np.ndarray, num_samples: int
) -> dict[str, SampleScores]:
    """Return scores of some samples as scores of all `num_samples`."""
    return {name: score.spread(rows, num_samples) for name, score in scores.items()}


def _spread(values: np.ndarray, rows: np.ndarray, num_samples: int) -> np.ndarray:
    spread = np.full((num_samples, *values.shape[1:]), np.nan)
    spread[rows] = values
    return spread
