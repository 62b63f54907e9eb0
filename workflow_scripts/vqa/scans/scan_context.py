"""What is known of one scan: its objects, its chosen frames, its rooms.

Built once a scan from the tables of its shard. Coordinates are metres in the world frame
(right-handed, Z up). Only what the chosen frames show well enough is in `objects`; what they show
less of is in `glimpsed`, so that nothing is said that it might contradict.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from shapely import Polygon

from workflow_scripts.common.colours import colour_name
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.label_text import VAGUE_CATEGORIES, is_confusable, phrase
from workflow_scripts.common.records import Split
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.geometry import upright_boxes
from workflow_scripts.geometry.aligned_boxes import aligned_boxes
from workflow_scripts.geometry.cameras import Camera, FloatArray
from workflow_scripts.geometry.upright_box import UprightBox

Box = tuple[float, float, float, float, float, float]
OPENINGS = frozenset({"door", "doorframe", "window"})
# Share of an object's frames that must agree on the name of its colour.
_COLOUR_AGREEMENT = 2 / 3


@dataclass(frozen=True, eq=False)
class ScanObject(UprightBox):
    """An object, or a door or window, that the chosen frames show.

    Attributes:
        instance: value in the masks, unique in its scan.
        object_id: name in its scene.
        category: as the source writes it.
        phrase: noun for the category.
        kind: object, or structure (doors and windows).
        parent: instance of what carries it, 0 if that is not known or is the floor.
        contact: carried, unclear or '', as in `ObjectRow`.
        centre_m: f64 [3].
        size_m: f64 [3] along its own axes: width, depth, height.
        yaw_deg: counter-clockwise about world +Z; at 0 its front looks along +Y.
        room_id: room that it is in, '' if not known.
        colour: name of its colour, '' where frames disagree or it has none.
        frames: positions in `ScanContext.frames` of those that show it well enough.
        pixels: most pixels that one frame shows of it.
        first_frame_s: time of the first of them.
        first_glimpse_s: time of the first chosen frame that shows any pixel of it.
        is_shown_whole: whether one of `frames` shows it without cutting it off at its border.
    """

    instance: int
    object_id: str
    category: str
    phrase: str
    kind: str
    parent: int
    contact: str
    centre_m: FloatArray
    size_m: FloatArray
    yaw_deg: float
    room_id: str
    colour: str
    frames: tuple[int, ...]
    pixels: int
    first_frame_s: float
    first_glimpse_s: float
    is_shown_whole: bool

    @property
    def num_frames(self) -> int:
        """Number of chosen frames that show it well enough."""
        return len(self.frames)

    @cached_property
    def box(self) -> Box:
        """Its axis-aligned box, to micrometres: centre x, y, z, size x, y, z."""
        aligned = aligned_boxes(self.centre_m, self.size_m, self.yaw_deg).round(6)
        x, y, z, dx, dy, dz = aligned.tolist()
        return x, y, z, dx, dy, dz


@dataclass(frozen=True, eq=False)
class ScanFrame:
    """A chosen frame: its view in the shard, its time and its camera."""

    view: int
    frame: int
    timestamp_s: float
    rank: int
    camera: Camera


@dataclass(frozen=True, eq=False)
class ScanRoom:
    """A room that the camera was in, with its floor polygon [n, 2] in metres.

    `is_open`: an edge of its floor has no wall, so that it goes on into another room.
    """

    room_id: str
    room_type: str
    polygon_m: FloatArray
    is_open: bool = False

    @cached_property
    def shape(self) -> Polygon:
        """Its floor seen from above."""
        return Polygon(self.polygon_m)

    @property
    def name(self) -> str:
        """What people call it, '' where its type is not known."""
        return {"LivingRoom": "living room"}.get(self.room_type, self.room_type.lower())

    @property
    def area_m2(self) -> float:
        """Area of its floor."""
        return float(self.shape.area)


@dataclass(frozen=True, eq=False)
class ScanContext:
    """A scan.

    Attributes:
        source, scene_id, split: whose it is.
        objects: what the chosen frames show well enough, by instance.
        openings: doors and windows that they show well enough.
        glimpsed: objects that they show less of.
        unseen: objects of the scene that no chosen frame shows.
        frames: the chosen frames in the order of time.
        rooms: rooms that the camera was in, where they are known.
        surface_coverage: share of the scan's own surface that the chosen frames show; NaN where
            that is not known.
    """

    source: str
    scene_id: str
    split: Split
    objects: tuple[ScanObject, ...]
    openings: tuple[ScanObject, ...]
    glimpsed: tuple[ScanObject, ...]
    unseen: tuple[ScanObject, ...]
    frames: tuple[ScanFrame, ...]
    rooms: tuple[ScanRoom, ...]
    surface_coverage: float

    @property
    def placed(self) -> tuple[ScanObject, ...]:
        """All that has a box: objects, doors and windows, and what is only glimpsed."""
        return (*self.objects, *self.openings, *self.glimpsed)

    @cached_property
    def by_instance(self) -> Mapping[int, ScanObject]:
        """What has a box, by its instance."""
        return {item.instance: item for item in self.placed}

    @cached_property
    def by_category(self) -> Mapping[str, tuple[ScanObject, ...]]:
        """Objects by category, in the order of instances."""
        found: dict[str, list[ScanObject]] = {}
        for item in self.objects:
            found.setdefault(item.category, []).append(item)
        return {category: tuple(items) for category, items in found.items()}

    @cached_property
    def clear_categories(self) -> Mapping[str, tuple[ScanObject, ...]]:
        """Categories of which every object in the scan is shown, and no other could be meant.

        Left out are vague names, categories of which something is only glimpsed, and those that
        people take for another one in the scan ("cup", "mug").
        """
        return {
            category: items
            for category, items in self.by_category.items()
            if self.is_clear(category)
        }

    @cached_property
    def alone(self) -> tuple[ScanObject, ...]:
        """The objects that their noun alone names."""
        return tuple(items[0] for items in self.clear_categories.values() if len(items) == 1)

    def is_clear(self, category: str) -> bool:
        """Say whether a category's noun means its objects in `objects` and nothing else here."""
        if category in VAGUE_CATEGORIES or not phrase(category).strip():
            return False
        others = {item.category for item in self.objects if item.category != category}
        others |= {item.category for item in self.glimpsed}
        return not any(is_confusable(category, other) for other in others)

    @cached_property
    def gaps_m(self) -> FloatArray:
        """Least distances [n, n] between the boxes of `placed`."""
        return upright_boxes.box_gaps_m(*self._stacked)

    @cached_property
    def footprint_gaps_m(self) -> FloatArray:
        """Least horizontal distances [n, n] between them, 0 where one is above the other."""
        return upright_boxes.footprint_gaps_m(*self._stacked)

    @cached_property
    def rows(self) -> Mapping[int, int]:
        """Row of `gaps_m` of an instance."""
        return {item.instance: row for row, item in enumerate(self.placed)}

    def gap_m(self, one: ScanObject, other: ScanObject) -> float:
        """Return the least distance between the boxes of two objects."""
        return float(self.gaps_m[self.rows[one.instance], self.rows[other.instance]])

    def footprint_gap_m(self, one: ScanObject, other: ScanObject) -> float:
        """Return the least horizontal distance between two objects."""
        return float(self.footprint_gaps_m[self.rows[one.instance], self.rows[other.instance]])

    @cached_property
    def _stacked(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        items = self.placed
        return (
            np.array([item.centre_m for item in items]).reshape(-1, 3),
            np.array([item.size_m for item in items]).reshape(-1, 3),
            np.array([item.yaw_deg for item in items], dtype=np.float64),
        )


def read_contexts(
    shard: ViewShard,
    frames: pd.DataFrame,
    rooms: Mapping[str, Sequence[ScanRoom]],
    settings: ScanQuestionSettings,
) -> Iterator[tuple[str, ScanContext | UserError]]:
    """Yield every scan of a shard with what is known of it, or why nothing can be asked.

    `frames` has rows of `ChosenFrame`, `rooms` the rooms of scans by scene.
    """
    for scene_id in shard.views.scene_id.unique().tolist():
        try:
            yield scene_id, read_context(shard, frames, rooms.get(scene_id, ()), settings, scene_id)
        except UserError as error:
            yield scene_id, error


def read_context(
    shard: ViewShard,
    frames: pd.DataFrame,
    rooms: Sequence[ScanRoom],
    settings: ScanQuestionSettings,
    scene_id: str,
) -> ScanContext:
    """Return what is known of a scan; `UserError` if nothing can be asked about it."""
    views = shard.views[shard.views.scene_id == scene_id]
    if (views.pose_source == "none").any():
        raise UserError("the direction of gravity is not known, so that nothing is above or below")
    chosen = frames[frames.scene_id == scene_id].sort_values("frame", kind="stable")
    if chosen.empty:
        raise UserError("no frame was chosen")
    rows = shard.objects[shard.objects.scene_id == scene_id]
    seen = shard.visibility[shard.visibility["view"].isin(chosen["view"])]
    is_well_seen = (seen.pixels >= settings.min_pixels) & (
        seen.fraction_visible >= settings.min_fraction_visible
    )
    well_seen = seen[is_well_seen & (seen.scene_id == scene_id)]
    positions = {view: place for place, view in enumerate(chosen["view"].tolist())}
    shown_in: dict[int, list[int]] = {}
    for row in well_seen.itertuples(index=False):
        shown_in.setdefault(int(row.instance), []).append(positions[row.view])
    glimpsed = set(seen.instance[seen.scene_id == scene_id].tolist()) - set(shown_in)
    colours = _colours(shard, chosen["view"].tolist(), well_seen)
    instances = dict(zip(rows.object_id, rows.instance.astype(int), strict=True))
    times_s = chosen.timestamp_s.tolist()
    pixels = well_seen.groupby("instance").pixels.max().to_dict()
    shown_whole = set(well_seen.instance[~well_seen.truncated].tolist())
    first_glimpses = {
        int(instance): min(positions[view] for view in group)
        for instance, group in seen[seen.scene_id == scene_id].groupby("instance")["view"]
    }

    def make(row: pd.Series) -> ScanObject:
        instance = int(row.instance)
        places = tuple(sorted(shown_in.get(instance, ())))
        return _scan_object(
            row,
            parent=instances.get(row.parent_id, 0),
            colour=colours.get(instance, ""),
            frames=places,
            pixels=int(pixels.get(instance, 0)),
            first_frame_s=float(times_s[places[0]]) if places else float("nan"),
            first_glimpse_s=float(times_s[first_glimpses[instance]])
            if instance in first_glimpses
            else float("nan"),
            is_shown_whole=instance in shown_whole,
        )

    rows = rows.sort_values("instance", kind="stable")
    is_object, is_shown = rows.kind == "object", rows.instance.isin(list(shown_in))
    is_opening = rows.category.str.lower().isin(OPENINGS)
    objects = tuple(make(row) for _, row in rows[is_object & is_shown].iterrows())
    if not objects:
        raise UserError("its chosen frames show no object well enough")
    is_partly = rows.instance.isin(list(glimpsed))
    visited = set(views.room_id)
    return ScanContext(
        source=str(views.source.iloc[0]),
        scene_id=scene_id,
        split=views.split.iloc[0],
        objects=objects,
        openings=tuple(make(row) for _, row in rows[is_opening & is_shown].iterrows()),
        glimpsed=tuple(make(row) for _, row in rows[is_object & is_partly].iterrows()),
        unseen=tuple(make(row) for _, row in rows[is_object & ~is_shown & ~is_partly].iterrows()),
        frames=tuple(
            ScanFrame(
                view=int(row["view"]),
                frame=int(row.frame),
                timestamp_s=float(row.timestamp_s),
                rank=int(row["rank"]),
                camera=shard.camera(int(row["view"])),
            )
            for _, row in chosen.iterrows()
        ),
        rooms=tuple(room for room in rooms if room.room_id in visited),
        surface_coverage=float(chosen.surface_coverage.max()),
    )


def _scan_object(row: pd.Series, **known: object) -> ScanObject:
    return ScanObject(
        instance=int(row.instance),
        object_id=str(row.object_id),
        category=str(row.category),
        phrase=phrase(str(row.category)),
        kind=str(row.kind),
        contact=str(row.contact),
        centre_m=np.array([row.x_m, row.y_m, row.z_m], dtype=np.float64),
        size_m=np.array([row.width_m, row.depth_m, row.height_m], dtype=np.float64),
        yaw_deg=float(row.yaw_deg),
        room_id=str(row.room_id),
        **known,  # type: ignore[arg-type]
    )


def _colours(shard: ViewShard, views: Sequence[int], visible: pd.DataFrame) -> dict[int, str]:
    """Return the names of colours that the frames agree on, by instance."""
    names: dict[int, list[str]] = {}
    for view in views:
        rows = visible[visible["view"] == view]
        if rows.empty:
            continue
        rgb, instance = shard.rgb(view), shard.instance(view)
        for row in rows.itertuples(index=False):
            part = np.s_[row.y0 : row.y1, row.x0 : row.x1]
            name = colour_name(rgb[part], instance[part] == row.instance)
            names.setdefault(int(row.instance), []).append(name)
    found = {}
    for number, all_names in names.items():
        best = max(sorted(set(all_names)), key=all_names.count)
        if best and all_names.count(best) >= _COLOUR_AGREEMENT * len(all_names):
            found[number] = best
    return found
