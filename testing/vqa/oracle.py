"""An oracle of its own: what boxes say about an answer, worked out without the engine's code.

Everything comes from the truth tables of a view shard (a dictionary of numbers by object) and from
a question's text and referents; nothing of the generator's is used. Where the drawn meshes are
given, shapes are theirs. What is nearer must be so by centres, nearest points and visible pixels.
Frames: right and forward of
the camera laid level, up in the world.
"""

import math
import re
from dataclasses import dataclass
from itertools import product

import numpy as np

from testing.vqa.drawn_meshes import DrawnMesh
from testing.vqa.enumerated_questions import QuestionLike, ReferentLike
from testing.vqa.recorded_shapes import RecordedShape, RecordedShapes
from workflow_scripts.common.view_shard import ViewShard


@dataclass(frozen=True)
class TrueObject:
    """An object: centre, half sizes and yaw in the world, and where it shows in the picture."""

    centre: np.ndarray
    half: np.ndarray
    yaw: float
    corners: np.ndarray
    box: tuple[int, int, int, int]
    object_id: str
    carrier: str
    mesh: DrawnMesh | RecordedShape | None = None
    seen_depth: float = math.nan

    @property
    def footprint(self) -> float:
        return self.mesh.footprint_m2 if self.mesh else float(self.size[0] * self.size[1])

    @property
    def volumes(self) -> list[float]:
        """The volumes that must give one order: of the box, and of the hull of what is drawn."""
        box = float(np.prod(self.size))
        return [box, self.mesh.volume_m3] if self.mesh else [box]

    def width_along(self, way: np.ndarray) -> float:
        return float(np.ptp((self.mesh.corners if self.mesh else self.corners) @ way))

    def nearest(self, point: np.ndarray) -> float:
        if self.mesh:
            return self.mesh.nearest_m(point)
        return float(np.linalg.norm(nearest_in(self, point) - point))

    @property
    def size(self) -> np.ndarray:
        return 2 * self.half

    @property
    def bottom(self) -> float:
        return float(self.centre[2] - self.half[2])

    @property
    def top(self) -> float:
        return float(self.centre[2] + self.half[2])


class Oracle:
    """Truth of the views of a shard."""

    def __init__(
        self,
        shard: ViewShard,
        meshes: dict[tuple[str, int], DrawnMesh] | None = None,
        *,
        use_recorded_shapes: bool = False,
    ) -> None:
        self.shard = shard
        self.recorded = RecordedShapes(shard) if use_recorded_shapes else None
        self.meshes = meshes or {}
        self.rows = {(r.scene_id, r.instance): r for r in shard.objects.itertuples()}
        self.boxes = {(r.view, r.instance): r for r in shard.visibility.itertuples()}
        self._objects: dict[tuple[int, int], TrueObject] = {}
        self._gaps: dict[tuple[str, int, int], float] = {}
        self._levels: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def object_at(self, question: QuestionLike, place: int) -> TrueObject:
        """Return what a question mentions at a place."""
        key = question.view, question.referents[place].instance
        if key not in self._objects:
            self._objects[key] = self._make_object(question, question.referents[place])
        return self._objects[key]

    def gap_m(self, question: QuestionLike, one: int, other: int) -> float:
        """Return the least distance of what a question mentions at two places."""
        pair = sorted(question.referents[place].instance for place in (one, other))
        key = (question.scene_id, pair[0], pair[1])
        if key not in self._gaps:
            objects = self.object_at(question, one), self.object_at(question, other)
            one, other = (object_at.mesh for object_at in objects)
            self._gaps[key] = one.gap_m(other) if one and other else gap_m(*objects)
        return self._gaps[key]

    def _make_object(self, question: QuestionLike, referent: ReferentLike) -> TrueObject:
        row = self.rows[question.scene_id, referent.instance]
        seen = self.boxes[question.view, referent.instance]
        half = np.array([row.width_m, row.depth_m, row.height_m]) / 2
        yaw = math.radians(row.yaw_deg)
        turn = np.array(
            [[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]]
        )
        centre = np.array([row.x_m, row.y_m, row.z_m])
        corners = np.array([turn @ (half * s) + centre for s in product((-1, 1), repeat=3)])
        box = (seen.x0, seen.y0, seen.x1, seen.y1)
        carrier = row.parent_id if row.contact == "carried" else ""
        mesh = self.meshes.get((question.scene_id, referent.instance))
        if mesh is None and self.recorded is not None:
            mesh = self.recorded.of(row, seen)
        pixels = self.shard.instance(question.view) == referent.instance
        seen_depth = float(np.nanmedian(self.shard.depth_m(question.view)[pixels]))
        return TrueObject(centre, half, yaw, corners, box, row.object_id, carrier, mesh, seen_depth)

    def level(self, question: QuestionLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the camera's position, its right and its heading, both level."""
        if question.view not in self._levels:
            self._levels[question.view] = self._level(question)
        return self._levels[question.view]

    def _level(self, question: QuestionLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pose = self.shard.camera(question.view).world_from_camera
        right = pose[:3, 0] * np.array([1, 1, 0])
        right = right / np.linalg.norm(right)
        return pose[:3, 3], right, np.array([-right[1], right[0], 0.0])


def gap_m(a: TrueObject, b: TrueObject) -> float:
    """Return the least distance of two boxes by alternating projections from every corner."""
    best = math.inf
    for start in (*a.corners, a.centre):
        point = start
        for _ in range(60):
            other = nearest_in(b, point)
            point = nearest_in(a, other)
        best = min(best, float(np.linalg.norm(point - other)))
    return best


def nearest_in(box: TrueObject, point: np.ndarray) -> np.ndarray:
    cos, sin = math.cos(box.yaw), math.sin(box.yaw)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    local = turn.T @ (point - box.centre)
    return turn @ np.clip(local, -box.half, box.half) + box.centre


def expected_value(oracle: Oracle, question: QuestionLike) -> float | None:
    """Return the analytic value of a question for a number; None if it is not known here."""
    name = question.family
    objects = [oracle.object_at(question, place) for place in range(len(question.referents))]
    camera_position, right, forward = oracle.level(question)
    if len(objects) == 1:
        (a,) = objects
        offset = a.centre - camera_position
        bearing = math.degrees(math.atan2(offset @ right, offset @ forward))
        return {
            "width": a.size[0],
            "view_width": a.width_along(right),
            "height": a.size[2],
            "length": max(a.size[:2]),
            "footprint": a.footprint,
            "bottom_height": a.bottom,
            "top_height": a.top,
            "camera_distance": np.linalg.norm(offset),
            "camera_nearest": a.nearest(camera_position),
            "bearing_right": bearing,
            "bearing_left": -bearing,
        }.get(name)
    if len(objects) != 2:
        return None
    a, b = objects
    way = b.centre - a.centre
    angles = [
        math.atan2((one.centre - camera_position) @ right, (one.centre - camera_position) @ forward)
        for one in objects
    ]
    between = abs(math.degrees(angles[0] - angles[1]))
    clock = math.degrees(math.atan2(way @ right, way @ forward)) / 30
    return {
        "minimum_distance": lambda: oracle.gap_m(question, 0, 1),
        "centre_distance": lambda: np.linalg.norm(way),
        "horizontal_distance": lambda: np.linalg.norm(way[:2]),
        "vertical_distance": lambda: abs(way[2]),
        "left_offset": lambda: way @ right,
        "depth_offset": lambda: -way @ forward,
        "height_offset": lambda: -way[2],
        "angle_between": lambda: min(between, 360 - between),
        "clock_direction": lambda: float(round(clock) % 12 or 12),
    }.get(name, lambda: None)()


_NEUTRAL = re.compile(
    r"(height )?above the floor|seen from above|is it right( to say)?|point of view"
    r"|from the camera's|on (its|their) longer side|(is that|that is) right"
)


def says_first(question: QuestionLike) -> bool:
    """Say whether a comparison's words ask for the first pole, by the words alone."""
    text = question.question.lower()
    for referent in question.referents:
        # "the left chair" says nothing of the relation.
        text = text.replace(referent.phrase.lower(), "it")
    first = r"\b(left|in front|closer|nearer|higher|above|wider|taller|bigger|longer)\b"
    second = r"\b(right|behind|further from|farther|lower|below|narrower|shorter|smaller)\b"
    stripped = re.sub(_NEUTRAL, "", text)
    if "further to the" in stripped:
        return "further to the left" in stripped
    found = bool(re.search(first, stripped)), bool(re.search(second, stripped))
    assert found[0] != found[1], (found, question.question)
    return found[0]


def compare(oracle: Oracle, question: QuestionLike) -> list[float] | None:
    """Return by how much the first pole of a comparison holds for the first-named object.

    By every sensible reading; all of them must have one sign.
    """
    a, b = (oracle.object_at(question, place) for place in (0, 1))
    camera_position, _, _ = oracle.level(question)
    middle = [((one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2) for one in (a, b)]
    nearer = [
        float(
            np.linalg.norm(b.centre - camera_position) - np.linalg.norm(a.centre - camera_position)
        ),
        b.nearest(camera_position) - a.nearest(camera_position),
        b.seen_depth - a.seen_depth,
    ]
    return {
        "left_right": [middle[1][0] - middle[0][0]],
        "image_above_below": [middle[1][1] - middle[0][1]],
        "above_below": [float(a.centre[2] - b.centre[2])],
        "top_higher": [a.top - b.top],
        "front_behind": nearer,
        "camera_nearer": nearer[:2],
        "wider": [float(a.size[0] - b.size[0])],
        "taller": [float(a.size[2] - b.size[2])],
        "bigger": [one - other for one, other in zip(a.volumes, b.volumes, strict=True)],
        "longer": [float(max(a.size[:2]) - max(b.size[:2]))],
    }.get(question.family)


def pick(oracle: Oracle, question: QuestionLike) -> int | None:
    """Return which of three things is the answer; None if it is not known here."""
    objects = [oracle.object_at(question, place) for place in range(3)]
    camera_position, _, _ = oracle.level(question)
    distances = [float(np.linalg.norm(object_at.centre - camera_position)) for object_at in objects]
    marks = [referent.pixel[0] if referent.pixel else 0.0 for referent in question.referents[:3]]
    name = question.family
    if name in ("nearest_to", "farthest_from"):
        gaps = [oracle.gap_m(question, place, 3) for place in range(3)]
        return int(np.argmin(gaps) if name == "nearest_to" else np.argmax(gaps))
    order = {
        "nearest_camera": (distances, 0),
        "farthest_camera": (distances, 2),
        "second_from_front": (distances, 1),
        "leftmost": (marks, 0),
        "rightmost": (marks, 2),
        "second_from_left": (marks, 1),
        "second_from_right": (marks, 1),
        "biggest": ([object_at.volumes[-1] for object_at in objects], 2),
        "smallest": ([object_at.volumes[-1] for object_at in objects], 0),
        "tallest": ([float(object_at.size[2]) for object_at in objects], 2),
        "widest": ([float(object_at.size[0]) for object_at in objects], 2),
        "highest": ([object_at.bottom for object_at in objects], 2),
    }
    if name not in order:
        return None
    values, rank = order[name]
    return int(np.argsort(values)[rank])


def claim(oracle: Oracle, question: QuestionLike) -> bool | None:
    """Say whether a claim holds; None if it is not known here."""
    name = question.family
    objects = [oracle.object_at(question, place) for place in range(len(question.referents))]
    if name in ("same_height", "same_width", "same_size"):
        measure = {
            "same_height": lambda one: one.size[2],
            "same_width": lambda one: one.size[0],
            "same_size": lambda one: one.volumes[-1] ** (1 / 3),
        }[name]
        low, high = sorted(float(measure(object_at)) for object_at in objects)
        return high / low < 1.15
    if name == "same_distance":
        camera_position, _, _ = oracle.level(question)
        distances = [
            float(np.linalg.norm(object_at.centre - camera_position)) for object_at in objects
        ]
        return abs(distances[0] - distances[1]) < 0.3
    if name in ("touching", "on_top"):
        near = oracle.gap_m(question, 0, 1) < 0.05
        above = abs(objects[0].bottom - objects[1].top) < 0.05
        below = abs(objects[1].bottom - objects[0].top) < 0.05
        # A seat or a board carries what lies below the top of its box.
        above |= objects[0].carrier == objects[1].object_id
        below |= objects[1].carrier == objects[0].object_id
        return near and (above or (name == "touching" and below))
    if name == "inside" and objects[0].mesh and objects[1].mesh:
        return objects[0].mesh.share_inside(objects[1].mesh) > 0.5
    if name == "between":
        a, b, c = (object_at.centre[:2] for object_at in objects)
        way = c - b
        share = float((a - b) @ way / (way @ way))
        aside = float(np.linalg.norm(a - b - share * way) / np.linalg.norm(way))
        return 0 < share < 1 and aside < 0.35
    if name == "facing_object":
        a, b = objects
        way = (b.centre - a.centre)[:2]
        front = np.array([-math.sin(a.yaw), math.cos(a.yaw)])
        return bool(front @ way / np.linalg.norm(way) > math.cos(math.radians(40)))
    return None


def contradiction(oracle: Oracle, question: QuestionLike) -> str:
    """Return what contradicts a question's answer, '' if nothing does.

    Numbers may be 1 % + 1 cm off (areas 2 %, angles a degree), before the rounding of the text.
    """
    truth = question.truth
    if question.answer_type in ("metres", "square_metres", "degrees", "clock"):
        value = expected_value(oracle, question)
        if value is None:
            return ""
        allowed = {
            "metres": 0.01 * abs(value) + 0.01,
            "square_metres": 0.02 * abs(value) + 0.01,
            "degrees": 1.0,
            "clock": 0.0,
        }[question.answer_type]
        return "" if abs(value - float(truth)) <= allowed else f"{truth} is {value}"
    if question.kind == "yes_no":
        holds = claim(oracle, question)
        readings = compare(oracle, question) if len(question.referents) == 2 else None
        if holds is None and readings is None:
            return ""
        agreeing = (
            [holds]
            if holds is not None
            else [(difference > 0) == says_first(question) for difference in readings or ()]
        )
        wrong = [one for one in agreeing if one != (truth == "yes")]
        return f"{truth} though it is {wrong[0]}" if wrong else ""
    if question.kind == "which" and len(question.referents) == 2:
        for difference in compare(oracle, question) or ():
            expected = question.choices[0 if (difference > 0) == says_first(question) else 1]
            if truth != expected:
                return f"{truth} though it is {expected}"
        return ""
    if question.kind == "which" and len(question.referents) >= 3:
        place = pick(oracle, question)
        if place is None or truth == question.choices[place]:
            return ""
        return f"{truth} though it is {question.choices[place]}"
    return ""


def is_checked(oracle: Oracle, question: QuestionLike) -> bool:
    """Say whether the oracle knows anything about a question."""
    if question.answer_type in ("metres", "square_metres", "degrees", "clock"):
        return expected_value(oracle, question) is not None
    number = len(question.referents)
    if question.kind == "yes_no":
        known = claim(oracle, question) is not None
        return known or (number == 2 and compare(oracle, question) is not None)
    if question.kind == "which" and number >= 3:
        return pick(oracle, question) is not None
    return question.kind == "which" and number == 2 and compare(oracle, question) is not None
