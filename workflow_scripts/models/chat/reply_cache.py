"""Paid replies on disk, by the hash of what was asked; and the cap on what they cost."""

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Record


class PaidReply(Record):
    """One reply of a server, as it came. There is one file for each, never overwritten."""

    schema_version: Literal[1] = 1
    name: str
    model: str
    prompt: str
    attempt: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    body: str


def request_hash(
    parameters: Mapping[str, str | int | float | None], images: Sequence[np.ndarray] = ()
) -> str:
    """Hash everything a reply depends on.

    Images count by their pixels before they are resized and encoded, so that a new version of an
    image library does not make us pay again; how they are encoded is among the parameters.
    """
    digest = hashlib.sha256(json.dumps(dict(parameters), sort_keys=True).encode())
    for image in images:
        digest.update(f"|{image.dtype}|{image.shape}|".encode())
        digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


class ReplyCache:
    """A folder of `PaidReply` files, `{hash}.{attempt}.json`; several jobs may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._costs: dict[str, float] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str, attempt: int) -> PaidReply | None:
        """Return a reply that was paid before."""
        path = self.folder / f"{key}.{attempt}.json"
        return self._read(path) if path.is_file() else None

    def store(self, key: str, reply: PaidReply) -> None:
        """Keep a reply, whole or not at all, safe from a crash once this returns."""
        path = self.folder / f"{key}.{reply.attempt}.json"
        with tempfile.NamedTemporaryFile(
            "w", dir=self.folder, prefix=".", suffix=".partial", encoding="utf-8", delete=False
        ) as file:
            try:
                file.write(reply.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise

    def spent_usd(self) -> float:
        """Return what all replies in the folder have cost, also those that other jobs paid."""
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(".json")]
        for name in names:
            if name not in self._costs:
                self._costs[name] = self._read(self.folder / name).cost_usd
        return sum(self._costs[name] for name in names)

    def _read(self, path: Path) -> PaidReply:
        try:
            return PaidReply.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise UserError(
                f"{path}: not a stored reply ({error.error_count()} problems). Remove this file "
                "to ask (and pay) for it again."
            ) from None


class Budget:
    """Keep the cost of a cache under a cap, whatever is under way at the same time.

    Each request reserves the most it can cost. While those under way might use up the rest, a
    new one waits for them; only when none is under way is the cap said to be reached. Other
    jobs on the same cache are seen once they have paid, so together they may overshoot by what
    they have under way. `section` names the settings in messages.
    """

    def __init__(self, cache: ReplyCache, *, cap_usd: float | None, section: str) -> None:
        self.cache, self.cap_usd, self.section = cache, cap_usd, section
        self._reserved: list[float] = []
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, cost_usd: float) -> Iterator[None]:
        """Hold `cost_usd` for the duration of a request; `UserError` if the cap forbids it."""
        if self.cap_usd is None:
            yield
            return
        with self._changed:
            while (spent := self.cache.spent_usd()) + sum(self._reserved) + cost_usd > self.cap_usd:
                if not self._reserved:
                    raise UserError(
                        f"{self.section}.max_cost_usd ({self.cap_usd:g}) is reached: "
                        f"${spent:.4f} are spent in {self.cache.folder} and the next request may "
                        f"cost ${cost_usd:.4f}. All replies so far are kept; raise the cap and "
                        "run again to go on from here."
                    )
                self._changed.wait()
            self._reserved.append(cost_usd)
        try:
            yield
        finally:
            with self._changed:
                self._reserved.remove(cost_usd)
                self._changed.notify_all()
