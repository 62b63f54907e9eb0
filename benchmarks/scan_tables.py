"""Tables of scores about scans for docs/video.md, from results/eval.csv of a run.

`python -m benchmarks.update_readme --study scans` fills the page after the run of that study.
"""

import pandas as pd

from benchmarks.score_cells import compared_scores, format_interval, format_score
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
    lines += compared_scores(compared, of="type", same="samples")
    return "\n".join(lines)
