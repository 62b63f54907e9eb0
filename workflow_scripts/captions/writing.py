"""Have every request captioned: by hand where somebody did, else by the backend, a few at once."""

import logging
from collections.abc import Iterable, Iterator

from workflow_scripts.captions.backends import Captioner, Reply
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.requests import Request
from workflow_scripts.common.chat.failures import Failures
from workflow_scripts.common.chat.pool import few_at_once
from workflow_scripts.common.records import Caption

log = logging.getLogger(__name__)


def write_captions(
    requests: Iterable[Request],
    captioner: Captioner,
    *,
    backend: str,
    overrides: Overrides,
    workers: int,
    failures: Failures,
) -> Iterator[tuple[Request, Caption]]:
    """Yield every request with its caption, in order."""

    def answer(request: Request) -> Reply | str:
        by_hand = overrides.find(request)
        return captioner.caption(request) if by_hand is None else by_hand

    for request, reply in few_at_once(answer, requests, workers=workers):
        if isinstance(reply, Reply) and reply.status != "ok" and request.image is not None:
            failures.add(request.name, f"{reply.status}: {reply.reason}")
        yield request, _record(request, reply, backend)


def _record(request: Request, reply: Reply | str, backend: str) -> Caption:
    by_hand = isinstance(reply, str)
    return Caption(
        source=request.source,
        kind=request.kind,
        scene_id=request.scene_id,
        split=request.split,
        room_id=request.room_id,
        view=request.view,
        asset_id=request.asset.asset_id if request.asset else "",
        category=request.asset.category if request.asset else "",
        status="manual" if by_hand else reply.status,
        text=reply if by_hand else reply.text,
        reason="" if by_hand else reply.reason,
        backend="" if by_hand else backend,
        model="" if by_hand else reply.model,
        prompt="" if by_hand else reply.prompt,
    )


def log_counts(captions: Iterable[Caption]) -> None:
    """Say how many captions there are of each status."""
    counts: dict[str, int] = {}
    for caption in captions:
        counts[caption.status] = counts.get(caption.status, 0) + 1
    written = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    log.info("captions: %s", written or "none asked for")
