"""Write the card of the data set: how it was made, counts, families, failures, licenses."""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records, read_table, write_text
from workflow_scripts.config.vqa import CardSettings
from workflow_scripts.sources import SOURCES
from workflow_scripts.sources.readers.photo_records import (
    PhotoDropCount,
    PhotoStepCounts,
    count_photo_steps,
)
from workflow_scripts.vqa.solvable_questions import read_text_only

log = logging.getLogger(__name__)

TEMPLATE = "card.md.j2"
COLUMNS = ["scene_id", "source", "image", "family", "form", "answer_type", "answer"]
COLUMNS += ["evidence_source", "kind"]
# Where a model was asked and what it may cost: nothing that questions depend on.
_UNPUBLISHED_KEYS = tuple(
    f"vqa.paraphrase.{name}" for name in ("base_url", "cache", "concurrency", "max_cost_usd")
)
_UNKNOWN_SOURCE = {"how": "posed views", "license": "not known; ask whoever gave the views"}


def _source_texts(name: str) -> dict[str, str]:
    """Return how the views of a source were made, and under which terms they may be passed on."""
    if name not in SOURCES:
        return _UNKNOWN_SOURCE
    return {"how": SOURCES[name].description, "license": SOURCES[name].license_note}


@dataclass(frozen=True)
class Split:
    """How much a split holds."""

    name: str
    scenes: int
    pictures: int
    questions: int


@dataclass(frozen=True)
class FamilyRow:
    """How often a family was asked in one form, split by split."""

    family: str
    form: str
    kinds: str
    counts: tuple[int, ...]
    commonest: str


def size_category(total: int) -> str:
    """Return the hub's size category of a number of examples."""
    bounds = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M")]
    for bound, name in bounds:
        if total < bound:
            return name
    return "1M<n<10M" if total < 10**7 else "n>10M"


def family_rows(tables: dict[str, pd.DataFrame]) -> list[FamilyRow]:
    """Count questions by family and form, families sorted by name."""
    everything = pd.concat(
        [table.assign(split=name) for name, table in tables.items()], ignore_index=True
    )
    rows = []
    for (family, form), group in everything.groupby(["family", "form"], sort=True):
        answers = group["answer"].value_counts()
        best = min(answers.index, key=lambda text: (-answers[text], text))
        share = answers[best] / len(group)
        rows.append(
            FamilyRow(
                family=str(family),
                form=str(form),
                kinds=", ".join(sorted(set(group["answer_type"]))).replace("_", " "),
                counts=tuple(int((group["split"] == name).sum()) for name in tables),
                commonest=f"{_escape_cell(best)} ({share:.0%})",
            )
        )
    return rows


def _escape_cell(text: object) -> str:
    """Return a text that does not break a Markdown table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def count_drop_reasons(paths: Iterable[Path]) -> list[tuple[str, int]]:
    """Return (reason, how many), commonest first."""
    counts: Counter[str] = Counter()
    for path in paths:
        for row in read_records(path, DroppedQuestions):
            counts[row.reason] += row.count
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def flatten_settings(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted key, value), keys sorted, without `_UNPUBLISHED_KEYS`.

    Of a path outside the project only its last part: the card is for others.
    """
    rows: list[tuple[str, str]] = []
    for key, value in sorted(settings.items()):
        if isinstance(value, dict) and value:
            rows += flatten_settings(value, f"{prefix}{key}.")
        else:
            if isinstance(value, str) and (Path(value).is_absolute() or ".." in Path(value).parts):
                value = Path(value).name
            rows.append((f"{prefix}{key}", _escape_cell(json.dumps(value, ensure_ascii=False))))
    return [row for row in rows if row[0] not in _UNPUBLISHED_KEYS]


def render_card(
    tables: dict[str, pd.DataFrame],
    dropped: list[tuple[str, int]],
    settings: dict[str, Any],
    *,
    steps: list[PhotoStepCounts],
    card: CardSettings,
    text_only: Sequence[dict[str, Any]] = (),
) -> str:
    """Return the card's text, with the metadata that the hub reads."""
    splits = [
        Split(split, table["scene_id"].nunique(), table["image"].nunique(), len(table))
        for split, table in tables.items()
    ]
    everything = pd.concat(tables.values(), ignore_index=True)
    measured = set(everything["evidence_source"]) - {"truth"}
    sources = [
        {"name": source, **_source_texts(source)} for source in sorted(set(everything["source"]))
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE).render(
        name=card.name,
        license=card.license,
        repo=card.repo or "",
        total=len(everything),
        pictures=everything["image"].nunique(),
        scenes=everything[["source", "scene_id"]].drop_duplicates().shape[0],
        size_category=size_category(everything["image"].nunique()),
        splits=splits,
        first_split=next((split.name for split in splits if split.pictures), "train"),
        families=family_rows(tables),
        dropped=dropped,
        steps=steps,
        text_only=text_only,
        sources=sources,
        settings=flatten_settings(settings),
        evidence=(
            "measurements of what the cameras saw, with their uncertainty"
            if measured
            else "the simulator's own truth"
        ),
    )


def main(
    *,
    questions: list[Path],
    dropped: list[Path],
    made_with: str,
    out: Path,
    settings: CardSettings,
    photos: tuple[Path, ...] = (),
    text_only: Path | None = None,
) -> None:
    """Write the card.

    Args:
        questions: Parquet tables of questions; a file's name is its split's.
        dropped: what was not asked and why.
        made_with: JSON object of the settings that the questions depend on.
        out: Markdown file.
        settings: title, license and repository.
        photos: what every step lost of photos, `results/views/images/{shard}.dropped.jsonl`.
        text_only: what words alone score, `results/vqa/text_only.csv`.
    """
    tables = {path.stem: read_table(path, columns=COLUMNS) for path in questions}
    if not sum(len(table) for table in tables.values()):
        raise UserError(
            f"{', '.join(map(str, questions))}: no question in any split, so there is no data set. "
            "More scenes or lower margins (config: sources, vqa) give some."
        )
    text = render_card(
        tables,
        count_drop_reasons(dropped),
        json.loads(made_with),
        steps=count_photo_steps(
            chain.from_iterable(read_records(path, PhotoDropCount) for path in photos)
        ),
        card=settings,
        text_only=read_text_only(text_only).to_dict("records") if text_only else (),
    )
    write_text(out, text)
    log.info("%s written", out)


if __name__ == "__main__":
    run(main)
