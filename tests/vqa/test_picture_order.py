"""Order in the picture: marks and visible parts must agree, else it is not asked."""

from dataclasses import replace

import numpy as np
import pytest

from testing.vqa.scenes import DEFAULT_MARGINS, furnished_shard, view_contexts
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families.rankings import (
    LEFTMOST,
    RIGHTMOST,
    SECOND_FROM_LEFT,
    SECOND_FROM_RIGHT,
)

FAMILIES = (LEFTMOST, RIGHTMOST, SECOND_FROM_LEFT, SECOND_FROM_RIGHT)


@pytest.fixture(scope="module")
def view_context(tmp_path_factory):
    found = view_contexts(furnished_shard(tmp_path_factory.mktemp("views")))[0]
    return replace(found, dropped=found.dropped)


def winners(view_context, family, columns, middles):
    """Return the winners among the first three objects, moved to columns and middles."""
    marks, centres = view_context.mark_px.copy(), view_context.middle_px.copy()
    marks[:3, 0], centres[:3, 0] = columns, middles
    moved = replace(view_context, mark_px=marks, middle_px=centres)
    batches = enumerate_batches(
        moved,
        DEFAULT_MARGINS,
        seed=1,
        form="region",
        marks={"region": {"<region0>": 0, "<region1>": 1, "<region2>": 2}},
        families=(family,),
    )
    return {int(row[one.batch.winner]) for one in batches for row in one.batch.objects}


@pytest.mark.parametrize(
    ("family", "winner"),
    [(LEFTMOST, 0), (RIGHTMOST, 2), (SECOND_FROM_LEFT, 1), (SECOND_FROM_RIGHT, 1)],
    ids=lambda one: getattr(one, "name", ""),
)
def test_an_order_is_asked_where_marks_and_visible_parts_agree(view_context, family, winner):
    assert winners(view_context, family, (20, 70, 120), (30, 80, 110)) == {winner}
    # The visible parts of the outer two lie the other way round, or too close to say.
    assert not winners(view_context, family, (20, 70, 120), (110, 80, 30))
    assert not winners(view_context, family, (20, 70, 120), (70, 71, 72))


def test_the_third_counts_where_its_visible_part_reaches_past_the_winner(view_context):
    # By marks 0 is leftmost; the visible part of 2 lies further left than that of 0.
    assert not winners(view_context, LEFTMOST, (20, 70, 120), (40, 90, 10))
    assert not winners(view_context, RIGHTMOST, (120, 70, 20), (100, 50, 130))


def test_what_does_not_touch_the_answer_may_be_in_any_order(view_context):
    assert winners(view_context, LEFTMOST, (20, 70, 120), (20, 121, 120)) == {0}
    assert np.isfinite(view_context.middle_px).all()
