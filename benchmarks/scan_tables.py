"""Tables of scores about scans for docs/video.md, from results/eval.csv of a run.

`python -m benchmarks.update_readme --study scans` fills the page after the run of that study.
"""

import math

import pandas as pd

from workflow_scripts.evaluate.metrics import FRACTION, METRICS
from workflow_scripts.evaluate.score_table import ALL, LEARNED

BENCHMARK = "scan_samples"
SHOWN = (
    "instance_accuracy",
    "f1_iou50",
    "accuracy",
    "answers_em",
    "vsi_score",
    "words_scan2cap_cider_d_iou50",
    "rotation_consistency",
)


def scan_scores(rows: pd.DataFrame) -> str:
    """Return tables of the rows of results/eval.csv about generated samples of scans."""
    chosen = rows[(rows["benchmark"] == BENCHMARK) & rows["metric"].isin(SHOWN)]
    own = chosen[chosen["method"] == LEARNED]
    lines = [
        "| experiment | type | metric | n | scans | score | blind | majority | gain over blind |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in own.itertuples():
        values = (format_score(row.metric, value) for value in (row.value, row.blind, row.majority))
        lines.append(
            f"| `{row.experiment}` | {row.family.replace('_', ' ')} | `{row.metric}` | {row.n:,} "
            f"| {row.num_scenes} | {' | '.join(values)} | {format_interval(row)} |"
        )
    compared = chosen[(chosen["method"] != LEARNED) & (chosen["family"] != ALL)]
    if len(compared):
        lines += [
            "",
            "Beside other experiments on the same samples:",
            "",
            "| experiment | beside | type | metric | score | other | gain, 95 % interval |",
            "|---|---|---|---|---|---|---|",
        ]
    for row in compared.itertuples():
        values = (format_score(row.metric, value) for value in (row.value, row.baseline_value))
        lines.append(
            f"| `{row.experiment}` | `{row.baseline}` | {row.family.replace('_', ' ')} "
            f"| `{row.metric}` | {' | '.join(values)} | {format_interval(row)} |"
        )
    return "\n".join(lines)


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
