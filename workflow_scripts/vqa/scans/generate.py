"""Write what video models are asked about the scans of a shard, and the boxes they choose from.

What is asked depends on a scan, the seed and the settings alone. A scan about which nothing can be
asked is a row of the dropped samples with its reason.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import DroppedQuestions, records_to_frame
from workflow_scripts.common.scan_samples import ProposalRow, ScanSample
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import (
    iterate_records,
    read_table,
    write_records,
    write_table,
)
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.scan_questions import ScanQuestionSettings, ScanSampleSettings
from workflow_scripts.layouts.house_rooms import HouseRooms
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.vqa.drop_records import drop_records
from workflow_scripts.vqa.scans.annotations.annotated_scans import read_scans
from workflow_scripts.vqa.scans.annotations.predicted_boxes import PredictedBoxes, proposal_rows
from workflow_scripts.vqa.scans.question_types import SCAN_QUESTION_TYPES
from workflow_scripts.vqa.scans.samples import DroppedSample, numbered
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanRoom, read_contexts

log = logging.getLogger(__name__)
DEFAULT = ScanSampleSettings()


def read_rooms(scenes: Path) -> dict[str, list[ScanRoom]]:
    """Return the rooms of every scan whose house is known, by scene."""
    return {
        scene.scene_id: _rooms_of(HouseRooms.read(scene.house))
        for scene in iterate_records(scenes, ScanScene)
        if scene.house is not None and scene.skipped is None
    }


def _rooms_of(house_rooms: HouseRooms) -> list[ScanRoom]:
    return [
        ScanRoom(
            room.room_id,
            room.room_type,
            np.asarray(room.polygon_m, dtype=np.float64),
            is_open=any(wall.is_open for wall in house_rooms.room_walls(room.room_id)),
        )
        for room in house_rooms.rooms.values()
    ]


def generate_samples(
    context: ScanContext, settings: ScanQuestionSettings, *, seed: int
) -> tuple[list[ScanSample], Counter[tuple[str, str]]]:
    """Return the samples of a scan, and what was left out: (question type, reason) with counts.

    Each generator has a random generator of its own, so that a new one changes no other's samples.
    """
    samples: list[ScanSample] = []
    dropped: Counter[tuple[str, str]] = Counter()
    for name in settings.question_types or SCAN_QUESTION_TYPES:
        generator = rng(seed, "samples of scans", name, context.source, context.scene_id)
        made: dict[str, list[ScanSample]] = {}
        said: set[tuple[str, str, str]] = set()
        for sample in SCAN_QUESTION_TYPES[name](context, generator, settings):
            if isinstance(sample, DroppedSample):
                dropped[sample.question_type, sample.reason] += 1
                continue
            # The object at a point has no other words.
            words = (sample.question_type, sample.situation, sample.text or str(sample.point_m))
            if words in said:
                dropped[sample.question_type, "asked already in the same words"] += 1
            else:
                said.add(words)
                made.setdefault(sample.question_type, []).append(sample)
        for question_type, of_type in made.items():
            kept = of_type[: settings.samples_per_type]
            samples += kept
            if len(of_type) > len(kept):
                reason = f"more than {settings.samples_per_type} of this type about a scan"
                dropped[question_type, reason] += len(of_type) - len(kept)
    return numbered(samples), dropped


def proposals_of(context: ScanContext) -> list[ProposalRow]:
    """Return the boxes of what the chosen frames show well enough, numbered from 0."""
    return [
        ProposalRow(
            scene_id=context.scene_id,
            proposal=number,
            instance=item.instance,
            category=item.category,
            **dict(zip(("x_m", "y_m", "z_m"), item.box[:3], strict=True)),
            **dict(zip(("width_m", "depth_m", "height_m"), item.box[3:], strict=True)),
        )
        for number, item in enumerate(context.objects)
    ]


def annotated_proposals(shard: ViewShard, scenes: Path, files: Sequence[str]) -> list[ProposalRow]:
    """Return the boxes that published annotations choose from, of every scan of a shard."""
    seen = set(shard.views.scene_id.tolist())
    source = str(shard.views.source.iloc[0]) if len(shard.views) else ""
    predicted = PredictedBoxes(map(Path, files), source)
    scans = read_scans(iterate_records(scenes, ScanScene), shard.objects, seen, predicted.boxes)
    return [row for scan in scans if not scan.reason for row in proposal_rows(scan)]


def _dropped_rows(dropped: Counter[tuple[str, str]], source: str) -> list[DroppedQuestions]:
    return drop_records(
        {(source, family, "", reason): count for (family, reason), count in dropped.items()}
    )


def main(
    *,
    views: Path,
    frames: Path,
    scenes: Path,
    out: Path,
    proposals: Path,
    dropped: Path,
    seed: int,
    settings: ScanSampleSettings = DEFAULT,
) -> None:
    """Write the samples of a shard of scans.

    Args:
        views: the shard, `results/views/{source}/{shard}.zarr`.
        frames: its chosen frames, `{shard}.frames.parquet`.
        scenes: its scenes, `results/scenes/{source}/{shard}.jsonl`.
        out: samples, one record a line.
        proposals: boxes of the objects of every scan.
        dropped: what was not asked and why, counted, one record a line.
        seed: seed of the workflow.
        settings: what is asked.
    """
    shard = ViewShard.open(views)
    source = str(shard.views.source.iloc[0]) if len(shard.views) else ""
    contexts = read_contexts(shard, read_table(frames), read_rooms(scenes), settings)
    samples: list[ScanSample] = []
    rows: list[ProposalRow] = []
    counts: Counter[tuple[str, str]] = Counter()
    errors = ItemErrors()
    for scene_id, context in progress(contexts if settings.generated else (), desc="scans"):
        if isinstance(context, UserError):
            counts["", f"{scene_id}: {context}"] += 1
            continue
        try:
            made, left_out = generate_samples(context, settings, seed=seed)
        except Exception as error:
            counts["", f"{scene_id}: {errors.reason(error, scene_id)}"] += 1
            continue
        if not made:
            counts["", f"{scene_id}: nothing could be asked: {_summary(left_out)}"] += 1
        samples += made
        rows += proposals_of(context)
        counts += left_out
    errors.require_some(len(samples))
    if settings.predicted_boxes is not None:
        rows = annotated_proposals(shard, scenes, settings.predicted_boxes)
    write_records(out, samples)
    write_table(proposals, records_to_frame(rows, ProposalRow))
    write_records(dropped, _dropped_rows(counts, source))
    log.info("%d samples, %d proposals, %d not asked", len(samples), len(rows), counts.total())


def _summary(dropped: Counter[tuple[str, str]]) -> str:
    reasons: Sequence[str] = [
        reason for (_, reason), count in dropped.items() for _ in range(count)
    ]
    return most_common_reasons(reasons) if reasons else "no object is clear"


if __name__ == "__main__":
    run(main)
