"""Facing: which way something with a front looks, and whether it faces something else."""

import numpy as np

from workflow_scripts.vqa.measures import facing_camera_deg, facing_deg
from workflow_scripts.vqa.shapes.base import Asking, Requirements
from workflow_scripts.vqa.shapes.claim import Claim, Claims, between_limits
from workflow_scripts.vqa.shapes.fixed import Fixed, Sorted
from workflow_scripts.vqa.sight import Sight

FRONT = Requirements(level=True, front=True)
# What has a front that everyone would agree on.
_FRONTED = frozenset(
    [
        "armchair",
        "cabinet",
        "chair",
        "couch",
        "cupboard",
        "desktop",
        "dresser",
        "dryer",
        "fridge",
        "laptop",
        "machine",
        "microwave",
        "monitor",
        "oven",
        "refrigerator",
        "safe",
        "screen",
        "sofa",
        "television",
        "toilet",
        "tv",
        "wardrobe",
        "washer",
    ]
)
FACES_BELOW_DEG, FACES_NOT_ABOVE_DEG = 20.0, 60.0
# Four ways to face; nearer than this to the middle of one it is clear.
WIDTH_DEG = 25.0
WAYS = ("towards the camera", "to the right", "away from the camera", "to the left")


def has_front(sight: Sight) -> np.ndarray:
    """Say which objects have a front, by their nouns."""
    return np.array(
        [not _FRONTED.isdisjoint(noun.lower().split()) for noun in sight.nouns], dtype=bool
    )


def faces_object(asking: Asking) -> Claims:
    """Claim of every ordered pair that the first faces the second."""
    pairs = asking.pairs(ordered=True)
    if not len(pairs):
        return Claims(pairs, np.zeros(0), np.zeros(0))
    pairs = pairs[has_front(asking.sight)[pairs[:, 0]]]
    angle, sigma = facing_deg(asking.sight)
    where = (pairs[:, 0], pairs[:, 1])
    value = between_limits(angle[where], FACES_BELOW_DEG, FACES_NOT_ABOVE_DEG)
    # From above or below "facing" means little.
    near = asking.sight.measured.horizontal_distance_m[0][where] < 2 * asking.margins.metres
    return Claims(pairs, np.where(near, 0.0, value), sigma[where])


def faces_way(asking: Asking) -> Sorted:
    """Sort what has a front by the way it faces, as the camera sees it."""
    rows = asking.usable
    if not len(rows):
        return Sorted(rows[:, None], rows, np.zeros(0), np.zeros(0))
    rows = rows[has_front(asking.sight)[rows]]
    angle, sigma = facing_camera_deg(asking.sight)
    quarter = np.round(angle[rows] / 90.0).astype(int) % 4
    off = np.abs((angle[rows] + 45.0) % 90.0 - 45.0)
    return Sorted(
        objects=rows[:, None],
        option=np.where(off <= WIDTH_DEG, quarter, -1),
        value=45.0 - off,
        sigma=sigma[rows],
    )


FACING_OBJECT = Claim(
    name="facing_object",
    claims=faces_object,
    unit="deg",
    requires=FRONT,
    frame="object",
    questions=("{Does_a} {a} face {b}?", "{Is_a} {a} facing {b}?"),
    statements=("{a} {is_a} facing {b}", "the front of {a} is turned towards {b}"),
    negations=("{a} {is_a} not facing {b}", "the front of {a} is not turned towards {b}"),
)
FACING = Fixed(
    name="facing",
    options=WAYS,
    sort=faces_way,
    unit="deg",
    requires=FRONT,
    frame="camera",
    questions=(
        "Which way {does_a} {a} face: towards the camera, away from the camera, to the left or "
        "to the right?",
        "Is the front of {a} turned towards the camera, away from the camera, to the left or to "
        "the right?",
        "As the camera sees it, which way {is_a} {a} facing: towards the camera, away from the "
        "camera, to the left or to the right?",
        "Towards the camera, away from the camera, to the left or to the right: which way "
        "{does_a} {a} face?",
        "In which direction is the front of {a}: towards the camera, away from the camera, to the "
        "left or to the right?",
        "Tell me which way {a} {faces_a}: towards the camera, away from the camera, to the left "
        "or to the right.",
        "{Does_a} {a} face towards the camera, away from the camera, to the left or to the right?",
        "{Is_a} {a} turned towards the camera, away from the camera, to the left or to the right?",
        "Where {does_a} {a} look: towards the camera, away from the camera, to the left or to the "
        "right?",
        "How {is_a} {a} turned: towards the camera, away from the camera, to the left or to the "
        "right?",
        "Choose the way in which {a} {faces_a}: towards the camera, away from the camera, to the "
        "left or to the right.",
        "Seen in the picture, which way is the front of {a} turned: towards the camera, away "
        "from the camera, to the left or to the right?",
    ),
    answers=(
        "{a} {faces_a} {option}.",
        "The front of {a} is turned {option}.",
        "{It_a} {faces_a} {option}.",
        "{a} {is_a} turned {option}.",
        "I would say that {a} {faces_a} {option}.",
        "{a} {is_a} facing {option}.",
        "{It_a} {is_a} facing {option}.",
        "As the camera sees it, {a} {faces_a} {option}.",
    ),
)
