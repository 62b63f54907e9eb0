"""What a view shows that can be asked about: its measured objects, masks and room.

Rows are objects worth asking about, in one order for every array. Frames and units as in
`common/measurements.py`; pixels are (u, v) with pixel centres at +0.5.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workflow_scripts.common.image_marks import mark_pixel
from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.measurements import Measurements
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.fronts import has_category_front
from workflow_scripts.vqa.room_size import MIN_FLOOR_SHARE, TOO_LITTLE_FLOOR, rectangular_rooms
from workflow_scripts.vqa.visible_surfaces import VisibleSurfaces, visible_surfaces

T = TypeVar("T")
STEEPEST_LEVEL_DEG = 60.0
# Less of an object than this shows nobody how large it is or where its middle lies.
MIN_SHARE_MEASURED = 0.6


class MeasurementSource(Protocol):
    """Gives the measurements of a view: from ground truth, or from clouds."""

    def of(self, view: int) -> Measurements: ...


@dataclass(frozen=True)
class DrawnContact:
    """How an object meets what is drawn under it.

    `carrier` is the id of the object whose surface carries it, '' if it hangs above or is sunk in;
    `lift_m` its height above that surface.
    """

    carrier: str
    lift_m: float


@dataclass(frozen=True, eq=False)
class ViewContext:
    """A view and what can be asked about in it; n objects.

    `mark_px` [n, 2] is where an object's mark goes, `middle_px` [n, 2] the middle of the visible
    part's box. `in_view` counts every object that shows, by category, the unaskable too.
    `in_scene` are the categories of the whole scene, `elsewhere` the rows that are known to be in
    another room than the camera, `partly_hidden` those too much of which is out of sight to judge
    their size. `fills_box` [n] says of what more pixels of the box around it are than of any other
    object; None if masks are not known. `room_size_m` is that of a rectangular room, None if it
    is unknown or the view shows too little of its floor. `dropped` counts objects by
    (form, reason).

    What is drawn decides contact where it is known: `drawn_contacts` has it by object id.
    `parents` says by object id what an object stands on or in, by the scene's own record.
    `visible` is how far away what shows of the objects is, None if it is not to be compared with.
    """

    measured: Measurements
    mark_px: FloatArray
    middle_px: FloatArray
    in_view: Counter[str]
    in_scene: frozenset[str]
    room_size_m: tuple[float, float] | None
    from_truth: bool
    dropped: Counter[tuple[str, str]]
    mask: NDArray[np.integer] | None = None
    elsewhere: frozenset[int] = frozenset()
    partly_hidden: frozenset[int] = frozenset()
    fills_box: NDArray[np.bool_] | None = None
    drawn_contacts: Mapping[str, DrawnContact] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    visible: VisibleSurfaces | None = None

    def __len__(self) -> int:
        return len(self.measured)

    @property
    def categories(self) -> tuple[str, ...]:
        return self.measured.label

    @cached_property
    def nouns(self) -> tuple[str, ...]:
        """Return the objects' nouns in the singular."""
        return tuple(phrase(category) for category in self.categories)

    @cached_property
    def has_agreed_front(self) -> NDArray[np.bool_]:
        """Say which objects have a front that is known and that everyone would agree on [n]."""
        agreed = [has_category_front(noun) for noun in self.nouns]
        known: NDArray[np.bool_] = self.measured.has_front & np.array(agreed, dtype=bool)
        return known

    @cached_property
    def cache(self) -> dict[Callable[["ViewContext"], Any], Any]:
        """Return what functions that are worked `once` have found."""
        return {}

    @property
    def has_gravity(self) -> bool:
        """Say whether it is known where up is."""
        return self.measured.gravity.accepted

    @property
    def is_level(self) -> bool:
        """Say whether up in the room is up in the picture."""
        pitch_deg = self.measured.gravity.pitch_deg
        return self.has_gravity and abs(pitch_deg) <= STEEPEST_LEVEL_DEG

    @property
    def size_px(self) -> tuple[int, int]:
        """Return the picture's width and height."""
        return self.measured.camera.width_px, self.measured.camera.height_px

    @property
    def shorter_side_px(self) -> int:
        return min(self.size_px)


def cached_per_view(function: Callable[[ViewContext], T]) -> Callable[[ViewContext], T]:
    """Cache a function's result for each view context; its result must not be changed."""

    @wraps(function)
    def wrapper(view_context: ViewContext) -> T:
        if function not in view_context.cache:
            view_context.cache[function] = function(view_context)
        found: T = view_context.cache[function]
        return found

    return wrapper


class ViewContexts:
    """The views of a shard, one by one; its tables are sorted out once."""

    def __init__(
        self,
        shard: ViewShard,
        measurement_source: MeasurementSource,
        *,
        min_pixels: int,
        min_fraction_visible: float,
        from_truth: bool = True,
    ) -> None:
        self._shard = shard
        self._measurement_source = measurement_source
        self._min_pixels = min_pixels
        self._min_fraction_visible = min_fraction_visible
        self._from_truth = from_truth
        self._visible: dict[int, dict[int, float]] = {}
        columns = ("view", "instance", "fraction_visible")
        for view, instance, fraction in zip(
            *(shard.visibility[name].tolist() for name in columns), strict=True
        ):
            self._visible.setdefault(view, {})[instance] = fraction
        objects = shard.objects
        is_object = objects["kind"] == "object"
        self._in_scene = {
            scene: frozenset(group)
            for scene, group in objects[is_object].groupby("scene_id")["category"]
        }
        self._category = {
            (row.scene_id, row.instance): row.category
            for row in objects[is_object].itertuples(index=False)
        }
        self._rooms = rectangular_rooms(shard)
        self._room_of = {
            (row.scene_id, row.instance): row.room_id for row in objects.itertuples(index=False)
        }
        self._scene_rooms = {
            scene: frozenset(group) for scene, group in objects.groupby("scene_id")["room_id"]
        }
        self._drawn_contacts = drawn_contacts(objects)
        self._parents: dict[str, dict[str, str]] = {}
        for row in objects[objects["parent_id"] != ""].itertuples(index=False):
            self._parents.setdefault(row.scene_id, {})[row.object_id] = row.parent_id

    def of(self, view: int) -> ViewContext:
        """Return what can be asked about in a view."""
        measured = self._measurement_source.of(view)
        scene = measured.scene_id
        dropped: Counter[tuple[str, str]] = Counter()
        for reason in measured.unmeasured.values():
            dropped["", reason] += 1
        kept_rows = []
        fractions = self._visible.get(view, {})
        for row, instance in enumerate(measured.instance.tolist()):
            if measured.kind[row] != "object":
                continue
            if measured.pixels[row] < self._min_pixels:
                dropped["", "object too small in the picture"] += 1
            elif fractions.get(instance, 1.0) < self._min_fraction_visible:
                dropped["", "object mostly hidden"] += 1
            else:
                kept_rows.append(row)
        chosen = select_objects(measured, kept_rows)
        instance_map = self._shard.instance(view) if kept_rows else None
        boxes = chosen.box_px
        marks = [
            _mark_px(instance_map, instance, box)
            for instance, box in zip(chosen.instance.tolist(), boxes.tolist(), strict=True)
        ]
        visible = None
        if self._from_truth and instance_map is not None:
            visible = visible_surfaces(self._shard, chosen, instance_map)
        fills_box = [
            self._fills_box(instance_map, scene, instance, box)
            for instance, box in zip(chosen.instance.tolist(), boxes.tolist(), strict=True)
        ]
        hidden = (fractions.get(one, 1.0) < MIN_SHARE_MEASURED for one in chosen.instance.tolist())
        shown = (self._category.get((scene, instance)) for instance in fractions)
        return ViewContext(
            measured=chosen,
            mark_px=np.array(marks, dtype=np.float64).reshape(len(kept_rows), 2),
            middle_px=(boxes[:, :2] + boxes[:, 2:]) / 2.0,
            in_view=Counter(category for category in shown if category is not None),
            in_scene=self._in_scene.get(scene, frozenset()),
            room_size_m=self._room_size_m(scene, view, dropped),
            from_truth=self._from_truth,
            dropped=dropped,
            mask=instance_map,
            elsewhere=self._rows_elsewhere(scene, view, chosen.instance.tolist()),
            partly_hidden=frozenset(row for row, one in enumerate(hidden) if one),
            fills_box=np.array(fills_box, dtype=bool),
            drawn_contacts=self._drawn_contacts.get(scene, {}),
            parents=self._parents.get(scene, {}),
            visible=visible,
        )

    def _room_size_m(
        self, scene: str, view: int, dropped: Counter[tuple[str, str]]
    ) -> tuple[float, float] | None:
        """Return the sides of the room that a view is in, where it shows enough of the floor."""
        room = self._rooms.get((scene, self._shard.views["room_id"].iloc[view]))
        if room is None:
            return None
        if room.floor_share(self._shard, view) < MIN_FLOOR_SHARE:
            dropped["", TOO_LITTLE_FLOOR] += 1
            return None
        return room.size_m

    def _fills_box(
        self, instance_map: NDArray[np.integer] | None, scene: str, own: int, box: Sequence[int]
    ) -> bool:
        """Say whether no other object has more pixels in the box around one."""
        assert instance_map is not None
        x0, y0, x1, y1 = box
        instances, counts = np.unique(instance_map[y0:y1, x0:x1], return_counts=True)
        pixels = dict(zip(instances.tolist(), counts.tolist(), strict=True))
        most = max((n for one, n in pixels.items() if (scene, one) in self._category), default=0)
        return bool(pixels.get(own, 0) >= most)

    def _rows_elsewhere(self, scene: str, view: int, instances: list[int]) -> frozenset[int]:
        """Return the places of the instances that are known to be in another room than a view."""
        room = self._shard.views["room_id"].iloc[view]
        if not room or room not in self._scene_rooms.get(scene, ()):
            return frozenset()
        rooms = [self._room_of.get((scene, instance), "") for instance in instances]
        return frozenset(place for place, one in enumerate(rooms) if one and one != room)


def drawn_contacts(objects: pd.DataFrame) -> dict[str, dict[str, DrawnContact]]:
    """Return by scene and object id what is known of contact with the drawn surfaces."""
    found: dict[str, dict[str, DrawnContact]] = {}
    if "contact" not in objects.columns:
        return found
    for row in objects[objects["contact"] != ""].itertuples(index=False):
        is_carried = row.contact == "carried"
        lift_m = row.z_m - row.height_m / 2 - row.support_z_m if is_carried else 0.0
        carrier = row.parent_id if is_carried else ""
        found.setdefault(row.scene_id, {})[row.object_id] = DrawnContact(carrier, lift_m)
    return found


def select_objects(measured: Measurements, rows: Sequence[int]) -> Measurements:
    """Return the measurements of some of a view's objects, in the order of `rows`."""
    number = len(measured)
    chosen = list(rows)
    changes: dict[str, object] = {}
    for one in dataclasses.fields(measured):
        value = getattr(measured, one.name)
        if isinstance(value, tuple):
            changes[one.name] = tuple(value[row] for row in chosen)
        elif isinstance(value, np.ndarray):
            is_pairwise = one.name in ("gap_m", "sigma_gap_m", "inside_share")
            assert value.shape[0] == number
            changes[one.name] = value[np.ix_(chosen, chosen)] if is_pairwise else value[chosen]
    return dataclasses.replace(measured, **changes)  # type: ignore[arg-type]


def select_rows(view_context: ViewContext, rows: Sequence[int]) -> ViewContext:
    """Return what a view shows without some of its objects; `rows` stay, in their order."""
    place = {row: number for number, row in enumerate(rows)}
    return dataclasses.replace(
        view_context,
        measured=select_objects(view_context.measured, rows),
        mark_px=view_context.mark_px[list(rows)],
        middle_px=view_context.middle_px[list(rows)],
        elsewhere=frozenset(place[row] for row in view_context.elsewhere if row in place),
        partly_hidden=frozenset(place[row] for row in view_context.partly_hidden if row in place),
        fills_box=None if view_context.fills_box is None else view_context.fills_box[list(rows)],
        visible=None if view_context.visible is None else view_context.visible.select(list(rows)),
    )


def _mark_px(
    instance_map: NDArray[np.integer] | None, instance: int, box: Sequence[int]
) -> tuple[float, float]:
    assert instance_map is not None
    x0, y0, x1, y1 = box
    column, line = mark_pixel(instance_map[y0:y1, x0:x1] == instance)
    return x0 + column, y0 + line
