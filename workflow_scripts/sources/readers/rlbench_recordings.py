"""Find and read episodes that RLBench recorded: a folder, or a tar of one.

Layout: `{task}/variation{v}/episodes/episode{i}/` (or `{task}/all_variations/episodes/...`) with
`low_dim_obs.pkl` and folders `{camera}_rgb`, `{camera}_depth`, `{camera}_mask` of `{step}.png`.
Descriptions of the task are in `variation_descriptions.pkl` beside `episodes` or in the episode's
folder, where `all_variations` also has `variation_number.pkl`.
"""

import hashlib
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.rlbench_tasks import task_id
from workflow_scripts.sources.readers.safe_unpickler import PickledObject, read_pickle

LOW_DIM = "low_dim_obs.pkl"
DESCRIPTIONS = "variation_descriptions.pkl"
VARIATION = "variation_number.pkl"
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)
_EPISODE = re.compile(
    r"(?:^|/)(?P<task>[a-z0-9_]+)/(?:variation(?P<variation>\d+)|all_variations)"
    r"/episodes/episode(?P<episode>\d+)$"
)


@dataclass(frozen=True, order=True)
class RecordedEpisode:
    """A recorded episode: where it lies, and what the folders' names say of it.

    `variation` is 0 where all variations share a folder; the recording itself may know better.
    """

    task: str
    variation: int
    episode: int
    path: str


class Recordings(AbstractContextManager["Recordings"]):
    """A data set opened for reading; nothing is ever unpacked to disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tar: tarfile.TarFile | None = None
        self._members: dict[str, tarfile.TarInfo] = {}
        if path.is_dir():
            return
        if not path.is_file():
            raise UserError(
                f"sources.rlbench.dataset: {path}: no such folder or tar of RLBench episodes"
            )
        try:
            self._tar = tarfile.open(path)  # noqa: SIM115 (closed on exit)
            self._members = {
                member.name.removeprefix("./"): member for member in self._tar if member.isfile()
            }
        except (*_UNREADABLE, OSError) as error:
            # The library tells of every compression that it tried, a line each.
            reason = " ".join(str(error).split(":")[0].split())
            raise UserError(
                f"sources.rlbench.dataset: {path}: cannot be read as a tar ({reason}); give the "
                "folder or tar of RLBench episodes, or copy it again"
            ) from None

    def __exit__(self, *_: object) -> None:
        if self._tar is not None:
            self._tar.close()

    def read(self, name: str) -> bytes:
        """Return a file's bytes; `UserError` if it is missing."""
        try:
            if self._tar is None:
                return (self.path / name).read_bytes()
            file = self._tar.extractfile(self._members[name])
            assert file is not None
            return file.read()
        except (KeyError, FileNotFoundError):
            raise UserError(f"{self.path}: {name} is missing") from None
        except _UNREADABLE as error:
            raise UserError(f"{self.path}: {name} cannot be read: {error}") from None

    def size(self, name: str) -> int:
        """Return a file's length in bytes."""
        if self._tar is not None:
            return self._members[name].size
        return (self.path / name).stat().st_size

    def names(self, folder: str) -> list[str]:
        """Return the names of the files directly in a folder."""
        if self._tar is None:
            directory = self.path / folder
            return sorted(file.name for file in directory.iterdir()) if directory.is_dir() else []
        start = f"{folder}/"
        below = [name.removeprefix(start) for name in self._members if name.startswith(start)]
        return sorted(name for name in below if "/" not in name)

    def episodes(self, tasks: tuple[str, ...] = ()) -> list[RecordedEpisode]:
        """Return the recorded episodes of tasks (of all if empty) in the order of their names."""
        episodes = []
        for folder in self._folders():
            # The given folder may be the task's own, so its name counts.
            match = _EPISODE.search(f"{self.path.resolve().name}/{folder}")
            if match and (not tasks or match["task"] in tasks):
                episodes.append(
                    RecordedEpisode(
                        match["task"], int(match["variation"] or 0), int(match["episode"]), folder
                    )
                )
        if not episodes:
            wanted = f" of {', '.join(tasks)}" if tasks else ""
            raise UserError(
                f"sources.rlbench.dataset: {self.path} has no episode{wanted}; it must hold "
                f"<task>/variation<v>/episodes/episode<i>/{LOW_DIM}"
            )
        for task in sorted({episode.task for episode in episodes}):
            task_id(task)
        return sorted(episodes)

    def _folders(self) -> Iterator[str]:
        """Yield the folders that hold a recording, relative to the data set."""
        if self._tar is not None:
            for name in self._members:
                folder, _, file = name.rpartition("/")
                if file == LOW_DIM:
                    yield folder
        else:
            for file_path in self.path.rglob(LOW_DIM):
                yield file_path.parent.relative_to(self.path).as_posix()

    def states(self, folder: str) -> list[dict[str, Any]]:
        """Return the recorded observations of an episode, one dictionary a step."""
        name = f"{folder}/{LOW_DIM}"
        demo = read_pickle(self.read(name), name=f"{self.path}: {name}")
        observations = getattr(demo, "_observations", demo)
        if not isinstance(observations, list) or not observations:
            raise UserError(f"{self.path}: {name} holds no list of observations")
        if not all(isinstance(step, PickledObject) for step in observations):
            raise UserError(f"{self.path}: {name} holds something other than observations")
        return [dict(vars(step)) for step in observations]

    def variation(self, episode: RecordedEpisode, state: Mapping[str, Any]) -> int:
        """Return the variation of an episode: its folder's, or, of all in one, the recorded one.

        0 if nothing says which.
        """
        if "/all_variations/" not in f"/{episode.path}":
            return episode.variation
        misc = state.get("misc")
        recorded = misc.get("variation_index") if isinstance(misc, dict) else None
        for value in (self._read_optional_pickle(f"{episode.path}/{VARIATION}"), recorded):
            if isinstance(value, int) and value >= 0:
                return value
        return episode.variation

    def description(self, folder: str) -> str:
        """Return the first description of the task, '' if none is recorded."""
        parent_folder = folder.rpartition("/episodes/")[0]
        for directory in (folder, parent_folder):
            texts = self._read_optional_pickle(f"{directory}/{DESCRIPTIONS}")
            if isinstance(texts, list) and texts and isinstance(texts[0], str):
                return texts[0]
        return ""

    def _read_optional_pickle(self, name: str) -> Any:
        """Return what a file beside a recording holds, None if it is missing or unreadable."""
        try:
            return read_pickle(self.read(name), name=name)
        except UserError:
            return None


def numeric_array(
    state: Mapping[str, Any], key: str, shape: tuple[int, ...], *, name: str
) -> np.ndarray:
    """Return an array of an observation or its `misc`; `UserError` unless it has this shape."""
    misc = state.get("misc")
    value = state.get(key, misc.get(key) if isinstance(misc, dict) else None)
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if value is None or array.shape != shape or not np.isfinite(array).all():
        what = "missing" if value is None else f"{np.shape(value)} of {type(value).__name__}"
        raise UserError(f"{name}: {key} must be {list(shape)} numbers; it is {what}")
    return array


def select_episodes(
    recordings: Recordings, tasks: Sequence[str], episodes_per_task: int
) -> list[RecordedEpisode]:
    """Return the first `episodes_per_task` recorded episodes of every task, in their order."""
    counts: dict[str, int] = {}
    selected = []
    for episode in recordings.episodes(tuple(tasks)):
        counts[episode.task] = counts.get(episode.task, 0) + 1
        if counts[episode.task] <= episodes_per_task:
            selected.append(episode)
    return selected


def episode_digest(recordings: Recordings, episodes: Sequence[RecordedEpisode]) -> str:
    """Return a hash of the episodes' paths, the length of each recording and its frames' names."""
    lines = [
        f"{episode.path} {recordings.size(f'{episode.path}/{LOW_DIM}')} "
        f"{','.join(recordings.names(f'{episode.path}/front_rgb'))}"
        for episode in episodes
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
