"""Measure how many captions a second the `scene` backend writes on one core."""

import logging
import time
from pathlib import Path

from workflow_scripts.captions.backends import load_backend
from workflow_scripts.captions.captioning import write_captions
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.requests import room_requests, select_views
from workflow_scripts.common.cli import run
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.models.chat.failure_limit import FailureLimit

log = logging.getLogger(__name__)


def main(*, views: Path, repeats: int = 5) -> None:
    """Log captions per CPU second for a view shard, including reading its images and tables.

    Args:
        views: `{shard}.zarr` of the views stage.
        repeats: how often the shard is captioned; the fastest counts.
    """
    seconds, count = [], 0
    settings = ServerCaptionSettings(max_failed_fraction=0.0)
    for _ in range(repeats):
        start = time.process_time()
        shard = ViewShard.open(views)
        chosen = select_views(shard.views, ("room", "top_down"))
        written = write_captions(
            room_requests(shard, chosen),
            load_backend(settings, ConnectionSettings(), seed=7),
            backend=settings.backend,
            overrides=Overrides(None),
            workers=1,
            failures=FailureLimit(
                settings.max_failed_fraction,
                section="captions",
                what="captions",
                total=len(chosen),
            ),
        )
        count = sum(1 for _ in written)
        seconds.append(time.process_time() - start)
    log.info("%d captions, %.1f captions/s on one core", count, count / min(seconds))


if __name__ == "__main__":
    run(main)
