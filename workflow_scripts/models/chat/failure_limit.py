"""How many requests may go without a reply before the work stops."""

import logging

from workflow_scripts.common.errors import UserError
from workflow_scripts.models.chat.server_settings import ServerSettings

log = logging.getLogger(__name__)
_SHOWN = 5


class FailureLimit:
    """Count requests without a reply, and stop when they are more than is allowed.

    Stopping as soon as the share can no longer be kept saves waiting for a server that is down.
    """

    def __init__(self, server: ServerSettings, *, what: str, total: int) -> None:
        self.server, self.what, self.total = server, what, total
        self.reasons: list[str] = []

    def add(self, name: str, reason: str) -> None:
        """Count one; `UserError` as soon as the share can no longer be kept."""
        self.reasons.append(f"{name}: {reason}")
        log.warning("%s", self.reasons[-1])
        number, allowed = len(self.reasons), self.server.max_failed_share
        if number <= allowed * self.total:
            return
        shown = "\n  ".join(self.reasons[:_SHOWN])
        more = f"\n  and {number - _SHOWN} more" if number > _SHOWN else ""
        raise UserError(
            f"{number} of {self.total} {self.what} could not be had, more than "
            f"{self.server.section}.max_failed_share ({allowed:g}) allows:\n  {shown}{more}\n"
            "What was paid is kept. Mend the cause or raise the share, and run again."
        )
