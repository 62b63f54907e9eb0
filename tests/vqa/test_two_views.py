"""Two views of one room: what is said of the cameras and of both pictures is true."""

import math
import re

import numpy as np
import pytest
from PIL import Image

from testing.vqa.scenes import furnished_shard, view_contexts
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.vqa.families import TWO_VIEW_FAMILIES
from workflow_scripts.vqa.pair_question_generator import show_same_room

NAMES = {family.name for family in TWO_VIEW_FAMILIES}


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return furnished_shard(tmp_path_factory.mktemp("views"))


def generate_few(views, folder, **settings):
    some = {"questions_per_view": 3, "questions_per_pair": 40, **settings}
    return generate_for_shard(views, folder / "procthor", **some)[0]


@pytest.fixture(scope="module")
def generated(views, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    return folder, generate_few(views, folder)


def of_pairs(questions):
    return [question for question in questions if question.images]


def test_every_family_of_two_views_is_asked_once_a_fact(generated):
    pairs = of_pairs(generated[1])
    assert {pair.family for pair in pairs} == NAMES
    assert len({question.question_id for question in generated[1]}) == len(generated[1])
    assert len({(pair.image, pair.question) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("family", TWO_VIEW_FAMILIES, ids=lambda one: one.name)
def test_there_are_three_to_six_ways_to_ask_and_to_answer(family):
    for name, texts in family.sentences.items():
        assert 3 <= len(set(texts)) <= 6, name
        for text in texts:
            assert re.search(r"[.?]$", text), text
            assert "*" not in text, text


def test_pictures_lie_side_by_side_and_by_themselves(generated):
    folder, questions = generated
    for question in of_pairs(questions):
        with Image.open(folder / question.image) as picture:
            assert picture.size == (question.width_px, question.height_px)
            both = np.asarray(picture, dtype=int)
        left, right = (np.asarray(Image.open(folder / name), dtype=int) for name in question.images)
        assert np.abs(both[:, :100] - left[:, :100]).mean() < 2
        assert np.abs(both[:, -100:] - right[:, -100:]).mean() < 2


def test_marks_of_one_object_are_of_one_instance(generated, views):
    opened = ViewShard.open(views)
    view_index = {row.view_id: row.view for row in opened.views.itertuples()}
    checked = 0
    for question in of_pairs(generated[1]):
        if question.form != "marked":
            continue
        first, second = (view_index[name] for name in question.view_id.split("+"))
        for referent in question.referents:
            u, v = referent.pixel
            shift = question.width_px - 160
            view, column = (second, u - shift) if u > 160 else (first, u)
            assert opened.instance(view)[int(v), int(column)] == referent.instance
        if question.family == "same_instance":
            same = question.referents[0].instance == question.referents[1].instance
            assert question.truth == ("yes" if same else "no")
        else:
            *three, here = question.referents
            matching = [other.mark for other in three if other.instance == here.instance]
            assert matching == [question.truth]
        checked += 1
    assert checked >= 6


def test_turning_moving_and_nearness_follow_from_the_poses(generated, views):
    opened = ViewShard.open(views)
    view_index = {row.view_id: row.view for row in opened.views.itertuples()}
    centre = {
        row.instance: np.array([row.x_m, row.y_m, row.z_m]) for row in opened.objects.itertuples()
    }
    checked = set()
    for question in of_pairs(generated[1]):
        poses = [
            opened.camera(view_index[name]).world_from_camera
            for name in question.view_id.split("+")
        ]
        heads = [math.atan2(pose[1, 2], pose[0, 2]) for pose in poses]
        left_deg = math.degrees(heads[1] - heads[0])
        way = poses[1][:3, 3] - poses[0][:3, 3]
        ahead = way[0] * math.cos(heads[0]) + way[1] * math.sin(heads[0])
        to_left = way[1] * math.cos(heads[0]) - way[0] * math.sin(heads[0])
        if question.family == "camera_turn":
            assert question.truth == ("to the left" if left_deg > 0 else "to the right")
        elif question.family == "camera_turn_angle":
            assert question.truth == pytest.approx(abs(left_deg), abs=0.01)
        elif question.family == "camera_move_length":
            assert question.truth == pytest.approx(np.linalg.norm(way), abs=1e-3)
        elif question.family == "camera_move":
            best = max(abs(ahead), abs(to_left))
            names = {
                ahead: "forward", -ahead: "backward", to_left: "to the left",
                -to_left: "to the right",
            }  # fmt: skip
            assert question.truth == names[best]
        elif question.family == "nearer_view":
            distances = [
                float(np.linalg.norm(centre[question.referents[0].instance] - pose[:3, 3]))
                for pose in poses
            ]
            assert question.truth == ("first" if distances[0] < distances[1] else "second")
        checked.add(question.family)
    assert checked == NAMES


def test_questions_about_single_views_stay_the_same(generated, views, tmp_path):
    alone = generate_few(views, tmp_path, questions_per_pair=0)
    assert alone == [question for question in generated[1] if not question.images]


def test_only_level_views_of_one_room_from_known_places_are_compared(views):
    first, second = list(ViewShard.open(views).views.itertuples(index=False))[:2]
    one, other = view_contexts(views)[:2]
    assert show_same_room((first, one), (second, other))
    for changes in ({"room_id": "another"}, {"scene_id": "another"}, {"split": "val"}):
        assert not show_same_room((first, one), (second._replace(**changes), other))
    assert not show_same_room((first._replace(pose_source="none"), one), (second, other))


def test_only_the_configured_families_are_asked(views, tmp_path):
    questions = generate_few(views, tmp_path, families=("left_right", "camera_turn"))
    assert {question.family for question in questions} == {"left_right", "camera_turn"}
