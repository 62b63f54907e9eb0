"""Read the episodes of a split from shards of demonstrations, and log what cannot be used."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow_scripts.common.demonstration_shard import DemonstrationShard, KeypointTrack
from workflow_scripts.common.errors import UserError, allowed_values

logger = logging.getLogger(__name__)


def load_tracks(
    views: Sequence[Path], *, split: str, tasks: Sequence[str] = (), keypoints: Sequence[str] = ()
) -> tuple[list[KeypointTrack], dict[str, DemonstrationShard]]:
    """Return the episodes of a split, and the shard that holds each, by scene id.

    Of all tasks if none is named, with all keypoints if none is named. `UserError` names tasks
    and keypoints that no shard has. An episode none of whose keypoints two cameras see
    in any frame is skipped, and logged.
    """
    tracks: list[KeypointTrack] = []
    shards: dict[str, DemonstrationShard] = {}
    all_tasks: set[str] = set()
    known: set[str] = set()
    for path in views:
        shard = DemonstrationShard.open(path)
        all_tasks |= set(shard.episodes["task"])
        for row in shard.episodes.itertuples():
            if row.split != split or (tasks and row.task not in tasks):
                continue
            track = shard.track(str(row.scene_id))
            known |= set(track.names)
            if keypoints:
                track = track.select_keypoints(keypoints)
            reason = unusable_reason(track)
            if reason:
                logger.warning("%s is skipped: %s", track.scene_id, reason)
                continue
            tracks.append(track)
            shards[track.scene_id] = shard
    for task in tasks:
        if task not in all_tasks:
            raise UserError(
                f"tasks: no episode of {task!r} in the shards; {allowed_values(task, all_tasks)}"
            )
    for name in keypoints:
        if known and name not in known:
            raise UserError(f"keypoints: no episode has {name!r}; {allowed_values(name, known)}")
    return tracks, shards


def unusable_reason(track: KeypointTrack) -> str:
    """Say why nothing can be learned from an episode, '' if something can."""
    if not track.cameras:
        return "it has zero cameras"
    if not track.names:
        return "it has no keypoints"
    if len(track.cameras) < 2:
        return "it has one camera; a position needs two"
    if not (track.in_frame.sum(axis=1) >= 2).any():
        return "no keypoint is ever inside the pictures of two cameras"
    return ""


def never_visible(track: KeypointTrack) -> list[str]:
    """Return the names of keypoints that two cameras never see at once."""
    seen = (track.visible.sum(axis=1) >= 2).any(axis=0)
    return [name for name, is_seen in zip(track.names, seen, strict=True) if not is_seen]


def count_never_visible(tracks: Sequence[KeypointTrack]) -> dict[tuple[str, str], tuple[int, int]]:
    """Count by task and keypoint the episodes in which two cameras never see it at once.

    Returns (how many, of how many) of each keypoint that some episode does not show, in order of
    names.
    """
    all_tasks = Counter((track.task, name) for track in tracks for name in track.names)
    unseen = Counter((track.task, name) for track in tracks for name in never_visible(track))
    return {key: (unseen[key], all_tasks[key]) for key in sorted(unseen)}


def log_never_visible(counts: Mapping[tuple[str, str], tuple[int, int]]) -> None:
    """Log one line about all of `unseen_counts`, if there are any."""
    if counts:
        descriptions = [f"{task}/{name} in {n} of {of}" for (task, name), (n, of) in counts.items()]
        logger.warning(
            "episodes in which two cameras never see a keypoint: %s", ", ".join(descriptions)
        )
