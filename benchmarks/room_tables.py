"""Tables of scores of rooms for docs/reconstruction.md, from results/eval.csv of a run.

`python -m benchmarks.update_readme --study rooms` fills the page after the run of that study.
"""

import math

import pandas as pd

from benchmarks.score_cells import compared_scores, format_interval, format_score
from workflow_scripts.evaluate.score_table import AGAINST, LEARNED

BENCHMARK = "rooms"
SHOWN = ("f1_50cm", "f1_1m")


def room_scores(rows: pd.DataFrame) -> str:
    """Return tables of the rows of results/eval.csv about rooms."""
    chosen = rows[(rows["benchmark"] == BENCHMARK) & rows["metric"].isin(SHOWN)]
    baselines = chosen[chosen["method"].isin(["retrieval", "measured"])]
    values = baselines.set_index(["experiment", "family", "metric", "method"])["value"]
    lines = [
        "| experiment | objects | metric | rooms | houses | score | blind | `retrieval` "
        "| `measured` | gain over the better of blind and retrieval |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in chosen[chosen["method"] == LEARNED].itertuples():
        beside = (
            values.get((row.experiment, row.family, row.metric, name), math.nan)
            for name in ("retrieval", "measured")
        )
        cells = (format_score(row.metric, value) for value in (row.value, row.blind, *beside))
        lines.append(
            f"| `{row.experiment}` | {row.family} | `{row.metric}` | {row.n:,} | {row.num_scenes} "
            f"| {' | '.join(cells)} | {format_interval(row)} |"
        )
    compared = chosen[chosen["method"].str.startswith(AGAINST)]
    lines += compared_scores(compared, of="objects", same="rooms")
    return "\n".join(lines)
