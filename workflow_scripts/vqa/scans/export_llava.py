"""Write samples about scans, and boxes of their objects, as Video-3D LLM reads them.

    processed/scanrefer_vg_<split>_llava_style.json     and of the other data sets (`STEMS`)
    metadata/scannet_<split>_gt_box.json                 boxes of objects, by scan
    metadata/scannet_<split>_pred_box.json               boxes to choose from, by scan

The place of a box in a list of gt_box is its object's id; a number that no object has is a box
without size, so that scans whose ids have gaps are kept. The splits are called train and val, as
published: what is scored here is val there, except for SQA3D, and where there is a val already.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow
from workflow_scripts.common.scan_samples import ProposalRow, ScanSample
from workflow_scripts.common.storage import (
    atomic_write,
    iterate_records,
    read_records,
    read_table,
    write_json,
)
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.language_files import scan_aliases
from workflow_scripts.vqa.scans.annotations.annotated_scans import objects_of
from workflow_scripts.vqa.scans.llava_form import GENERATED, form_of, object_number, to_llava

log = logging.getLogger(__name__)
#: Names of files by data set. Video-3D LLM prepares Multi3DRefer under one name and reads another.
STEMS: Mapping[str, tuple[str, ...]] = {
    "scanrefer": ("scanrefer_vg",),
    "multi3drefer": ("multi3drefer", "multi3drefer_vg"),
    "scan2cap": ("scan2cap",),
    "scanqa": ("scanqa",),
    "sqa3d": ("sqa3d",),
}
NO_BOX = [0.0] * 6


def video_name(scan: str, data_set: str) -> str:
    """Return how entries call a scan: data set and the last part of its name."""
    return f"{data_set}/{scan_aliases(scan)[-1]}"


def entries_by_file(
    samples: Iterable[ScanSample], videos: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of every file of processed samples.

    Args:
        samples: samples of one source.
        videos: names of scans by scene.
    """
    parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for sample in samples:
        form = form_of(sample)
        name = f"{GENERATED}_{form}" if sample.dataset == GENERATED else form
        entry = to_llava(sample, videos[sample.scene_id])
        parts.setdefault((name, sample.split), []).append(entry)
    files = {}
    for (name, split), entries in parts.items():
        form = name.removeprefix(f"{GENERATED}_")
        prefix = name[: len(name) - len(form)]
        called = split
        if split == "test" and form != "sqa3d" and (name, "val") not in parts:
            called = "val"
        for stem in STEMS[form]:
            files[f"{prefix}{stem}_{called}_llava_style.json"] = entries
    return files


def true_boxes(rows: pd.DataFrame) -> list[list[float]]:
    """Return the boxes of a scan's rows of `ObjectRow`, each at the number of its object."""
    boxes = {object_number(item.instance): list(item.box) for item in objects_of(rows)}
    return [boxes.get(number, NO_BOX) for number in range(max(boxes, default=-1) + 1)]


def proposed_boxes(rows: pd.DataFrame) -> list[list[float]]:
    """Return the boxes of a scan's rows of `ProposalRow` in their order."""
    columns = ["x_m", "y_m", "z_m", "width_m", "depth_m", "height_m"]
    values: list[list[float]] = np.asarray(rows.sort_values("proposal")[columns], float).tolist()
    return values


def main(
    *,
    samples: Sequence[Path],
    scenes: Sequence[Path],
    objects: Sequence[Path],
    proposals: Sequence[Path],
    source: str,
    out: Path,
    data_set: str = "scannet",
) -> None:
    """Write samples about scans as Video-3D LLM reads them.

    Args:
        samples: JSON lines of `ScanSample`, of every split.
        scenes: JSON lines of `ScanScene`, of every shard.
        objects: tables of objects, of every shard.
        proposals: tables of proposals, of every shard.
        source: name of the source of the scans.
        out: folder to write.
        data_set: what stands before the name of a scan.
    """
    listed = [scene for path in scenes for scene in read_records(path, ScanScene)]
    videos = {
        scene.scene_id: video_name(scene.name or scene.scene_id, data_set) for scene in listed
    }
    if len(set(videos.values())) < len(videos):
        raise UserError(f"{source}: two scans have one name: {', '.join(sorted(videos.values()))}")
    mine = (
        sample
        for path in samples
        for sample in iterate_records(path, ScanSample)
        if sample.source == source
    )
    files = entries_by_file(mine, videos)
    if not files:
        raise UserError(f"{out}: there is no sample about a scan of source {source}")
    object_rows = _by_scene(objects, list(ObjectRow.model_fields))
    proposal_rows = _by_scene(proposals, list(ProposalRow.model_fields))
    with atomic_write(out) as folder:
        for name, entries in sorted(files.items()):
            write_json(folder / "processed" / name, entries)
            log.info("%s: %d entries", name, len(entries))
        for split in ("train", "val"):
            chosen = [s.scene_id for s in listed if (s.split == "train") == (split == "train")]
            for kind, tables, boxes_of in (
                ("gt", object_rows, true_boxes),
                ("pred", proposal_rows, proposed_boxes),
            ):
                boxes = {videos[i]: boxes_of(tables[i]) if i in tables else [] for i in chosen}
                write_json(folder / "metadata" / f"scannet_{split}_{kind}_box.json", boxes)


def _by_scene(paths: Sequence[Path], columns: list[str]) -> dict[str, pd.DataFrame]:
    tables = [read_table(path, columns=columns) for path in paths]
    rows = pd.concat(tables, ignore_index=True)
    return {str(scene): part for scene, part in rows.groupby("scene_id")}


if __name__ == "__main__":
    run(main)
