"""Caption every request: a caption written by hand wins, else the backend writes one."""

import logging
from collections.abc import Iterable, Iterator

from workflow_scripts.captions.backends import Captioner, CaptionReply
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Caption
from workflow_scripts.models.chat.failure_limit import FailureLimit
from workflow_scripts.models.chat.thread_pool import map_concurrently

log = logging.getLogger(__name__)


def write_captions(
    requests: Iterable[CaptionRequest],
    captioner: Captioner,
    *,
    backend: str,
    overrides: Overrides,
    workers: int,
    failures: FailureLimit,
) -> Iterator[tuple[CaptionRequest, Caption]]:
    """Yield every request with its caption, in order; one that fails says why in its caption."""
    errors = ItemErrors()
    num_written = 0

    def caption_request(request: CaptionRequest) -> CaptionReply | str:
        override = overrides.find(request)
        if override is not None:
            return override
        if request.problem:
            return CaptionReply("failed", "", request.problem)
        try:
            return captioner.caption(request)
        except UserError:
            raise
        except Exception as error:
            return CaptionReply("failed", "", errors.reason(error, request.name))

    for request, reply in map_concurrently(caption_request, requests, workers=workers):
        if isinstance(reply, CaptionReply) and reply.status != "ok" and request.image is not None:
            failures.add(request.name, f"{reply.status}: {reply.reason}")
        num_written += isinstance(reply, str) or reply.status == "ok"
        yield request, _record(request, reply, backend)
    errors.require_some(num_written)


def _record(request: CaptionRequest, reply: CaptionReply | str, backend: str) -> Caption:
    if isinstance(reply, str):
        reply, status, backend = CaptionReply("ok", reply), "manual", ""
    else:
        status = reply.status
    return Caption(
        source=request.source,
        kind=request.kind,
        scene_id=request.scene_id,
        split=request.split,
        room_id=request.room_id,
        view=request.view,
        asset_id=request.asset.asset_id if request.asset else "",
        category=request.asset.category if request.asset else "",
        status=status,
        text=reply.text,
        reason=reply.reason,
        backend=backend,
        model=reply.model,
        prompt=reply.prompt,
    )


def log_counts(captions: Iterable[Caption]) -> None:
    """Log how many captions there are of each status."""
    counts: dict[str, int] = {}
    for caption in captions:
        counts[caption.status] = counts.get(caption.status, 0) + 1
    summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    log.info("captions: %s", summary or "none requested")
