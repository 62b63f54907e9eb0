"""An item that fails costs itself, never its shard: why it is left out, as a row says it.

A loop over items catches `Exception`, asks `ItemErrors.reason` for the row's text, and calls
`require_some` at its end. What is no fault of the item is raised again: no memory, a full disk, a
damaged result of an earlier stage.
"""

import errno
import logging

from workflow_scripts.common.errors import DamagedResultError, UserError

logger = logging.getLogger(__name__)
MAX_REASON_CHARACTERS = 300
_DISK_OR_SYSTEM = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


def is_system_error(error: Exception) -> bool:
    """Say whether an error would meet every other item as well."""
    return (
        isinstance(error, MemoryError | DamagedResultError)
        or "OutOfMemory" in type(error).__name__
        or (isinstance(error, OSError) and error.errno in _DISK_OR_SYSTEM)
    )


class ItemErrors:
    """The errors of a shard's items."""

    def __init__(self) -> None:
        self._unexpected: Exception | None = None

    def reason(self, error: Exception, item: str) -> str:
        """Return why an item is left out, in one line; raise the error if it is not the item's.

        An error that no check foresaw is named with its type, and its trace goes to the log.
        """
        if is_system_error(error):
            raise error
        if isinstance(error, UserError):
            text = str(error)
        else:
            self._unexpected = self._unexpected or error
            logger.warning("%s: unexpected error", item, exc_info=error)
            text = f"{type(error).__name__}: {error}"
        return " ".join(text.split())[:MAX_REASON_CHARACTERS]

    def require_some(self, count: int) -> None:
        """Raise the first unforeseen error if it left nothing: then it is hardly the items'."""
        if not count and self._unexpected is not None:
            raise self._unexpected
