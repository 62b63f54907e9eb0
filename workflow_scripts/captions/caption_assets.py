"""Caption every distinct asset of a source, from the picture that shows it best."""

import logging
from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.captions.backends import load_backend, num_workers
from workflow_scripts.captions.captioning import log_counts, write_captions
from workflow_scripts.captions.gallery import Gallery
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.requests import asset_requests, best_asset_views
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.records import Caption
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.models.chat.failure_limit import FailureLimit

log = logging.getLogger(__name__)

DEFAULT_LIMITS = ConnectionSettings()


def main(
    *,
    views: tuple[Path, ...],
    source: str,
    out: Path,
    picture: Path,
    seed: int,
    settings: ServerCaptionSettings,
    limits: Annotated[ConnectionSettings, tyro.conf.arg(name="")] = DEFAULT_LIMITS,
) -> None:
    """Write `out` (a Caption per line, by asset id) and `picture` for a source.

    Args:
        views: every `{shard}.zarr` of the source, in order.
        source: name of the source.
        out: JSON Lines file to write.
        picture: PNG file to write.
        seed: seed of the workflow, which chooses among equivalent wordings.
        settings: who writes captions, and how; kinds that belong to other commands are ignored.
        limits: requests at once, the spend cap, and how long a server is waited for.
    """
    best = best_asset_views(views, source=source) if "asset" in settings.kinds else []
    num_shown = sum(asset_view.shard is not None for asset_view in best)
    gallery = Gallery(total=num_shown)
    overrides = Overrides(settings.overrides)
    captions: list[Caption] = []
    results = write_captions(
        asset_requests(best),
        load_backend(settings, limits, seed=seed),
        backend=settings.backend,
        overrides=overrides,
        workers=num_workers(settings, limits),
        failures=FailureLimit(
            settings.max_failed_fraction, section="captions", what="captions", total=num_shown
        ),
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
    captions.sort(key=lambda caption: caption.asset_id)
    write_records(out, captions)


if __name__ == "__main__":
    run(main)
