"""What masks, poses and tables say of questions that boxes alone do not decide.

Counts, kinds, places in the picture, rooms, ways to face, supports, and questions about two views;
worked out from the arrays and tables of a view shard, without the engine's code.
"""

import math
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from workflow_scripts.common.label_text import phrase, with_article
from workflow_scripts.common.questions import Question
from workflow_scripts.common.view_shard import ViewShard

FACING = ("towards the camera", "to the right", "away from the camera", "to the left")
MOVES = ("forward", "to the right", "backward", "to the left")


class PictureOracle:
    """Truth of the masks and poses of a shard."""

    def __init__(self, shard: ViewShard) -> None:
        self.shard = shard
        self.rows = {(r.scene_id, r.instance): r for r in shard.objects.itertuples()}
        self.ids = {(r.scene_id, r.object_id): r for r in shard.objects.itertuples()}
        self.view_of = dict(zip(shard.views["view_id"], shard.views["view"], strict=True))
        self.room_of = dict(zip(shard.views["view"], shard.views["room_id"], strict=True))
        self._masks: dict[int, np.ndarray] = {}
        self._checks: dict[str, Callable[[Question], str]] = {
            "count": self._count,
            "existence": self._existence,
            "identify": self._identify,
            "room_area": self._room,
            "room_length": self._room,
            "facing": self._facing,
            "supported_by": self._supported_by,
            "point_grounding": self._point,
            "nth_point_grounding": self._point,
            "box_grounding": self._box,
            "nth_box_grounding": self._box,
            "same_object": self._same_object,
            "same_instance": self._same_instance,
            "nearer_view": self._nearer_view,
            "camera_turn": self._camera_turn,
            "camera_turn_angle": self._camera_turn,
            "camera_move": self._camera_move,
            "camera_move_length": self._camera_move,
        }

    def contradiction(self, question: Question) -> str | None:
        """Return what contradicts an answer, '' if nothing does, None if it is not known here."""
        check = self._checks.get(question.family)
        if check is None or (question.kind == "multiple_choice" and question.family != "identify"):
            return None
        return check(question)

    def mask(self, view: int) -> np.ndarray:
        if view not in self._masks:
            self._masks = {view: self.shard.instance(view)}
        return self._masks[view]

    def _shown(self, question: Question) -> list[str]:
        """Return the category of every object that has a pixel in the view."""
        rows = (
            self.rows.get((question.scene_id, one)) for one in np.unique(self.mask(question.view))
        )
        return [row.category for row in rows if row is not None and row.kind == "object"]

    def _count(self, question: Question) -> str:
        number = self._shown(question).count(question.referents[0].category)
        return "" if number == question.truth else f"{question.truth} of {number}"

    def _existence(self, question: Question) -> str:
        objects: pd.DataFrame = self.shard.objects
        categories = objects[objects["scene_id"] == question.scene_id]["category"].unique()
        named = [
            category
            for category in categories
            if re.search(rf"\b{re.escape(with_article(phrase(category)))}\b", question.question)
        ]
        category = max(named, key=lambda one: len(phrase(one)))
        is_shown = category in self._shown(question)
        return "" if is_shown == (question.truth == "yes") else f"{category} is {is_shown}"

    def _identify(self, question: Question) -> str:
        row = self.rows[question.scene_id, question.referents[0].instance]
        chosen = question.options[question.choices.index(str(question.truth))]
        return "" if chosen == phrase(row.category) else f"{chosen} is {row.category}"

    def _room(self, question: Question) -> str:
        objects = self.shard.objects
        floors = objects[
            (objects["scene_id"] == question.scene_id)
            & (objects["room_id"] == self.room_of[question.view])
            & (objects["category"] == "floor")
        ]
        sides = floors[["width_m", "depth_m"]].to_numpy()
        value = float(sides.prod() if question.family == "room_area" else sides.max())
        return "" if abs(value - float(question.truth)) < 0.01 * value else f"{value}"

    def _facing(self, question: Question) -> str:
        row = self.rows[question.scene_id, question.referents[0].instance]
        eye = self.shard.camera(question.view).position_m
        yaw = math.radians(row.yaw_deg)
        front = np.array([-math.sin(yaw), math.cos(yaw)])
        back = np.array([eye[0] - row.x_m, eye[1] - row.y_m])
        back = back / np.linalg.norm(back)
        # Seen from the camera, what lies to the right is clockwise of the line of sight.
        right = np.array([-back[1], back[0]])
        scores = [front @ back, front @ right, -front @ back, -front @ right]
        expected = FACING[int(np.argmax(scores))]
        return "" if question.truth == expected else f"{question.truth} though {expected}"

    def _supported_by(self, question: Question) -> str:
        *three, above = (
            self.rows[question.scene_id, referent.instance] for referent in question.referents
        )
        winner = three[question.choices.index(str(question.truth))]
        if winner.object_id == above.parent_id:
            return ""
        bottom, top = above.z_m - above.height_m / 2, winner.z_m + winner.height_m / 2
        return "" if abs(bottom - top) < 0.05 else f"{winner.object_id} carries {above.object_id}"

    def _point(self, question: Question) -> str:
        u, v = (float(text) for text in re.findall(r"[\d.]+", str(question.truth)))
        mask = self.mask(question.view)
        column = min(int(u * mask.shape[1]), mask.shape[1] - 1)
        row = min(int(v * mask.shape[0]), mask.shape[0] - 1)
        near = mask[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        return "" if (near == question.referents[0].instance).any() else "beside the object"

    def _box(self, question: Question) -> str:
        box = np.array([float(text) for text in re.findall(r"[\d.]+", str(question.truth))])
        mask = self.mask(question.view)
        rows, columns = np.nonzero(mask == question.referents[0].instance)
        size = np.array([mask.shape[1], mask.shape[0]] * 2)
        own = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        return "" if np.abs(box * size - own).max() <= 0.01 * size.max() + 1 else f"{own / size}"

    def _same_object(self, question: Question) -> str:
        *three, wanted = (referent.instance for referent in question.referents)
        place = question.choices.index(str(question.truth))
        return "" if three[place] == wanted and three.count(wanted) == 1 else "another object"

    def _same_instance(self, question: Question) -> str:
        one, other = (referent.instance for referent in question.referents)
        return "" if (one == other) == (question.truth == "yes") else "another object"

    def _poses(self, question: Question) -> tuple[np.ndarray, np.ndarray]:
        one, other = (self.view_of[name] for name in question.view_id.split("+"))
        first, second = (self.shard.camera(int(view)).world_from_camera for view in (one, other))
        return first, second

    def _nearer_view(self, question: Question) -> str:
        row = self.rows[question.scene_id, question.referents[0].instance]
        centre = np.array([row.x_m, row.y_m, row.z_m])
        first, second = (np.linalg.norm(p[:3, 3] - centre) for p in self._poses(question))
        expected = "first" if first < second else "second"
        return "" if question.truth == expected else f"{first} and {second}"

    def _camera_turn(self, question: Question) -> str:
        first, second = (math.atan2(p[1, 2], p[0, 2]) for p in self._poses(question))
        # Counter-clockwise from above is to the left.
        left_deg = (math.degrees(second - first) + 180.0) % 360.0 - 180.0
        if question.family == "camera_turn_angle":
            return "" if abs(abs(left_deg) - float(question.truth)) < 1 else f"{left_deg}"
        expected = "to the left" if left_deg > 0 else "to the right"
        return "" if question.truth == expected else f"{left_deg}"

    def _camera_move(self, question: Question) -> str:
        first, second = self._poses(question)
        way = second[:3, 3] - first[:3, 3]
        if question.family == "camera_move_length":
            return "" if abs(np.linalg.norm(way) - float(question.truth)) < 0.02 else f"{way}"
        forward = first[:2, 2] / np.linalg.norm(first[:2, 2])
        right = np.array([forward[1], -forward[0]])
        scores = [way[:2] @ forward, way[:2] @ right, -way[:2] @ forward, -way[:2] @ right]
        expected = MOVES[int(np.argmax(scores))]
        return "" if question.truth == expected else f"{question.truth} though {expected}"
