"""Draw the label audit: error rates, sizes of errors, calibration, and what the blind score."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import norm

COLOURS = {
    "clouds": "#1f6f8b",
    "estimate": "#8b3f6f",
    "sensor_noise": "#d9822b",
    "boxes": "#6b7f3a",
}
NAMES = {
    "clouds": "measured in the simulator's depth",
    "estimate": "measured in estimated depth",
    "sensor_noise": "measured through a noisy sensor",
    "boxes": "bounding boxes in place of the drawn shapes",
}
GREY = "#777777"
MOST_SIGMAS = 3.0


def draw_audit(path: Path, facts: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Draw the picture: `facts` are rows of `AuditFact`, `rows` of `AuditRow`."""
    qualitative = rows[(rows.kind == "qualitative") & (rows.labels != "truth") & (rows.n > 0)]
    numbers = rows[(rows.kind == "numeric") & (rows.labels != "truth") & (rows.n > 0)]
    tallest = max(qualitative.family.nunique(), numbers.family.nunique(), 8)
    figure = Figure(figsize=(15, 2.2 + 0.26 * tallest), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = np.asarray(figure.subfigures(1, 3, width_ratios=[1, 1, 0.8]))
    _bars(
        left.subplots(),
        qualitative,
        "error_rate",
        title="choices that contradict the truth",
        unit="% of clear facts",
    )
    _bars(
        middle.subplots(),
        numbers,
        "median_rel_error",
        title="numbers: median distance from the truth",
        unit="% of the truth",
    )
    above, below = right.subplots(2, 1)
    _calibration(above, facts)
    _blind(below, rows)
    figure.savefig(path, format="png")


def _bars(axes: Axes, rows: pd.DataFrame, column: str, *, title: str, unit: str) -> None:
    """Draw a bar for each family and origin of labels, families from top to bottom."""
    families = list(dict.fromkeys(rows.family))
    origins = [labels for labels in COLOURS if (rows.labels == labels).any()]
    height = 0.76 / max(len(origins), 1)
    for number, labels in enumerate(origins):
        group = rows[rows.labels == labels].set_index("family")[column].reindex(families)
        places = np.arange(len(families)) + (number - (len(origins) - 1) / 2) * height
        axes.barh(places, 100 * group.fillna(0), height, color=COLOURS[labels], label=NAMES[labels])
    axes.set_yticks(range(len(families)), [family.replace("_", " ") for family in families])
    axes.tick_params(axis="y", labelsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    if families:
        axes.legend(fontsize=8, loc="lower right", frameon=False)
        axes.set_xlim(0, max(1.0, axes.get_xlim()[1]))


def _calibration(axes: Axes, facts: pd.DataFrame) -> None:
    """Draw which share of errors lies within k sigmas, beside what is due."""
    sigmas = np.linspace(0, MOST_SIGMAS, 61)
    expected = 2 * norm.cdf(sigmas) - 1
    axes.plot(sigmas, 100 * expected, color=GREY, linestyle="--", label="normal distribution")
    stated = facts[facts.is_number & (facts.sigma > 0)]
    for labels, colour in COLOURS.items():
        group = stated[stated.labels == labels]
        if len(group):
            z = np.sort(np.abs((group.value - group.truth) / group.sigma).to_numpy())
            share = np.searchsorted(z, sigmas, side="right") / len(z)
            axes.plot(sigmas, 100 * share, color=colour, label=NAMES[labels])
    axes.set_xlabel("stated standard deviations")
    axes.set_ylabel("% of numbers within")
    axes.set_title("is the stated uncertainty right?", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, loc="lower right", frameon=False)


def _blind(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the blind score of every family that has one, lowest first."""
    scores = rows[rows.blind_n > 0].drop_duplicates("family").sort_values("blind_score")
    axes.scatter(100 * scores.blind_score, range(len(scores)), s=14, color=GREY)
    for place in sorted({0, len(scores) // 2, len(scores) - 1} if len(scores) else ()):
        row = scores.iloc[place]
        axes.annotate(
            row.family.replace("_", " "),
            (100 * row.blind_score, place),
            xytext=(6, -3),
            textcoords="offset points",
            fontsize=8,
        )
    axes.axvline(50, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 125)
    axes.set_xticks(range(0, 101, 25))
    axes.set_yticks([])
    axes.set_xlabel("% right without the picture")
    axes.set_title("a blind answerer, family by family", fontsize=11)
    axes.spines[["top", "right", "left"]].set_visible(False)
