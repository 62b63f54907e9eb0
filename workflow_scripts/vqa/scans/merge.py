"""Merge the samples about scans of all shards into one file a split.

Questions that their words alone answer are left out (`solvable_samples.py`): only here all scans
are seen.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.records import SPLITS, DroppedQuestions
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import iterate_records, read_records, write_records
from workflow_scripts.config.vqa import SolvableSettings
from workflow_scripts.vqa.drop_records import drop_records
from workflow_scripts.vqa.scans.solvable_samples import choose_samples
from workflow_scripts.vqa.solvable_questions import SOLVABLE, write_text_only

log = logging.getLogger(__name__)
DEFAULT = SolvableSettings()


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


def dropped_rows(solvable: Iterable[ScanSample]) -> list[DroppedQuestions]:
    """Return how many samples of each source and type are left out because of their words."""
    return drop_records(
        Counter((sample.source, sample.question_type, "", SOLVABLE) for sample in solvable)
    )


def main(
    *,
    samples: list[Path],
    dropped: list[Path],
    out: Path,
    seed: int,
    settings: SolvableSettings = DEFAULT,
) -> None:
    """Merge the samples of all shards.

    Args:
        samples: `{shard}.scan_samples.jsonl` of every shard.
        dropped: what every shard left out.
        out: folder: of every split `{split}.jsonl` and `{split}.dropped.jsonl` (what was left out
            here, counted, one record a line); and `text_only.csv`, what words alone score on
            every type of generated questions before and after.
        seed: seed of the workflow.
        settings: what happens to questions that their words alone answer.
    """
    by_split = read_samples(samples)
    check_splits(by_split)
    if not any(by_split.values()):
        not_asked = [row for path in dropped for row in read_records(path, DroppedQuestions)]
        reasons = [row.reason for row in not_asked for _ in range(row.count)]
        because = f": {most_common_reasons(reasons)}" if reasons else ""
        raise UserError(
            f"{out}: nothing can be asked about any scan{because}; "
            "give more scans, or lower vqa.scans.min_pixels"
        )
    merged = [sample for rows in by_split.values() for sample in rows]
    is_kept, scores = choose_samples(merged, settings.solvable_without_picture, seed=seed)
    left_out = {sample.sample_id for sample, kept in zip(merged, is_kept, strict=True) if not kept}
    for split, rows in by_split.items():
        chosen = [sample for sample in rows if sample.sample_id not in left_out]
        write_records(out / f"{split}.jsonl", chosen)
        solvable = [sample for sample in rows if sample.sample_id in left_out]
        write_records(out / f"{split}.dropped.jsonl", dropped_rows(solvable))
        types = Counter(sample.question_type for sample in chosen)
        counts = ", ".join(f"{n} {name}" for name, n in sorted(types.items()))
        log.info("%s: %s; %d %s", split, counts, len(solvable), SOLVABLE)
    write_text_only(out / "text_only.csv", scores)


if __name__ == "__main__":
    run(main)
