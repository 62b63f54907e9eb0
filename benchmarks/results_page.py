"""The generated part of docs/results.md: the columns of scores, and the table of metrics.

`make schema` writes it with the other generated pages; `benchmarks.update_readme` fills the tables
of scores.
"""

import re
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.metrics import METRICS
from workflow_scripts.evaluate.score_table import EvalRow, ScoreRow

PAGE = Path(__file__).parents[1] / "docs/results.md"


def replace_block(text: str, name: str, content: str) -> str:
    """Return the text with the block of that name filled with new content."""
    pattern = rf"<!-- {name} -->.*?<!-- /{name} -->"
    block = f"<!-- {name} -->\n{content.strip()}\n<!-- /{name} -->"
    filled, count = re.subn(pattern, lambda _: block, text, flags=re.DOTALL)
    if count != 1:
        raise UserError(f"needs one block <!-- {name} --> ... <!-- /{name} -->")
    return filled


def columns() -> str:
    """Return a table of the columns of scores, from the descriptions of the records."""
    lines = ["| column | in `eval.csv` | what it holds |", "|---|---|---|"]
    for name, field in ScoreRow.model_fields.items():
        is_in_eval = "yes" if name in EvalRow.model_fields else ""
        lines.append(f"| `{name}` | {is_in_eval} | {field.description} |")
    return "\n".join(lines)


def metrics() -> str:
    """Return a table of the metrics, from `evaluate/metrics.py`."""
    lines = [
        "| metric | of | better | unit | in `eval.csv` | published as | definition |",
        "|---|---|---|---|---|---|---|",
    ]
    for metric in METRICS.values():
        cells = (
            f"`{metric.name}`",
            metric.scored.replace("_", " "),
            metric.better,
            metric.unit,
            "yes" if metric.is_headline else "",
            metric.source or "ours",
            metric.definition.replace("|", "\\|"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def filled_page() -> str:
    """Return docs/results.md with its generated part up to date."""
    text = PAGE.read_text(encoding="utf-8")
    text = replace_block(text, "columns", columns())
    return replace_block(text, "metrics", metrics())
