"""Contact: touching, on top of, inside; and between two others on the floor plan."""

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa import contact, plausibility
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.question_types.base import QuestionContext, Requirements
from workflow_scripts.vqa.question_types.ranking import Ranking
from workflow_scripts.vqa.question_types.yes_no import PredicateValues, YesNo
from workflow_scripts.vqa.reasoning import comparison, yes_no
from workflow_scripts.vqa.view_context import ViewContext

LEVEL = Requirements(level=True)
WHOLE = Requirements(untruncated=True, level=True)
# The sigma where it is not known: no ranking that it is part of is clear.
UNKNOWN = 1e9
# Between: where the foot of the first lies on the way from the second to the third, and how far
# from that line the first is, as shares of the length of the way.
ALONG = yes_no.Limits(yes=0.2, no=-0.05)
ASIDE = yes_no.Limits(yes=0.2, no=0.5)
# Each of three in turn comes first.
_ROTATIONS = np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0]])


def on_top(view_context: ViewContext) -> FloatArray:
    """Return `contact.on_top`, 0 where i could not stand on j anyway."""
    clear = contact.on_top(view_context)
    return np.where((clear > 0) | plausibility.could_stand_on(view_context), clear, 0.0)


def inside(view_context: ViewContext) -> FloatArray:
    """Return `contact.inside`, 0 where i could not lie in j anyway."""
    clear = contact.inside(view_context)
    return np.where(plausibility.could_be_inside(view_context), clear, 0.0)


def _pairs(context: QuestionContext, clear: FloatArray, *, ordered: bool) -> PredicateValues:
    (value,) = context.pair_values(clear, ordered=ordered)
    pairs = context.pairs(ordered=True) if ordered else context.shuffled_pairs()
    return PredicateValues(pairs, value, np.zeros(len(pairs)))


def between(context: QuestionContext) -> PredicateValues:
    """YesNo of every three that the first is between the others on the floor plan.

    The foot of the first one's centre on the line between the other centres must lie well within
    (or without) it, and the centre near (or far from) the line.
    """
    groups = context.groups(3)
    if not len(groups):
        return PredicateValues(np.zeros((0, 3), dtype=int), np.zeros(0), np.zeros(0))
    groups = groups[:, _ROTATIONS].transpose(1, 0, 2).reshape(-1, 3)
    plan = context.view_context.measured.centre_m[:, :2]
    middle, one, other = (plan[groups[:, place]] for place in range(3))
    way = other - one
    length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)
    along = ((middle - one) * way).sum(axis=1) / length**2
    cross = way[:, 0] * (middle - one)[:, 1] - way[:, 1] * (middle - one)[:, 0]
    aside = np.abs(cross) / length**2
    inner = np.minimum(along, 1 - along)
    far = length >= 2 * context.margins.metres
    yes = np.minimum(inner - ALONG.yes, ASIDE.yes - aside)
    no = np.maximum(ALONG.no - inner, aside - ASIDE.no)
    value = np.where(far & (yes > 0), yes, np.where(far & (no > 0), -no, 0.0))
    sigma = context.view_context.measured.sigma_centre_m[:, :2].max(axis=1)
    return PredicateValues(groups, value, np.sqrt((sigma[groups] ** 2).sum(axis=1)) / length)


def _supports(view_context: ViewContext) -> Measure:
    """Say of anchor i and candidate j whether i rests on j."""
    on = on_top(view_context)
    return np.sign(on), np.where(on == 0, UNKNOWN, 0.0)


TOUCHING = YesNo(
    name="touching",
    predicate=lambda context: _pairs(
        context, contact.touching(context.view_context), ordered=False
    ),
    unit="m",
    reasoning=yes_no.touching,
    requires=LEVEL,
    frame="gravity",
    questions=("Are {a} and {b} touching?", "Do {a} and {b} touch each other?"),
    statements=("{a} and {b} are touching", "{a} {is_a} touching {b}"),
    negations=("{a} and {b} are not touching", "{a} {is_a} not touching {b}"),
)
ON_TOP = YesNo(
    name="on_top",
    predicate=lambda context: _pairs(context, on_top(context.view_context), ordered=True),
    unit="m",
    reasoning=yes_no.on_top,
    requires=LEVEL,
    frame="gravity",
    questions=("{Is_a} {a} on top of {b}?", "{Is_a} {a} resting on {b}?"),
    statements=("{a} {is_a} on top of {b}", "{it_a} {is_a}"),
    negations=("{a} {is_a} not on top of {b}", "{it_a} {isn't_a}"),
)
INSIDE = YesNo(
    name="inside",
    yes_leads=True,
    predicate=lambda context: _pairs(context, inside(context.view_context), ordered=True),
    unit="m",
    reasoning=yes_no.inside,
    requires=LEVEL,
    frame="gravity",
    questions=("{Is_a} {a} inside {b}?",),
    statements=("{a} {is_a} inside {b}", "{it_a} {is_a}"),
    negations=("{a} {is_a} not inside {b}", "{it_a} {isn't_a}"),
)
SUPPORTED_BY = Ranking(
    name="supported_by",
    measure=_supports,
    unit="",
    reasoning=comparison.supported_by,
    requires=LEVEL,
    frame="gravity",
    extremes=(),
    anchored=True,
    questions=(
        "Which one {is_d} {d} resting on: {a}, {b} or {c}?",
        "What {is_d} {d} on top of: {a}, {b} or {c}?",
        "Of {a}, {b} and {c}, which one {is_d} {d} resting on?",
        "{a}, {b} or {c}: which one {is_d} {d} on top of?",
    ),
    answers=(
        "{d} {is_d} resting on {winner}.",
        "{winner}.",
        "It's {winner}.",
        "On {winner}.",
    ),
)
BETWEEN = YesNo(
    name="between",
    predicate=between,
    unit="ratio",
    reasoning=yes_no.between(ALONG, ASIDE),
    requires=WHOLE,
    frame="gravity",
    questions=(
        "Seen from above, {is_a} {a} between {b} and {c}?",
        "{Is_a} {a} between {b} and {c} on the floor plan?",
    ),
    statements=(
        "{a} {is_a} between {b} and {c}, seen from above",
        "{it_a} {is_a}",
    ),
    negations=(
        "{a} {is_a} not between {b} and {c}, seen from above",
        "{it_a} {isn't_a}",
    ),
)
