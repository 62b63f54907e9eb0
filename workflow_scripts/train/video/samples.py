"""Read the samples that a video model learns; those that it cannot learn are rows with reasons."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import iterate_records
from workflow_scripts.models.video.scan_inputs import ScanReader


def read_samples(
    path: Path,
    reader: ScanReader,
    *,
    tasks: Collection[str],
    question_types: Collection[str] | None = None,
) -> tuple[list[ScanSample], list[SkippedItem]]:
    """Return the samples of some tasks, and those that were left out.

    Raises:
        UserError: None is left, or two have the same id.
    """
    samples: list[ScanSample] = []
    skipped: list[SkippedItem] = []
    seen: set[str] = set()
    types: set[str] = set()
    for sample in iterate_records(path, ScanSample):
        if sample.sample_id in seen:
            raise UserError(
                f"{path}: sample_id {sample.sample_id!r} occurs twice; ids must be unique"
            )
        seen.add(sample.sample_id)
        if sample.task not in tasks:
            continue
        types.add(sample.question_type)
        if question_types is not None and sample.question_type not in question_types:
            continue
        reason = why_not_learned(sample, reader.obstacle)
        if reason is None:
            samples.append(sample)
            continue
        skipped.append(
            SkippedItem(
                source=sample.source,
                scene_id=sample.scene_id,
                item=sample.sample_id,
                reason=reason,
            )
        )
    if unknown := sorted(set(question_types or ()) - types):
        raise UserError(
            f"question_types: {', '.join(unknown)}: no sample of {path} has this type; there are "
            f"{', '.join(sorted(types)) or 'none'}"
        )
    if not samples:
        first = f"; the first: {skipped[0].reason}" if skipped else ""
        raise UserError(
            f"{path}: no sample of tasks {', '.join(sorted(tasks))} can be learned{first}"
        )
    return samples, skipped


def why_not_learned(sample: ScanSample, obstacle: Callable[[str, str], str | None]) -> str | None:
    """Return why a sample cannot be learned, None if it can be."""
    reason = obstacle(sample.source, sample.scene_id)
    if reason is not None:
        return reason
    if sample.task == "captioning" and sample.point_m is None:
        return "the caption has no point_m"
    if sample.task != "grounding" and not sample.answer.strip():
        return "its answer is empty"
    if sample.task != "captioning" and not sample.text.strip():
        return "its text is empty"
    return None


def count_reasons(skipped: Iterable[SkippedItem]) -> str:
    """Return how many items were left out by reason, the commonest first, in one line."""
    counts: dict[str, int] = {}
    for item in skipped:
        counts[item.reason] = counts.get(item.reason, 0) + 1
    ordered = sorted(counts.items(), key=lambda entry: -entry[1])
    return "; ".join(f"{count} x {reason}" for reason, count in ordered[:3])
