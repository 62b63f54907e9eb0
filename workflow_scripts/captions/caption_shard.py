"""Caption the rooms of a view shard: from their best view, and from above."""

from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.captions.backends import load_backend, num_workers
from workflow_scripts.captions.captioning import log_counts, write_captions
from workflow_scripts.captions.gallery import Gallery
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.requests import room_requests, select_views
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.storage import write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.models.chat.failure_limit import FailureLimit

DEFAULT_LIMITS = ConnectionSettings()


def main(
    *,
    views: Path,
    out: Path,
    picture: Path,
    seed: int,
    settings: ServerCaptionSettings,
    limits: Annotated[ConnectionSettings, tyro.conf.arg(name="")] = DEFAULT_LIMITS,
) -> None:
    """Write `out` (a Caption per line) and `picture` (images beside captions) for a shard.

    Args:
        views: `{shard}.zarr` of the views stage.
        out: JSON Lines file to write.
        picture: PNG file to write.
        seed: seed of the workflow, which chooses among equivalent wordings.
        settings: who writes captions, and how; kinds that belong to other commands are ignored.
        limits: requests at once, the spend cap, and how long a server is waited for.
    """
    shard = ViewShard.open(views)
    chosen = select_views(shard.views, settings.kinds)
    gallery = Gallery(total=len(chosen))
    captions = []
    results = write_captions(
        room_requests(shard, chosen),
        load_backend(settings, limits, seed=seed),
        backend=settings.backend,
        overrides=Overrides(settings.overrides),
        workers=num_workers(settings, limits),
        failures=FailureLimit(
            settings.max_failed_fraction, section="captions", what="captions", total=len(chosen)
        ),
    )
    for request, caption in progress(results, desc="captions", total=len(chosen)):
        captions.append(caption)
        gallery.add(request.image, caption)
    log_counts(captions)
    gallery.save(picture)
    write_records(out, captions)


if __name__ == "__main__":
    run(main)
