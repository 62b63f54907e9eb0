"""Merge the samples about scans of all shards into one file a split."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.records import SPLITS, DroppedQuestions
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import iterate_records, read_records, write_records

log = logging.getLogger(__name__)


def read_samples(paths: Sequence[Path]) -> dict[str, list[ScanSample]]:
    """Return the samples of all shards by split; `UserError` if an id stands twice."""
    samples: dict[str, list[ScanSample]] = {split: [] for split in SPLITS}
    seen: dict[str, Path] = {}
    for path in paths:
        for sample in iterate_records(path, ScanSample):
            if sample.sample_id in seen:
                raise UserError(
                    f"{path}: sample_id {sample.sample_id!r} is also in {seen[sample.sample_id]}; "
                    "ids must be unique: give one of the scans another name"
                )
            seen[sample.sample_id] = path
            samples[sample.split].append(sample)
    return samples


def check_splits(samples: dict[str, list[ScanSample]]) -> None:
    """Raise `UserError` if a scan is trained on and has samples in another split too.

    Published data sets validate on scans that others score; that is no leak.
    """
    trained = {(sample.source, sample.scene_id) for sample in samples["train"]}
    for split, rows in samples.items():
        for sample in rows:
            if split != "train" and (sample.source, sample.scene_id) in trained:
                raise UserError(
                    f"scan {sample.scene_id!r} has samples in train and {split}: "
                    "remove results/vqa of its source and run the workflow again"
                )


def main(*, samples: list[Path], dropped: list[Path], out: Path) -> None:
    """Merge the samples of all shards.

    Args:
        samples: `{shard}.scan_samples.jsonl` of every shard.
        dropped: what every shard left out.
        out: folder for `train.jsonl`, `val.jsonl` and `test.jsonl`.
    """
    by_split = read_samples(samples)
    check_splits(by_split)
    if not any(by_split.values()):
        left_out = [row for path in dropped for row in read_records(path, DroppedQuestions)]
        reasons = [row.reason for row in left_out for _ in range(row.count)]
        because = f": {most_common_reasons(reasons)}" if reasons else ""
        raise UserError(
            f"{out}: nothing can be asked about any scan{because}; "
            "give more scans, or lower vqa.scans.min_pixels"
        )
    for split, rows in by_split.items():
        write_records(out / f"{split}.jsonl", rows)
        types = Counter(sample.question_type for sample in rows)
        log.info("%s: %s", split, ", ".join(f"{n} {name}" for name, n in sorted(types.items())))


if __name__ == "__main__":
    run(main)
