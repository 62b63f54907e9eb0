"""Caption every distinct asset of a source, from the picture that shows it best."""

import logging
from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.captions.backends import load_backend
from workflow_scripts.captions.captioning import log_counts, write_captions
from workflow_scripts.captions.gallery import Gallery
from workflow_scripts.captions.options import Options
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.requests import asset_requests, best_asset_views
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.storage import write_records
from workflow_scripts.models.chat.failure_limit import FailureLimit

log = logging.getLogger(__name__)


def main(
    *,
    views: tuple[Path, ...],
    source: str,
    out: Path,
    picture: Path,
    options: Annotated[Options, tyro.conf.arg(name="")],
    kinds: tuple[str, ...] = ("asset",),
) -> None:
    """Write `out` (a Caption per line, by asset id) and `picture` for a source.

    Args:
        views: every `{shard}.zarr` of the source, in order.
        source: name of the source.
        out: JSON Lines file to write.
        picture: PNG file to write.
        options: who writes captions, and how.
        kinds: which captions are written; without "asset" the file stays empty.
    """
    best = best_asset_views(views, source=source) if "asset" in kinds else []
    num_shown = sum(asset_view.shard is not None for asset_view in best)
    gallery = Gallery(total=num_shown)
    overrides = Overrides(options.overrides)
    captions = []
    results = write_captions(
        asset_requests(best),
        load_backend(options),
        backend=options.backend,
        overrides=overrides,
        workers=options.workers,
        failures=FailureLimit(options, what="captions", total=num_shown),
    )
    for request, caption in progress(results, desc="assets", total=len(best)):
        captions.append(caption)
        if request.image is not None:
            gallery.add(request.image, caption)
    log.info("%d of %d assets are shown by some view", num_shown, len(best))
    if best and overrides.unused_assets():
        log.warning("overrides for assets that no scene has: %s", overrides.unused_assets())
    log_counts(captions)
    gallery.save(picture)
    write_records(out, sorted(captions, key=lambda caption: caption.asset_id))


if __name__ == "__main__":
    run(main)
