"""Attribution of the 3D models that a shard's images show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow_scripts.common.storage import atomic_write


@dataclass(frozen=True)
class Credit:
    """Attribution of one model."""

    asset_id: str
    library: str
    model: str
    creator: str
    licence: str


def write_credits(path: Path, credits: Sequence[Credit]) -> None:
    """Write the attributions as CSV, sorted, without repeats."""
    columns = list(Credit.__dataclass_fields__)
    rows = sorted({tuple(getattr(credit, name) for name in columns) for credit in credits})
    with atomic_write(path) as partial:
        pd.DataFrame(rows, columns=columns).to_csv(partial, index=False, lineterminator="\n")
