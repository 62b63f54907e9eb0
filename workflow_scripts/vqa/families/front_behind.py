"""In front or behind, as the camera sees it: in front is nearer to the camera.

Measured by planar depth along the camera's forward axis, of the boxes' centres. The boxes'
nearest corners, and the straight distances from the camera to the centres, must give the same
order: then nobody who reads "behind" in another sensible way gets another answer.
"""

import numpy as np

from workflow_scripts.vqa.families.family import Comparison, Pole, Requirements, agreeing
from workflow_scripts.vqa.sight import Seen


def metres_in_front(a: Seen, b: Seen) -> float:
    """Return by how much a is nearer to the camera than b."""
    return agreeing(
        float(b.centre_camera_m[2] - a.centre_camera_m[2]),
        b.nearest_depth_m - a.nearest_depth_m,
        float(np.linalg.norm(b.centre_camera_m) - np.linalg.norm(a.centre_camera_m)),
    )


FRONT_BEHIND = Comparison(
    name="front_behind",
    forms=("named", "marked"),
    poles=(
        Pole("in front of", "closer to the camera"),
        Pole("behind", "further from the camera"),
    ),
    difference=metres_in_front,
    unit="m",
    requires=Requirements(level=True),
    yes_no=(
        "Is {a} {relation} {b}?",
        "Seen from the camera, is {a} {relation} {b}?",
        "Going by distance from the camera, is {a} {relation} {b}?",
        "From where the picture was taken, is {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "Of {a} and {b}, which one is {extreme}?",
        "In this room, which is {extreme}: {a} or {b}?",
    ),
    yes=(
        "Yes, {a} is {relation} {b}.",
        "Yes, seen from the camera {a} is {relation} {b}.",
    ),
    no=(
        "No, {a} is not {relation} {b}.",
        "No, {a} is {opposite} {b}.",
    ),
    winners=("{winner} is {extreme}.", "{winner} is the one {extreme}."),
)
