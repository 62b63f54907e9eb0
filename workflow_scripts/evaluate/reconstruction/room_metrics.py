"""The table of metrics of reconstructed rooms; `metrics.py` joins it to the others.

`room_values.py` and `detection_rows.py` measure them under these names.
"""

from collections.abc import Iterator
from dataclasses import replace

from workflow_scripts.evaluate.metric import ObjectGroup, RoomMetric

FRACTION = "fraction"
LIMITS = {"25cm": "0.25 m", "50cm": "0.5 m", "1m": "1 m"}
R2D3_ROOMS = "R2D3 HouseSemanticSimilarity"
R2D3_SELECTED = "R2D3 HouseSelectedObjAccuracy"
R2D3_DISTANCES = "R2D3 HouseObjectDistancesAccuracy"
R2D3_LANGUAGE = "R2D3, language outputs"
_MATCHED = "pairs of one category, one to one, as many as possible, at most {} apart"


def _by_distance() -> Iterator[RoomMetric]:
    for suffix, limit in LIMITS.items():
        yield RoomMetric(
            f"f1_{suffix}",
            "higher",
            FRACTION,
            f"2 x pairs / (true + predicted objects); {_MATCHED.format(limit)}; a text that cannot "
            "be read has no pairs; of visible objects, predictions that match a hidden one do not "
            "count",
            objects=("all", "visible", "category"),
            is_headline=suffix != "25cm",
        )
        yield RoomMetric(
            f"precision_{suffix}",
            "higher",
            FRACTION,
            f"pairs / predicted objects, {limit}",
            objects=("all", "visible"),
        )
        yield RoomMetric(
            f"recall_{suffix}",
            "higher",
            FRACTION,
            f"pairs / true objects, {limit}",
            objects=("all", "visible", "hidden"),
        )


def _detection() -> Iterator[RoomMetric]:
    groups: tuple[ObjectGroup, ...] = ("all", "visible")
    definition = "mean over categories of the average precision at IoU {} in 3D"
    for name, thresholds in (
        ("ap3d", "0.05, 0.10 ... 0.50"),
        ("ap3d_15", "0.15"),
        ("ap3d_25", "0.25"),
        ("ap3d_50", "0.50"),
    ):
        yield RoomMetric(
            name,
            "higher",
            FRACTION,
            f"{definition.format(thresholds)}, 101 recalls; equal scores in the order of the text; "
            "hidden objects are ignored where visible ones are scored",
            source=f"Omni3D: AP{name.removeprefix('ap3d').replace('_', '') or '3D'}",
            objects=groups,
            is_headline=name == "ap3d",
        )
    yield RoomMetric(
        "ods",
        "higher",
        FRACTION,
        "(3 ods_precision + 3 less the three errors) / 6",
        source="3D-MOOD: open detection score",
        objects=groups,
    )
    yield RoomMetric(
        "ods_precision",
        "higher",
        FRACTION,
        "mean AP with a match within t times half the true diagonal, t = 0.50, 0.55 ... 1.00",
        source="3D-MOOD: mAP",
        objects=groups,
    )
    for name, published, definition in (
        ("ods_translation_error", "mATE", "distance over t times half the diagonal"),
        ("ods_size_error", "mASE", "1 - IoU of the sizes alone"),
        ("ods_orientation_error", "mAOE", "angle of the rotation between them over 180 degrees"),
    ):
        yield RoomMetric(
            name,
            "lower",
            FRACTION,
            f"{definition}; 1 for a true box without a match",
            source=f"3D-MOOD: {published}",
            objects=groups,
        )


def _spatiallm() -> Iterator[RoomMetric]:
    for percent in (25, 50):
        yield RoomMetric(
            f"spatiallm_f1_{percent}",
            "higher",
            FRACTION,
            f"mean over categories of the mean over rooms of F1 at IoU {percent / 100:g}; sizes "
            "count as 0.1 m at least",
            source="SpatialLM: objects F1",
            objects=("target",),
        )
    for kind in ("wall", "door", "window"):
        for percent in (25, 50):
            text = f"mean over rooms of F1 of {kind}s at IoU {percent / 100:g} in the true plane"
            yield RoomMetric(
                f"spatiallm_{kind}_f1_{percent}",
                "higher",
                FRACTION,
                f"{text}; planes less than 0.2 m apart, with the published sign",
                source="SpatialLM: layout F1",
                is_published=True,
            )
            yield RoomMetric(
                f"{kind}_f1_{percent}",
                "higher",
                FRACTION,
                f"{text}; planes less than 0.2 m apart on either side",
            )


def _geometry() -> Iterator[RoomMetric]:
    yield RoomMetric(
        "unreadable_rooms",
        "lower",
        FRACTION,
        "share of replies of which nothing can be read: all of their objects are missed",
        is_headline=True,
    )
    yield RoomMetric(
        "entries_left_out",
        "lower",
        "count",
        "mean number of entries of a reply that are no objects, repeat others or are cut off",
    )
    for name, unit, definition in (
        ("centre_error_m", "m", "mean distance of the centers of pairs within 1 m"),
        (
            "yaw_error_deg",
            "degrees",
            "mean difference of the yaws of pairs within 1 m, around the circle and modulo the "
            "category's symmetry; what is round has none",
        ),
        ("size_error", FRACTION, "mean of 1 - IoU of the sizes alone, of pairs within 1 m"),
        ("count_error", "count", "mean over rooms of |predicted - true objects|"),
    ):
        yield RoomMetric(name, "lower", unit, definition, objects=("all", "visible"))
    yield RoomMetric("floor_iou", "higher", FRACTION, "mean IoU of the floor polygons")
    for name, definition in (
        ("outside_share", "leave the true floor by more than 5 cm"),
        ("colliding_share", "share more than a tenth of the smaller box with another one"),
        (
            "floating_share",
            "begin more than 5 cm above the floor and above every box under their center, and "
            "hang on no wall",
        ),
    ):
        yield RoomMetric(name, "lower", FRACTION, f"share of predicted boxes that {definition}")


def _r2d3() -> Iterator[RoomMetric]:
    matched = "classes that were predicted; tolerance 10 % of the polygon's largest number"
    for name, better, unit, definition in (
        ("PolygonAcc", "higher", FRACTION, "share of rooms with as many corners of (x, height)"),
        ("NumCornerError", "lower", "count", "mean difference of those numbers of corners"),
        ("WallMaterialAcc", "higher", FRACTION, "share of equal materials, over the shorter list"),
        ("FloorMaterialAcc", "higher", FRACTION, "share of equal floor materials"),
        ("ObjectClassAcc", "higher", FRACTION, "share of true assets whose class is predicted"),
        ("ObjectFinegrainAcc", "higher", FRACTION, "share of true assets that are predicted"),
        ("ObjectCountError", "lower", "count", "mean difference of the counts of a true asset"),
        ("ObjectLocationAcc", "higher", FRACTION, f"mean over rooms and classes: {matched}"),
        ("ObjectLocationError", "lower", "scales", f"distance over that number: {matched}"),
        ("ObjectPoseAcc", "higher", FRACTION, "as ObjectLocationAcc, and yaw within 10 degrees"),
        ("ObjectPoseError", "lower", "degrees", "sum over a class of yaw differences, unwrapped"),
    ):
        yield _published(name, better, unit, definition, R2D3_ROOMS)
        if name.startswith("Object"):
            text = f"{definition}, classes of visible objects alone"
            yield _published(f"Sel{name}", better, unit, text, R2D3_SELECTED)
    yield _published(
        "SelObjectCountAcc",
        "higher",
        FRACTION,
        "share of true assets whose count is right, classes of visible objects alone",
        R2D3_SELECTED,
    )
    for name, better, definition in (
        ("ObjectDistancesAcc", "higher", "share of distances between classes that are right"),
        ("ObjectDistancesError", "lower", "mean difference of distances over the scale"),
    ):
        yield _published(name, better, FRACTION, definition, R2D3_DISTANCES)
        yield _published(
            f"visible_{name}",
            better,
            FRACTION,
            f"{definition}, classes of visible objects alone",
            f"{R2D3_DISTANCES}, selected",
        )
    diagonal = "10 % of the floor's diagonal"
    for name, better, unit, definition in (
        ("corner_error", "lower", "count", "difference of the numbers of corners of the plan"),
        ("count_error", "lower", "count", "|predicted - true objects|"),
        ("class_count_error", "lower", "count", "sum over classes of |predicted - true objects|"),
        ("floor_material_acc", "higher", FRACTION, "equal floor material"),
        ("wall_material_acc", "higher", FRACTION, "equal materials over the longer list"),
        ("class_f1", "higher", FRACTION, "F1 of the classes, each object one"),
        ("asset_f1", "higher", FRACTION, "F1 of the assets, each object one"),
        ("location_recall", "higher", FRACTION, f"share of true objects within {diagonal}"),
        ("location_precision", "higher", FRACTION, f"share of predictions within {diagonal}"),
        ("pose_recall", "higher", FRACTION, "as location_recall, and yaw within 10 degrees"),
        ("pose_precision", "higher", FRACTION, "as location_precision, and yaw within 10 degrees"),
        ("location_error", "lower", FRACTION, "mean distance of those pairs over the diagonal"),
        ("yaw_error_deg", "lower", "degrees", "mean wrapped yaw difference of those pairs"),
        (
            "distances_recall",
            "higher",
            FRACTION,
            f"share of true pairs of objects whose distance apart is right to {diagonal}; a pair "
            "with a missing object is wrong",
        ),
    ):
        yield _on_targets(f"corrected_{name}", better, unit, f"mean over rooms: {definition}")


def _language() -> Iterator[RoomMetric]:
    for name, better, unit, definition, published in (
        ("phrase_class_acc", "higher", FRACTION, "as ObjectClassAcc", "ObjectClassAcc"),
        ("phrase_count_error", "lower", "count", "of identical phrases", "ObjectCountError"),
        ("phrase_location_acc", "higher", FRACTION, "as ObjectLocationAcc", "ObjectLocationAcc"),
        ("phrase_location_error", "lower", "scales", "likewise", "ObjectLocationError"),
        ("phrase_pose_acc", "higher", FRACTION, "as ObjectPoseAcc", "ObjectPoseAcc"),
        ("phrase_pose_error", "lower", "degrees", "as ObjectPoseError", "ObjectPoseError"),
        ("phrase_finegrain_f1", "higher", FRACTION, "F1 by membership of assets", "Finegrain"),
        (
            "ObjectAttrSim",
            "higher",
            "percent",
            "100 x cosine of the embeddings of matched phrases",
            "ObjectAttrSim",
        ),
        ("JSONAccuracy", "higher", FRACTION, "share of replies with an object", "JSONAccuracy"),
    ):
        text = f"{definition}; a phrase is the nearest known one, the first prediction is skipped"
        yield _published(name, better, unit, text, f"{R2D3_LANGUAGE}: {published}")
    for name, unit, definition in (
        ("phrase_f1", FRACTION, "F1 of the phrases but for case, signs and articles"),
        (
            "phrase_similarity",
            "percent",
            "100 x cosine of the phrases of pairs of a category within 1 m",
        ),
    ):
        yield _on_targets(f"corrected_{name}", "higher", unit, definition)


def _on_targets(name: str, better: str, unit: str, definition: str) -> RoomMetric:
    return RoomMetric(name, better, unit, definition, objects=("target",))  # type: ignore[arg-type]


def _published(name: str, better: str, unit: str, definition: str, source: str) -> RoomMetric:
    return replace(_on_targets(name, better, unit, definition), source=source, is_published=True)


ROOM_METRICS: tuple[RoomMetric, ...] = (
    *_by_distance(),
    *_geometry(),
    *_detection(),
    *_spatiallm(),
    *_r2d3(),
    *_language(),
)
