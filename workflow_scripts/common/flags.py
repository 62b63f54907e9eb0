"""Settings of the configuration as flags of a command."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any


def as_flags(settings: Mapping[str, Any], names: Sequence[str], *, with_null: bool = False) -> str:
    """Return named settings as flags, lists spread; an empty list gives none.

    Nor does null, unless `with_null`: then it is written out as None, for a command whose own
    default is another.
    """
    words = []
    for name in names:
        values = settings[name]
        values = values if isinstance(values, list) else [values]
        if values and (with_null or values != [None]):
            words.append(f"--{name.replace('_', '-')}")
            words += map(shlex.quote, map(str, values))
    return " ".join(words)
