"""Hundreds of broken benchmark files: a broken row costs itself, a broken file is one line."""

import json
from pathlib import Path

import pytest

from testing.mutations import cpu_limit, json_mutations
from tests.evaluate.benchmarks.sample_rows import SPATIAL, VSI, write_pictures
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records
from workflow_scripts.config.evaluate import BenchmarkFileSettings
from workflow_scripts.evaluate.benchmarks import import_benchmark
from workflow_scripts.evaluate.eval_items import EvalItem

# A mask of run lengths, and what our own export states.
MASK = {"size": [80, 100], "counts": [800, 160, 7040]}
STATED = {"answer_type": "choice", "choices": ["yes", "no"], "truth": "no", "answer": "no"}
WITH_MASK = {**SPATIAL[0], "rle": [MASK, MASK]}
WITH_TRUTH = {**WITH_MASK, "qa_info": {**SPATIAL[0]["qa_info"], **STATED}}
ROWS = {
    "spatialrgpt-bench": [WITH_MASK, WITH_TRUTH, *SPATIAL[2:4]],
    "vsi-bench": [VSI[0], VSI[4]],
}


@pytest.mark.parametrize("form", ROWS)
def test_a_broken_row_costs_itself_alone(tmp_path: Path, form: str) -> None:
    images = write_pictures(tmp_path / "images")
    path, out, skipped = (tmp_path / name for name in ("rows.jsonl", "out.jsonl", "skipped.jsonl"))
    good = json.dumps(ROWS[form][0]).encode()
    settings = BenchmarkFileSettings(format=form, path=str(path), images=str(images), num_frames=2)
    num_items = num_skipped = 0
    messages: list[str] = []
    per_row = 300 // len(ROWS[form])
    mutated = (
        broken
        for seed, row in enumerate(ROWS[form])
        for broken in json_mutations(row, seed=seed, count=per_row)
    )
    for broken in mutated:
        path.write_bytes(good + b"\n" + broken + b"\n")
        with cpu_limit():
            try:
                import_benchmark.main(
                    name="b",
                    out=out,
                    pictures=tmp_path / "pictures",
                    skipped=skipped,
                    settings=settings,
                )
            except UserError as error:
                # The file as a whole is no benchmark: bytes that are no JSON, or no object.
                messages.append(str(error))
                continue
        items = read_records(out, EvalItem)
        assert items[0].question_id.startswith("000000-")
        num_items += len(items) - 1
        num_skipped += len(read_records(skipped, SkippedItem))
    assert num_skipped > 60
    assert num_items > 30
    assert len(messages) < 150
    assert all(str(path) in message and len(message) < 600 for message in messages)
