"""Find the objects of the photos that passed the filter: proposals, masks, selection."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from workflow_scripts.common import backend_registry, coco_rle
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.images import (
    LocaliseSettings,
    PhotoObjectsSettings,
    resolve_localiser,
)
from workflow_scripts.sources.readers.photo_records import PhotoMaskRow, PhotoReadRow
from workflow_scripts.views.images.photo_tables import read_filter_rows, read_photo_rows
from workflow_scripts.views.images.proposal_filter import ProposalLimits, filter_proposals
from workflow_scripts.views.images.proposals import (
    BACKENDS,
    DEFAULT_MODELS,
    PhotoView,
    Proposal,
    Proposer,
    ProposerOptions,
    Segmenter,
)

log = logging.getLogger(__name__)


def kept_rows(photo_frames: Path, filter_table: Path) -> list[PhotoReadRow]:
    """Return the photos that passed the filter, in order."""
    rows = read_photo_rows(photo_frames)
    filter_rows = read_filter_rows(filter_table, photo_frames, rows)
    return [row for row, result in zip(rows, filter_rows, strict=True) if not result.reason]


def localise(
    shard: ViewShard,
    rows: Sequence[PhotoReadRow],
    proposer: Proposer,
    segmenter: Segmenter | None,
    *,
    limits: ProposalLimits,
    batch_size: int,
) -> Iterator[PhotoMaskRow]:
    """Yield a row for every proposal of every photo, rejected ones with a reason.

    A photo in which the search fails has one row, with that reason.
    """
    errors = ItemErrors()
    failed = 0
    for first in progress(range(0, len(rows), batch_size), desc="localise"):
        photos = [
            PhotoView(
                shard.rgb(row.view)[
                    row.content_y0 : row.content_y1, row.content_x0 : row.content_x1
                ],
                row,
            )
            for row in rows[first : first + batch_size]
        ]
        for photo, found in zip(photos, _propose(proposer, photos, errors), strict=True):
            try:
                if isinstance(found, Exception):
                    raise found
                if segmenter is not None:
                    found = add_masks(photo, found, segmenter, limits=limits)
                height, width = photo.rgb.shape[:2]
                chosen = filter_proposals(found, content_area=height * width, limits=limits)
                rows_of_photo = list(mask_rows(photo.row, chosen, shape=shard.image_shape))
            except UserError:
                raise
            except Exception as error:
                failed += 1
                reason = errors.reason(error, photo.row.scene_id)
                nothing = Proposal("", 0.0, (0.0, 0.0, 0.0, 0.0), reason=f"failed: {reason}")
                rows_of_photo = list(mask_rows(photo.row, [nothing], shape=shard.image_shape))
            yield from rows_of_photo
    errors.require_some(len(rows) - failed)


def _propose(
    proposer: Proposer, photos: list[PhotoView], errors: ItemErrors
) -> Sequence[Sequence[Proposal] | Exception]:
    """Return what is proposed for each photo, or why nothing is: together, else one by one."""
    try:
        return list(proposer.propose(photos))
    except UserError:
        raise
    except Exception as error:
        errors.reason(error, "a batch of photos")
    found: list[Sequence[Proposal] | Exception] = []
    for photo in photos:
        try:
            found += proposer.propose([photo])
        except UserError:
            raise
        except Exception as error:
            found.append(error)
    return found


def proposal_limits(choices: LocaliseSettings) -> ProposalLimits:
    """Return which proposals are kept."""
    return ProposalLimits(
        min_confidence=choices.min_confidence,
        min_mask_score=choices.min_mask_score,
        min_pixels=choices.min_pixels,
        max_area_share=choices.max_area_share,
        max_border_sides=choices.max_border_sides,
        duplicate_iou=choices.duplicate_iou,
        max_words=choices.max_words,
        max_objects=choices.max_objects,
        exclude_labels=tuple(label.lower() for label in choices.exclude_labels),
    )


def load_networks(
    choices: LocaliseSettings, *, masks: str, device: str
) -> tuple[Proposer, Segmenter | None]:
    """Return the backend that proposes objects, and what makes masks of its boxes."""
    options = ProposerOptions(
        model=choices.model or DEFAULT_MODELS.get(choices.backend, ""),
        phrases=choices.phrases,
        min_confidence=choices.min_confidence,
        masks=masks,
        device=device,
    )
    backend_class = backend_registry.load_backend(
        choices.backend, BACKENDS, kind="sources.images.localise"
    )
    proposer: Proposer = backend_class(options)
    if choices.backend == "masks":
        return proposer, None
    from workflow_scripts.views.images.sam2 import Sam2

    return proposer, Sam2(choices.mask_model, device=device)


def add_masks(
    photo: PhotoView, proposals: Sequence[Proposal], segmenter: Segmenter, *, limits: ProposalLimits
) -> list[Proposal]:
    """Return the proposals with masks made of their boxes, in the same order.

    Boxes that are empty, not finite or below the minimum confidence are not segmented.
    """
    height, width = photo.rgb.shape[:2]
    segmented = [clip_box(proposal, width=width, height=height) for proposal in proposals]
    to_segment = [
        number
        for number, proposal in enumerate(segmented)
        if not proposal.reason
        and proposal.mask is None
        and proposal.confidence >= limits.min_confidence
    ]
    if to_segment:
        boxes = np.array([segmented[number].box for number in to_segment], dtype=np.float64)
        masks, scores = segmenter.segment(photo.rgb, boxes)
        for number, mask, score in zip(to_segment, masks, scores, strict=True):
            segmented[number] = replace(segmented[number], mask=mask, mask_score=float(score))
    return segmented


def clip_box(proposal: Proposal, *, width: int, height: int) -> Proposal:
    """Clip a proposal's box to the image; one smaller than a pixel gets a reason."""
    if proposal.reason:
        return proposal
    x0, y0, x1, y1 = proposal.box
    if not all(map(math.isfinite, proposal.box)):
        return replace(proposal, box=(0.0, 0.0, 0.0, 0.0), reason="box: not finite")
    box = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    if box[2] - box[0] < 1 or box[3] - box[1] < 1:
        return replace(proposal, box=box, reason="box: smaller than a pixel")
    return replace(proposal, box=box)


def mask_rows(
    row: PhotoReadRow, proposals: Sequence[Proposal], *, shape: tuple[int, int]
) -> Iterator[PhotoMaskRow]:
    """Yield the rows of a photo's proposals; those that are kept are numbered from 1."""
    instance = 0
    for proposal in proposals:
        mask = np.zeros(shape, dtype=bool)
        if proposal.mask is not None:
            content = (slice(row.content_y0, row.content_y1), slice(row.content_x0, row.content_x1))
            mask[content] = proposal.mask
        instance += not proposal.reason
        x0, y0, x1, y1 = proposal.box
        yield PhotoMaskRow(
            view=row.view,
            scene_id=row.scene_id,
            instance=0 if proposal.reason else instance,
            label=proposal.label,
            confidence=proposal.confidence,
            mask_score=proposal.mask_score,
            x0=x0 + row.content_x0,
            y0=y0 + row.content_y0,
            x1=x1 + row.content_x0,
            y1=y1 + row.content_y0,
            pixels=int(np.count_nonzero(mask)),
            rle_height=shape[0],
            rle_width=shape[1],
            rle_counts=coco_rle.encode(mask),
            reason=proposal.reason,
        )


def main(
    *,
    photo_frames: Path,
    filter_table: Path,
    out: Path,
    settings: PhotoObjectsSettings,
    device: str = "auto",
) -> None:
    """Write a table of `PhotoMaskRow`.

    Args:
        photo_frames: the photos, `{shard}.read.zarr`.
        filter_table: table of `PhotoFilterRow` of the same photos.
        out: the table to write.
        settings: the backend that finds the objects, and which are kept.
        device: auto, cpu or cuda.
    """
    choices = resolve_localiser(settings).localise
    limits = proposal_limits(choices)
    proposer, segmenter = load_networks(choices, masks=settings.masks or "", device=device)
    rows = kept_rows(photo_frames, filter_table)
    shard = ViewShard.open(photo_frames)
    masks = list(
        localise(shard, rows, proposer, segmenter, limits=limits, batch_size=choices.batch_size)
    )
    write_table(out, records_to_frame(masks, PhotoMaskRow))
    kept = sum(bool(row.instance) for row in masks)
    log.info("%d photos, %d proposals, %d objects kept", len(rows), len(masks), kept)


if __name__ == "__main__":
    run(main)
