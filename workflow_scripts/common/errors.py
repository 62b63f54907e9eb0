"""The one exception for what a user can mend."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something the user wrote or supplied is wrong.

    The message names the file or key, the value, what is allowed and what to do. The command
    line prints it without a stack trace and exits with status 1.
    """


def allowed_values(value: str, allowed: Iterable[str]) -> str:
    """Say which allowed values there are and which one was probably meant."""
    allowed = sorted(allowed)
    close = difflib.get_close_matches(value, allowed, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"allowed: {', '.join(allowed)}{hint}"
