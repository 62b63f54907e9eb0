"""The one exception for what a user can fix."""

import difflib
from collections import Counter
from collections.abc import Iterable
from typing import Any


class UserError(ValueError):
    """Something the user wrote or supplied is wrong.

    The message names the file or key, the value, what is allowed and what to do. The command
    line prints it without a stack trace and exits with status 1.
    """


class DamagedResultError(UserError):
    """A result of the workflow is not what was written; the message says how to make it again."""


class SecretValueError(ValueError):
    """A value is wrong that may hold a secret, so that no message may repeat it."""


def allowed_values(value: str, allowed: Iterable[str]) -> str:
    """Return the allowed values, and the one that was probably meant."""
    allowed = sorted(allowed)
    close = difflib.get_close_matches(value, allowed, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"allowed: {', '.join(allowed)}{hint}"


def most_common_reasons(reasons: Iterable[str], number: int = 3) -> str:
    """Return the most common reasons with how often they occur: "12 times: no depth; ..."."""
    counted = Counter(reasons).most_common(number)
    return "; ".join(f"{count} times: {reason:.300}" for reason, count in counted)


def validation_problems(error: Any) -> list[str]:
    """Return a line for each problem of a pydantic `ValidationError`: key, problem, value."""
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        value = "" if item["type"] == "missing" else f" (got {item['input']!r})"
        text = f"{item['msg']}{value}" if key else str(item["msg"])
        own = item.get("ctx", {}).get("error")
        text = str(own) if isinstance(own, SecretValueError) else text
        lines.append(f"{key}: {text}" if key else text)
    return lines
