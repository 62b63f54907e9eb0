"""Filter photos by their content: zero-shot labels of an include and an exclude list."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.images import FilterSettings
from workflow_scripts.sources.readers.photo_records import PhotoFilterRow, PhotoReadRow
from workflow_scripts.views.images.photo_tables import read_photo_rows

log = logging.getLogger(__name__)


class Encoder(Protocol):
    """The interface of the classifier; see `DualEncoder`."""

    labels: list[str]

    def probabilities(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return f32 [n, labels]."""
        ...


def drop_reason(
    probabilities: np.ndarray, *, include: Sequence[str], exclude: Sequence[str], threshold: float
) -> tuple[str, float, str]:
    """Return a photo's likeliest label, its probability, and why the photo is dropped ('' if kept).

    `probabilities` [labels] are of `include` followed by `exclude`. A photo is dropped if its
    likeliest label is excluded with at least the threshold, or if labels are wanted and the
    likeliest of those stays below the threshold.
    """
    labels = [*include, *exclude]
    best = int(np.argmax(probabilities))
    label, probability = labels[best], float(probabilities[best])
    if not math.isfinite(probability):
        return label, probability, "filter: the model gave no finite probability"
    if best >= len(include):
        if probability >= threshold:
            return label, probability, f"excluded: shows {label}"
        if not include:
            return label, probability, ""
    if include and float(np.max(probabilities[: len(include)])) < threshold:
        return label, probability, "not included: shows none of the labels wanted"
    return label, probability, ""


def filter_photos(
    shard: ViewShard,
    rows: Sequence[PhotoReadRow],
    encoder: Encoder,
    *,
    include: Sequence[str],
    exclude: Sequence[str],
    threshold: float,
    batch_size: int,
) -> list[PhotoFilterRow]:
    """Return a row for each photo; the model sees it without the bars.

    A photo that the model fails on is dropped with that reason.
    """
    filter_rows = []
    errors = ItemErrors()
    failed = 0
    for first in progress(range(0, len(rows), batch_size), desc="filter"):
        batch = rows[first : first + batch_size]
        images = [
            shard.rgb(row.view)[row.content_y0 : row.content_y1, row.content_x0 : row.content_x1]
            for row in batch
        ]
        found = _probabilities(encoder, images, errors)
        for row, values in zip(batch, found, strict=True):
            if isinstance(values, Exception):
                failed += 1
                label, probability = "", math.nan
                reason = f"filter: failed: {errors.reason(values, row.scene_id)}"
            else:
                label, probability, reason = drop_reason(
                    values, include=include, exclude=exclude, threshold=threshold
                )
            filter_rows.append(
                PhotoFilterRow(
                    view=row.view,
                    scene_id=row.scene_id,
                    label=label,
                    probability=probability,
                    reason=reason,
                )
            )
    errors.require_some(len(rows) - failed)
    return filter_rows


def _probabilities(
    encoder: Encoder, images: Sequence[np.ndarray], errors: ItemErrors
) -> Sequence[np.ndarray | Exception]:
    """Return the probabilities [labels] of each photo, or its error: together, else one by one."""
    try:
        return list(encoder.probabilities(images))
    except UserError:
        raise
    except Exception as error:
        errors.reason(error, "a batch of photos")
    found: list[np.ndarray | Exception] = []
    for image in images:
        try:
            found += list(encoder.probabilities([image]))
        except UserError:
            raise
        except Exception as error:
            found.append(error)
    return found


def main(*, photo_frames: Path, out: Path, settings: FilterSettings, device: str = "auto") -> None:
    """Write a table of `PhotoFilterRow`. With both lists empty no model is loaded and all are kept.

    Args:
        photo_frames: the photos, `{shard}.read.zarr`.
        out: the table to write.
        settings: which photos are kept.
        device: auto, cpu or cuda.
    """
    include, exclude = settings.include, settings.exclude
    rows = read_photo_rows(photo_frames)
    if include or exclude:
        from workflow_scripts.views.images.encoder import DualEncoder

        encoder = DualEncoder(
            settings.model, [*include, *exclude], template=settings.template, device=device
        )
        filter_rows = filter_photos(
            ViewShard.open(photo_frames),
            rows,
            encoder,
            include=include,
            exclude=exclude,
            threshold=settings.threshold,
            batch_size=settings.batch_size,
        )
    else:
        filter_rows = [
            PhotoFilterRow(
                view=row.view, scene_id=row.scene_id, label="", probability=math.nan, reason=""
            )
            for row in rows
        ]
    write_table(out, records_to_frame(filter_rows, PhotoFilterRow))
    log.info(
        "%d photos, %d dropped", len(filter_rows), sum(bool(row.reason) for row in filter_rows)
    )


if __name__ == "__main__":
    run(main)
