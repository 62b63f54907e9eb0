"""Count what is true of things in simulated scans, and in how many scans it fits nothing.

    python -m benchmarks.usual_descriptions --results results

writes `usual_descriptions.csv` and `usual_places.csv` of `workflow_scripts/vqa/scans` from the
scans of a run. Run it again
after the generator of houses or what is said of objects has changed.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from pathlib import Path

from workflow_scripts.common.cli import progress
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.generate import read_rooms
from workflow_scripts.vqa.scans.question_types.count_questions import decided_places
from workflow_scripts.vqa.scans.scan_context import ScanContext, read_contexts
from workflow_scripts.vqa.scans.statements import (
    categories_of,
    false_statements,
    true_statements,
)
from workflow_scripts.vqa.scans.usual_descriptions import (
    PLACES,
    TABLE,
    DescriptionKey,
    place_key,
)

# Which of the true statements about a scan is made is drawn; these draws are averaged.
DRAWS = 20
Row = dict[str, str | int | float]
MIN_SCANS = 20


def read_scans(results: Path) -> Iterator[ScanContext]:
    """Yield the simulated scans of a run."""
    for path in sorted((results / "views/scans").glob("*.zarr")):
        frames = read_table(path.with_name(f"{path.stem}.frames.parquet"))
        rooms = read_rooms(results / f"scenes/scans/{path.stem}.jsonl")
        shard = ViewShard.open(path)
        for _, context in read_contexts(shard, frames, rooms, ScanQuestionSettings()):
            if not isinstance(context, UserError):
                yield context


def count(scans: Iterable[ScanContext]) -> tuple[list[Row], list[Row]]:
    """Return rows of the tables of descriptions and of places, in a fixed order."""
    contexts = list(progress(scans, desc="scans"))
    if len(contexts) < MIN_SCANS:
        raise UserError(f"{len(contexts)} scans are too few to count from: run more of them")
    settings = ScanQuestionSettings()
    about = [categories_of(context, settings) for context in contexts]
    true: Counter[DescriptionKey] = Counter()
    for number, categories in enumerate(about):
        generator = rng(0, "usual descriptions", number)
        for _ in range(DRAWS):
            statements = true_statements(categories, generator)
            true.update({one.key for one in statements if one.key is not None})
    false: Counter[DescriptionKey] = Counter()
    there: Counter[DescriptionKey] = Counter()
    elsewhere: Counter[DescriptionKey] = Counter()
    for context, categories in zip(contexts, about, strict=True):
        false.update(key for key, _ in false_statements(context, categories, true))
        for category, items in context.clear_categories.items():
            for clause in decided_places(context, items, settings):
                (there if clause.fits else elsewhere)[place_key(category, clause)] += 1
    mean_true = {key: number / DRAWS for key, number in true.items()}
    return _rows(mean_true, false, len(contexts)), _rows(there, elsewhere, len(contexts))


def _rows(
    true: Mapping[DescriptionKey, float], false: Mapping[DescriptionKey, float], num_scans: int
) -> list[Row]:
    return [
        {
            "category": key.category,
            "many": int(key.many),
            "has_distractors": int(key.has_distractors),
            "kind": key.kind,
            "value": key.value,
            "true_per_1000": round(1000 * true[key] / num_scans, 2),
            "false_per_1000": round(1000 * false.get(key, 0) / num_scans, 2),
        }
        for key in sorted(true, key=astuple)
    ]


def write(rows: list[Row], path: Path) -> None:
    """Write the table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write the table from the scans of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="of a run")
    parser.add_argument("--out", type=Path, default=TABLE.parent, help="folder of the tables")
    options = parser.parse_args()
    try:
        descriptions, places = count(read_scans(options.results))
    except UserError as error:
        sys.exit(f"error: {error}")
    for rows, path in ((descriptions, TABLE), (places, PLACES)):
        write(rows, options.out / path.name)
        print(f"{len(rows)} rows: {options.out / path.name}")


if __name__ == "__main__":
    main()
