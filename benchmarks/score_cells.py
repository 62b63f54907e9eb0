"""Scores and their intervals as cells of a table in the docs."""

import math

import pandas as pd

from workflow_scripts.evaluate.metrics import FRACTION, METRICS


def format_score(metric: str, value: float) -> str:
    """Return a value as text: fractions in per cent, a dash where there is none."""
    if math.isnan(value):
        return "–"
    return f"{100 * value:.0f} %" if METRICS[metric].unit == FRACTION else f"{value:.2f}"


def format_interval(row: tuple) -> str:  # type: ignore[type-arg]
    """Return a gain with its interval, in per cent of fractions; a dash where there is none."""
    if math.isnan(row.gain):
        return "–"
    scale, digits = (100, 0) if METRICS[row.metric].unit == FRACTION else (1, 2)
    gain, low, high = (scale * value for value in (row.gain, row.gain_low, row.gain_high))
    return f"{gain:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def compared_scores(rows: pd.DataFrame, of: str, same: str) -> list[str]:
    """Return the lines of a table of scores beside other experiments; none without rows.

    Args:
        rows: Rows of results/eval.csv whose method is `against X`.
        of: What the column of families is headed.
        same: What both experiments were asked about.
    """
    if not len(rows):
        return []
    lines = [
        "",
        f"Beside other experiments on the same {same}:",
        "",
        f"| experiment | beside | {of} | metric | score | other | gain, 95 % interval |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows.itertuples():
        values = (format_score(row.metric, value) for value in (row.value, row.baseline_value))
        lines.append(
            f"| `{row.experiment}` | `{row.baseline}` | {row.family.replace('_', ' ')} "
            f"| `{row.metric}` | {' | '.join(values)} | {format_interval(row)} |"
        )
    return lines
