"""Caption the rooms of a view shard: from their best view, and from above."""

from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.captions.backends import load_backend
from workflow_scripts.captions.captioning import log_counts, write_captions
from workflow_scripts.captions.gallery import Gallery
from workflow_scripts.captions.options import Options
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.requests import room_requests, select_views
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.storage import write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.models.chat.failure_limit import FailureLimit


def main(
    *,
    views: Path,
    out: Path,
    picture: Path,
    options: Annotated[Options, tyro.conf.arg(name="")],
    kinds: tuple[str, ...] = ("room", "top_down"),
) -> None:
    """Write `out` (a Caption per line) and `picture` (images beside captions) for a shard.

    Args:
        views: `{shard}.zarr` of the views stage.
        out: JSON Lines file to write.
        picture: PNG file to write.
        options: who writes captions, and how.
        kinds: which captions are written; those that are not about rooms are ignored.
    """
    shard = ViewShard.open(views)
    chosen = select_views(shard.views, kinds)
    gallery = Gallery(total=len(chosen))
    captions = []
    results = write_captions(
        room_requests(shard, chosen),
        load_backend(options),
        backend=options.backend,
        overrides=Overrides(options.overrides),
        workers=options.workers,
        failures=FailureLimit(options, what="captions", total=len(chosen)),
    )
    for request, caption in progress(results, desc="captions", total=len(chosen)):
        captions.append(caption)
        gallery.add(request.image, caption)
    log_counts(captions)
    gallery.save(picture)
    write_records(out, captions)


if __name__ == "__main__":
    run(main)
