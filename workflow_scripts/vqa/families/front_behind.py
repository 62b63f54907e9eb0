"""In front or behind, and nearer or further, as the camera sees it: in front is nearer.

`front_behind` orders by depth along the camera's axis; straight distances of centres, nearest
points and what is visible of both must give the same order. `camera_nearer` orders by straight
distances alone. Neither is
asked of views from straight above, where what is high is near.
"""

from workflow_scripts.vqa.measures import metres_in_front, metres_nearer
from workflow_scripts.vqa.question_types.base import Requirements
from workflow_scripts.vqa.question_types.comparison import Antonym, Comparison
from workflow_scripts.vqa.reasoning import comparison

FRONT_BEHIND = Comparison(
    name="front_behind",
    antonyms=(
        Antonym("in front of", "in front"),
        Antonym("behind", "farther back"),
    ),
    difference=metres_in_front,
    unit="m",
    reasoning=comparison.compare_two(comparison.DEPTH),
    requires=Requirements(level=True),
    frame="camera",
    scopes=("seen from the camera",),
)

CAMERA_NEARER = Comparison(
    name="camera_nearer",
    antonyms=(
        Antonym("closer to the camera than", "closer to the camera"),
        Antonym("farther from the camera than", "farther from the camera"),
    ),
    difference=metres_nearer,
    unit="m",
    reasoning=comparison.compare_two(comparison.DISTANCE),
    requires=Requirements(range_clear=True),
    frame="camera",
    scopes=("measured in a straight line",),
)
