"""Charts of scores about scans against frames and tokens: a point for each experiment of a run."""

from dataclasses import dataclass

import pandas as pd

from workflow_scripts.evaluate.score_table import ALL, LEARNED

METRICS = ("instance_accuracy", "acc_iou50", "accuracy", "answers_em", "vsi_score")
BUDGETS = {"frames_shown": "frames shown", "visual_tokens": "tokens of pictures and objects"}
WIDTH_PX, HEIGHT_PX, MARGIN_PX = 540, 260, 46
_ROOM = 1.15
"""How much wider than its points the axis of a budget is."""


@dataclass(frozen=True)
class ChartPoint:
    """An experiment: where its point lies in pixels, the ends of its interval, and what it says."""

    x_px: float
    y_px: float
    low_px: float
    high_px: float
    experiment: str
    budget: float
    value: float


@dataclass(frozen=True)
class BudgetChart:
    """A metric (0 to 1) against a budget; `ticks` are (pixel, share) of the upright axis."""

    title: str
    axis: str
    points: list[ChartPoint]
    ticks: list[tuple[float, float]]


def budget_charts(scores: pd.DataFrame) -> list[BudgetChart]:
    """Return the charts of the rows of results/eval.csv.

    There is one for each metric and budget of which two experiments have different values.
    """
    rows = scores[(scores["family"] == ALL) & (scores["method"] == LEARNED)]
    charts = []
    for benchmark, group in rows.groupby("benchmark", sort=False):
        table = group.set_index(["metric", "experiment"])
        known = set(table.index.get_level_values("metric"))
        for metric in filter(known.__contains__, METRICS):
            for budget, axis in BUDGETS.items():
                if budget not in known:
                    continue
                spent = table.loc[budget]["value"]
                measured = table.loc[metric]
                both = measured.assign(budget=spent).dropna(subset=["budget"])
                if both["budget"].nunique() > 1:
                    title = f"{metric} of {benchmark}".replace("_", " ")
                    charts.append(_chart(title, axis, both))
    return charts


def _chart(title: str, axis: str, rows: pd.DataFrame) -> BudgetChart:
    most = _ROOM * float(rows["budget"].max())

    def x_px(budget: float) -> float:
        return round(MARGIN_PX + budget / most * (WIDTH_PX - 2 * MARGIN_PX), 1)

    def y_px(share: float) -> float:
        return round(HEIGHT_PX - MARGIN_PX - share * (HEIGHT_PX - 2 * MARGIN_PX), 1)

    ordered = rows.sort_values("budget", kind="stable")
    points = [
        ChartPoint(
            x_px(row["budget"]),
            y_px(row["value"]),
            y_px(row["ci_low"]),
            y_px(row["ci_high"]),
            str(name),
            float(row["budget"]),
            float(row["value"]),
        )
        for name, row in ordered.iterrows()
    ]
    return BudgetChart(title, axis, points, [(y_px(share), share) for share in (0, 0.5, 1)])
