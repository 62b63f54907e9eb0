"""Places in the picture: a point on what is named, the box around it, the n-th of its kind."""

import itertools

import numpy as np

from workflow_scripts.common.names import is_plural
from workflow_scripts.vqa.measures import metres_in_front, px_to_the_left
from workflow_scripts.vqa.refer import MAX_IN_ROW, ORDINALS
from workflow_scripts.vqa.shapes.base import Asking, Requirements
from workflow_scripts.vqa.shapes.locate import Locate, Targets


def every_object(asking: Asking) -> Targets:
    """Return every usable object under its own name."""
    rows = asking.usable
    called = [asking.book.phrases[row] for row in rows.tolist()]
    return Targets(rows, called, np.full(len(rows), float(asking.sight.shorter_side_px)))


def nth_of_kind(asking: Asking) -> Targets:
    """Return the objects of a kind by their order from the left, the right and the camera."""
    sight = asking.sight
    rows_of: dict[str, list[int]] = {}
    for row in asking.usable.tolist():
        rows_of.setdefault(sight.categories[row], []).append(row)
    margin_px = asking.margins.of("px", sight)
    targets: list[tuple[int, str, float]] = []
    for category, rows in sorted(rows_of.items()):
        noun = sight.nouns[rows[0]]
        complete = sight.in_view[category] == len(rows)
        if not complete or not 2 <= len(rows) <= MAX_IN_ROW or is_plural(noun):
            continue
        left, front = px_to_the_left(sight)[0], metres_in_front(sight)
        needed_m = asking.margins.needed("m", sight, front[1])
        orders = (
            ("from the left", left, np.full_like(left, margin_px)),
            ("from the right", -left, np.full_like(left, margin_px)),
            ("from the camera", front[0], needed_m),
        )
        for words, ahead, needed in orders:
            if words == "from the camera" and not sight.is_level:
                continue
            order = sorted(rows, key=lambda row: -(ahead[row, rows] > 0).sum())
            steps = list(itertools.pairwise(order))
            if any(ahead[step] < max(needed[step], 1e-9) for step in steps):
                asking.dropped["too close to call"] += 1
                continue
            clear = min(float(ahead[step]) for step in steps)
            for place, row in enumerate(order):
                targets.append((row, f"the {ORDINALS[place]} {noun} {words}", clear))
    return Targets(
        np.array([row for row, _, _ in targets], dtype=int),
        [called for _, called, _ in targets],
        np.array([clear for _, _, clear in targets]),
    )


def _locate(name: str, place: str, targets: object, *, kinds: bool = False) -> Locate:
    return Locate(
        name=name,
        place=place,  # type: ignore[arg-type]
        targets=targets,  # type: ignore[arg-type]
        unit="px",
        requires=Requirements(kinds=kinds),
        frame="picture",
    )


POINTING = _locate("pointing", "point", every_object)
BOXING = _locate("boxing", "box", every_object)
NTH_POINTING = _locate("nth_pointing", "point", nth_of_kind, kinds=True)
NTH_BOXING = _locate("nth_boxing", "box", nth_of_kind, kinds=True)
