"""Settings of the configuration as flags of a command."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any


def as_flags(settings: Mapping[str, Any], names: Sequence[str], *, with_null: bool = False) -> str:
    """Return named settings as flags, lists spread; an empty list gives none.

    Nor does null, unless `with_null`: then it is written out as None, for a command whose own
    default is another. `{group}.{name}` is a flag of a group; true and false are `--{name}` and
    `--no-{name}`.
    """
    words = []
    for name in names:
        values = settings[name]
        values = values if isinstance(values, list) else [values]
        group, dot, flag = name.replace("_", "-").rpartition(".")
        if isinstance(values[0] if values else None, bool):
            words.append(f"--{group}{dot}{'' if values[0] else 'no-'}{flag}")
        elif values and (with_null or values != [None]):
            words.append(f"--{group}{dot}{flag}")
            words += map(shlex.quote, map(str, values))
    return " ".join(words)
