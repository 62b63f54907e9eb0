"""Read houses of a file, or of ProcTHOR-10K, by index; one at a time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import parse_json
from workflow_scripts.sources.readers.house_files import read_house_lines

PROCTHOR_10K = "procthor-10k"


@dataclass(frozen=True)
class HouseEntry:
    """What a file has at an index: a house, or text that is none and why.

    `content` is the house, or the text if it is not JSON; `reason` is "" for a house.
    """

    index: int
    origin: str
    content: Any
    reason: str = ""


def read_houses(houses: str, *, start: int, stop: int) -> Iterator[HouseEntry]:
    """Yield the entries [start, stop) of a path or of "procthor-10k".

    A line that is not JSON is an entry with a reason; a file that is not what it says is a
    `UserError`, as is an index range beyond its end.
    """
    entries = _read_prior if houses == PROCTHOR_10K else _read_file
    end = start
    for entry in entries(houses, start, stop):
        yield entry
        end += 1
    if end < stop:
        raise UserError(
            f"{houses}: houses {start} to {stop - 1} are wanted but only {end - start} of them "
            "are there. "
            "Lower sources.<name>.num_houses, or set it to null for all."
        )


def _read_file(houses: str, start: int, stop: int) -> Iterator[HouseEntry]:
    path = Path(houses)
    for index, (number, line) in enumerate(
        islice(read_house_lines(path), start, stop), start=start
    ):
        yield _entry(index, f"{path.name}:{number}", line)


def _entry(index: int, origin: str, line: bytes) -> HouseEntry:
    try:
        return HouseEntry(index, origin, parse_json(line, "this line"))
    except UserError as error:
        reason = f"{error}; fetch the file again or correct it"
        return HouseEntry(index, origin, line.decode("utf-8", errors="replace"), reason)


def _read_prior(name: str, start: int, stop: int) -> Iterator[HouseEntry]:
    """Load ProcTHOR-10K; its splits follow each other: train, val, test."""
    try:
        import prior
    except ImportError as error:
        raise UserError(
            f"houses: {name} needs the package 'prior' (pip install prior==1.0.3), "
            f"which cannot be imported: {error}. Or give the path of a .jsonl file of houses."
        ) from error
    try:
        dataset = prior.load_dataset(name)
    except Exception as error:  # prior lets errors of requests, git and git-lfs through
        raise UserError(
            f"houses: {name} cannot be loaded by 'prior' ({type(error).__name__}: {error}). "
            "It needs the network, git and git-lfs the first time. Without them give the path "
            "of a .jsonl file of houses, or 'generate'."
        ) from error
    split_indices = [
        (split, i) for split in ("train", "val", "test") for i in range(len(dataset[split]))
    ]
    for index, (split, number) in islice(enumerate(split_indices), start, stop):
        house = dataset[split][number]
        if isinstance(house, bytes | str):
            house = json.loads(house)
        yield HouseEntry(index, f"{name}:{split}[{number}]", house)
