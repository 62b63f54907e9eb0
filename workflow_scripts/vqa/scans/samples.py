"""Make samples about a scan, and say what was left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workflow_scripts.common.scan_samples import ScanSample, ScanTask
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject


@dataclass(frozen=True)
class DroppedSample:
    """Something that was not asked, and why."""

    question_type: str
    reason: str


def new_sample(
    context: ScanContext,
    *,
    task: ScanTask,
    question_type: str,
    text: str,
    targets: Iterable[ScanObject] = (),
    referents: Iterable[ScanObject] = (),
    **values: Any,
) -> ScanSample:
    """Return a sample about a scan; its id is given when all samples of the scan are made.

    `targets` are the objects that are meant, `referents` those that the text speaks of; `values`
    are other fields of `ScanSample`.
    """
    meant = sorted(targets, key=lambda item: item.instance)
    evidence = {name: round(float(value), 4) for name, value in values.pop("evidence", {}).items()}
    return ScanSample(
        sample_id="",
        source=context.source,
        scene_id=context.scene_id,
        split=context.split,
        task=task,
        question_type=question_type,
        text=text,
        targets=[item.instance for item in meant],
        target_boxes=[item.box for item in meant],
        referents=[item.instance for item in referents],
        evidence=evidence,
        **values,
    )


def numbered(samples: Iterable[ScanSample]) -> list[ScanSample]:
    """Return the samples of a scan with their ids, counted by task and question type."""
    counts: dict[str, int] = {}
    named = []
    for sample in samples:
        kind = f"{sample.task}-{sample.question_type}"
        number = counts[kind] = counts.get(kind, -1) + 1
        name = f"{sample.source}-{sample.scene_id}-{kind}-{number:03d}"
        named.append(sample.model_copy(update={"sample_id": name}))
    return named
