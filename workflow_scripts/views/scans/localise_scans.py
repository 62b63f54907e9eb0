"""Find objects in the frames of scans: masks without identity, which read_scans lifts and merges.

Writes `{shard}.masks/<scan>/<frame>.png` (ids, 0 = none) with `<frame>.json` ({"1": "chair"}), the
form of masks that users give. A frame in which the search fails is a row of
`{shard}.masks.skipped.jsonl`.
"""

import io
import json
import logging
import os
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.common.view_shard import sibling_path
from workflow_scripts.sources.readers.photo_records import PhotoReadRow
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.base import ScanFrame
from workflow_scripts.sources.scan_localise import LocaliseScansSettings, ScanLocaliseSettings
from workflow_scripts.views.images.localise import add_masks, load_networks, proposal_limits
from workflow_scripts.views.images.proposal_filter import ProposalLimits, filter_proposals
from workflow_scripts.views.images.proposals import PhotoView, Proposal, Proposer, Segmenter
from workflow_scripts.views.scans.open_scan import chosen_frames, open_scene
from workflow_scripts.views.scenes_of_shard import read_scenes

log = logging.getLogger(__name__)


def find_masks(
    scene: ScanScene,
    frame: ScanFrame,
    proposer: Proposer,
    segmenter: Segmenter | None,
    limits: ProposalLimits,
) -> tuple[np.ndarray, dict[str, str]]:
    """Return ids u16 [h, w] of a frame's objects in its upright picture, and labels by id."""
    photo = PhotoView(frame.load_rgb(), _photo_row(scene, frame))
    (found,) = proposer.propose([photo])
    proposals = found if segmenter is None else add_masks(photo, found, segmenter, limits=limits)
    height, width = photo.rgb.shape[:2]
    kept = [
        proposal
        for proposal in filter_proposals(proposals, content_area=height * width, limits=limits)
        if not proposal.reason
    ]
    ids = np.zeros((height, width), np.uint16)
    # What lies in front of something larger is written last.
    kept.sort(key=_num_pixels, reverse=True)
    for number, proposal in enumerate(kept, start=1):
        assert proposal.mask is not None
        ids[proposal.mask] = number
    return ids, {str(number): proposal.label for number, proposal in enumerate(kept, start=1)}


def _num_pixels(proposal: Proposal) -> int:
    return 0 if proposal.mask is None else int(np.count_nonzero(proposal.mask))


def _photo_row(scene: ScanScene, frame: ScanFrame) -> PhotoReadRow:
    width, height = frame.colour_size_px
    return PhotoReadRow(
        view=0,
        scene_id=scene.scene_id,
        split=scene.split,
        index=0,
        origin=scene.origin,
        stem=frame.frame_id,
        width_px=width,
        height_px=height,
        content_x0=0,
        content_y0=0,
        content_x1=width,
        content_y1=height,
        intrinsics_source="given",
        pose_source="given",
        has_depth=True,
    )


def localise_scan(
    scene: ScanScene,
    folder: Path,
    proposer: Proposer,
    segmenter: Segmenter | None,
    *,
    settings: LocaliseScansSettings,
    limits: ProposalLimits,
    errors: ItemErrors,
) -> tuple[int, list[SkippedItem]]:
    """Write the masks of a scan's frames; return how many frames have some, and rows of others."""
    skipped: list[SkippedItem] = []
    count = 0
    with open_scene(scene) as scan:
        for number in progress(chosen_frames(scan, settings.read_frames), desc=scene.scene_id):
            frame = scan.frames[number]
            try:
                ids, labels = find_masks(scene, frame, proposer, segmenter, limits)
            except Exception as error:
                reason = errors.reason(error, f"{scene.scene_id} {frame.frame_id}")
                skipped.append(_skipped(scene, f"masks of frame {frame.frame_id}", reason))
                continue
            # Masks of files are of the pictures as they are stored.
            _write_png(folder / f"{frame.frame_id}.png", np.rot90(ids, -frame.quarter_turns))
            (folder / f"{frame.frame_id}.json").write_text(json.dumps(labels), encoding="utf-8")
            count += 1
    return count, skipped


def _write_png(path: Path, ids: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(ids)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())


def _skipped(scene: ScanScene, item: str, reason: str) -> SkippedItem:
    log.warning("%s: %s left out: %s", scene.scene_id, item, reason)
    return SkippedItem(source=scene.source, scene_id=scene.scene_id, item=item, reason=reason)


def load(
    choices: ScanLocaliseSettings, source: str, device: str
) -> tuple[Proposer, Segmenter | None]:
    """Return the networks; messages about them name the settings of the scans."""
    try:
        return load_networks(choices, masks="", device=device)
    except UserError as error:
        raise UserError(str(error).replace("sources.images.", f"sources.{source}.")) from None


def main(*, scenes: Path, out: Path, settings: LocaliseScansSettings, device: str = "auto") -> None:
    """Find the objects in the frames of a shard's scans.

    Args:
        scenes: JSON lines of `ScanScene` records with their layout and path.
        out: the folder to write, `{shard}.masks`, with one folder a scan.
        settings: who finds the objects, and which of them are kept.
        device: auto, cpu or cuda.
    """
    records = read_scenes(scenes, ScanScene)
    if settings.localise is None:
        raise UserError("localise is null, so no objects would be found; set its backend")
    limits = proposal_limits(settings.localise)
    proposer, segmenter = load(settings.localise, records[0].source, device)
    errors, skipped, total = ItemErrors(), list[SkippedItem](), 0
    with atomic_write(out, checksum=True) as partial:
        os.mkdir(partial)
        for scene in records:
            folder = partial / scene.name
            os.mkdir(folder)
            try:
                count, rows = localise_scan(
                    scene,
                    folder,
                    proposer,
                    segmenter,
                    settings=settings,
                    limits=limits,
                    errors=errors,
                )
            except Exception as error:
                # read_scans says the same of the scan.
                log.warning("%s: %s", scene.scene_id, errors.reason(error, scene.scene_id))
                continue
            total += count
            skipped += rows
        errors.require_some(total)
    write_records(sibling_path(out, "skipped.jsonl"), skipped)
    log.info("%d frames, %d left out", total, len(skipped))


if __name__ == "__main__":
    run(main)
