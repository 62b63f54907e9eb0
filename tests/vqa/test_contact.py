"""Support means the surface that carries: seats and boards, not the top of what has them."""

import dataclasses

import numpy as np
import pytest

from testing.box_scenes import Box, write_shard
from testing.vqa.scenes import camera, rectangular_room, view_contexts
from workflow_scripts.common.storage import read_table, write_table
from workflow_scripts.common.view_shard import table_path
from workflow_scripts.vqa import contact

SOFA = Box("Sofa", (3.0, 2.6, 0.45), (1.7, 0.9, 0.9), 180.0, (170, 40, 40))
# On the sofa's seat, 45 cm below the top of its back.
BALL = Box("BasketBall", (3.0, 2.4, 0.57), (0.24, 0.24, 0.24), 0.0, (230, 120, 30))
LAMP = Box("FloorLamp", (4.6, 2.6, 0.85), (0.3, 0.3, 1.7), 0.0, (230, 220, 120))


def context_of(folder, state: str, support_m: float = 0.45):
    """Return the context of a ball on a sofa; `state` is the ball's `ObjectRow.contact`."""
    # Only the seat is drawn, so that the ball shows; the table has the back too.
    low = dataclasses.replace(SOFA, centre_m=(3.0, 2.6, 0.2), size_m=(1.7, 0.9, 0.4))
    path = write_shard(
        folder / "0000.zarr", {"s": ([*rectangular_room(), low, BALL, LAMP], [camera()])}
    )
    objects = read_table(table_path(path, "objects"))
    sofa = objects["category"] == "Sofa"
    ball = objects["category"] == "BasketBall"
    objects.loc[sofa, ["z_m", "height_m"]] = SOFA.centre_m[2], SOFA.size_m[2]
    objects.loc[ball, "contact"] = state
    objects.loc[ball, "support_z_m"] = support_m if state == "carried" else 0.0
    objects.loc[ball, "parent_id"] = objects.loc[sofa, "object_id"].iloc[0]
    write_table(table_path(path, "objects"), objects)
    (found,) = view_contexts(path)
    return found, found.categories.index("BasketBall"), found.categories.index("Sofa")


def test_a_seat_carries_what_lies_below_the_back(tmp_path):
    found, ball, sofa = context_of(tmp_path, "carried")
    assert contact.on_top(found)[ball, sofa] > 0
    assert contact.on_top(found)[sofa, ball] <= 0
    assert contact.touching(found)[ball, sofa] > 0
    assert contact.support_height_m(found, ball, sofa) == pytest.approx(0.45, abs=1e-4)


def test_boxes_alone_do_not_say_that_it_lies_there(tmp_path):
    found, ball, sofa = context_of(tmp_path, "")
    assert contact.on_top(found)[ball, sofa] <= 0
    assert contact.support_height_m(found, ball, sofa) == pytest.approx(0.9, abs=1e-4)


def test_nothing_is_said_of_what_hangs_or_is_sunk_in(tmp_path):
    found, ball, _ = context_of(tmp_path, "unclear")
    for measure in (contact.on_top, contact.touching, contact.inside):
        assert not np.any(measure(found)[ball])
        assert not np.any(measure(found)[:, ball])
    # Others keep theirs.
    assert contact.touching(found)[0].any() or contact.touching(found)[-1].any()
