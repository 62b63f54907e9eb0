"""How many requests may go without a reply before the work stops."""

import logging

from workflow_scripts.common.errors import UserError

log = logging.getLogger(__name__)
_MAX_REASONS_SHOWN = 5


class FailureLimit:
    """Count requests without a reply, and stop when more fail than allowed.

    Stopping as soon as the limit is certain to be exceeded saves waiting for a server that is down.
    """

    def __init__(self, max_failed_fraction: float, *, section: str, what: str, total: int) -> None:
        """Allow this fraction of `total` requests; `section` and `what` are used in messages."""
        self.max_failed_fraction, self.section = max_failed_fraction, section
        self.what, self.total = what, total
        self.reasons: list[str] = []

    def add(self, name: str, reason: str) -> None:
        """Count one; `UserError` as soon as more than the allowed fraction failed."""
        self.reasons.append(f"{name}: {reason}")
        log.warning("%s", self.reasons[-1])
        number, allowed = len(self.reasons), self.max_failed_fraction
        if number <= allowed * self.total:
            return
        shown = "\n  ".join(self.reasons[:_MAX_REASONS_SHOWN])
        hidden = number - _MAX_REASONS_SHOWN
        more = f"\n  and {hidden} more" if hidden > 0 else ""
        raise UserError(
            f"{number} of {self.total} {self.what} failed, more than "
            f"{self.section}.max_failed_fraction ({allowed:g}) allows:\n  {shown}{more}\n"
            "Paid replies are kept. Fix the cause or raise the fraction, and run again."
        )
