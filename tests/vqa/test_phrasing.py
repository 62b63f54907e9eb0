"""Words of every family: a few good phrasings, plain English with any label, answers read back."""

import dataclasses
import re

import numpy as np
import pytest

from testing.vqa.clouds import context_of_clouds, five_clouds
from testing.vqa.scenes import DEFAULT_MARGINS
from workflow_scripts.common import quantity_text
from workflow_scripts.common.answer_text import parse_choice, parse_metres
from workflow_scripts.common.label_text import (
    counted,
    is_confusable,
    is_plural,
    phrase,
    plural,
    with_article,
)
from workflow_scripts.common.units import INCH_M
from workflow_scripts.vqa.batch import ReferringExpressions
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.templates import Template, Templates

VIEW_CONTEXT = context_of_clouds(five_clouds(500))
SINGULAR = ReferringExpressions(
    [f"the {noun}" for noun in ("sofa", "lamp", "desk", "plant", "fridge")],
    ["sofa", "lamp", "desk", "plant", "fridge"],
    [False] * 5,
)
NOUNS = ("curtains", "scissors", "jeans", "wooden chairs", "glasses")
PLURAL = ReferringExpressions([f"the {noun}" for noun in NOUNS], list(NOUNS), [True] * 5)
# "Is" and "has" may only be followed by a plural after another subject.
WRONG = re.compile(
    r"\b(is|does|was|has) the (curtains|scissors|jeans|wooden chairs|glasses)\b"
    r"|^(?:Yes|No), the (curtains|scissors|jeans|wooden chairs|glasses) is\b",
    re.IGNORECASE,
)


WORDED = [*FAMILIES, *(family.of_boxes for family in FAMILIES if family.of_boxes)]


@pytest.mark.parametrize("family", WORDED, ids=lambda one: f"{one.name}-{one.forms[0]}")
def test_there_are_three_to_six_ways_to_ask_and_to_answer(family):
    for name, templates in family.templates.items():
        assert 3 <= len(set(templates.texts)) <= 6, (family.name, name)


def with_source(shape_source):
    """Return the view with its shapes known from another source."""
    measured = dataclasses.replace(VIEW_CONTEXT.measured, shape_source=shape_source)
    return dataclasses.replace(VIEW_CONTEXT, measured=measured)


def test_where_boxes_stand_for_shapes_the_words_say_so():
    for family in FAMILIES:
        if family.of_boxes is not None:
            texts = family.of_boxes.templates.items()
            for name, templates in texts:
                if name in ("open", "yes_no", "which"):
                    assert all("bounding box" in text for text in templates.texts), family.name
    about = {
        source: {
            found.family.name
            for found in enumerate_batches(with_source(source), DEFAULT_MARGINS, seed=1)
            if "bounding box" in " ".join(found.batch.questions.texts)
        }
        for source in ("surface", "cloud", "box")
    }
    volumes = {"footprint", "bigger", "same_size", "biggest", "smallest"}
    gaps = {"minimum_distance", "camera_nearest", "nearest_to", "farthest_from"}
    shown = {
        found.family.name for found in enumerate_batches(VIEW_CONTEXT, DEFAULT_MARGINS, seed=1)
    }
    assert about["surface"] == {"box_grounding"} & shown
    assert about["cloud"] - {"box_grounding"} == volumes & shown
    assert about["box"] - {"box_grounding"} == (volumes | gaps) & shown


@pytest.mark.parametrize("shape_source", ["surface", "cloud", "box"])
@pytest.mark.parametrize("expressions", [SINGULAR, PLURAL], ids=["singular", "plural"])
def test_every_sentence_of_every_family_is_well_formed(expressions, shape_source):
    seen = set()
    for found_batch in enumerate_batches(
        with_source(shape_source), DEFAULT_MARGINS, seed=1, multiple_choice=True
    ):
        rows = np.zeros(60, dtype=int)
        seen.add(found_batch.family.name)
        questions, answers = found_batch.batch.write(
            rows, expressions, np.random.default_rng(0), limit=None
        )
        for text in {*questions, *answers}:
            assert re.match(r"[A-Z(0-9]", text), text
            assert re.search(r"[.?)]$", text), text
            assert not re.search(r"[.?] [a-z]", text), text
            assert not re.search(r"[{}]|  |\bthe the\b|\ba the\b|\.\.|,,|%", text), text
            assert not re.search(r"\b0(\.0+)? (m|cm|in|ft|square)", text), text
        if expressions is PLURAL and found_batch.family.name != "facing":
            for text in questions:
                assert not WRONG.search(text), text
    assert len(seen) > 45


def test_plural_names_take_plural_verbs():
    template = Template("{Is_a} {a} wider than {b}, and {does_b} {b} {option}?")
    row = ("the jeans", "The jeans", "the sofa", "The sofa")
    for many, verbs in {(): "Is does", (True, False): "Are does", (True, True): "Are do"}.items():
        first, second = verbs.split()
        text, get_words = template.sentence(
            (2, None, ()), words={"option": "stand 100 %"}, plural=many
        )
        assert text % get_words(row) == (
            f"{first} the jeans wider than the sofa, and {second} the sofa stand 100 %?"
        )


def test_sentences_follow_one_another_from_the_one_drawn():
    templates = Templates(["It is {value}.", "{Value}.", "{Value} it is."])
    layout, rows = (0, None, ("value",)), [("one", "One"), ("two", "Two")]
    wanted = {None: ["One it is.", "It is two."], 2: ["It is one.", "Two."]}
    for limit, texts in wanted.items():
        for many in (None, [(), ()]):
            written = templates.write(2, layout, rows, words={}, plural=many, limit=limit)
            assert written == texts


def test_answers_in_sentences_read_back():
    checked = 0
    batches = [
        found_batch
        for seed in (2, 3, 4)
        for found_batch in enumerate_batches(VIEW_CONTEXT, DEFAULT_MARGINS, seed=seed)
    ]
    for found_batch in batches:
        rows = np.zeros(40, dtype=int)
        _, answers = found_batch.batch.write(rows, SINGULAR, np.random.default_rng(1), limit=None)
        truth = found_batch.batch.truth_of(0, SINGULAR)
        choices = found_batch.batch.choices_of(0, SINGULAR)
        for text in set(answers):
            if found_batch.batch.answer_type == "metres":
                tolerance = float(found_batch.batch.tolerance[0])
                assert parse_metres(text) == pytest.approx(truth, abs=tolerance + 1e-4), text
            elif found_batch.batch.answer_type == "choice" and found_batch.batch.kind == "yes_no":
                assert parse_choice(text, choices) == truth, text
            elif found_batch.batch.answer_type == "choice" and found_batch.batch.winner is not None:
                winner = SINGULAR.bare[found_batch.batch.objects[0, found_batch.batch.winner]]
                assert winner in text, text
            checked += 1
    assert checked > 1000


@pytest.mark.parametrize("imperial", [False, True])
def test_lengths_are_never_nothing_and_round_sensibly(imperial):
    values = np.geomspace(0.001, 80, 4000).tolist()
    for value in values:
        text, unit, tolerance = quantity_text.length_text(value, imperial=imperial)
        assert abs(parse_metres(text) - value) <= tolerance
        # 1 % and 1 cm.
        assert abs(parse_metres(text) - value) <= 0.01 * value + 0.0105
        assert text.endswith(f" {unit}")
        if value >= (0.05 * INCH_M if imperial else 0.0005):
            assert parse_metres(text) > 0
        assert len(text.split(" ")[0].replace(".", "")) <= 4


@pytest.mark.parametrize(
    ("degrees", "hour"),
    [(0, 12), (14.9, 12), (15.1, 1), (345.1, 12), (344.9, 11), (90, 3), (180, 6), (270, 9)],
)
def test_clock_hours_are_rounded_not_floored(degrees, hour):
    assert quantity_text.clock_hour(degrees) == hour
    assert quantity_text.clock_text(degrees)[0] == f"{hour} o'clock"


@pytest.mark.parametrize(
    ("noun", "many", "article"),
    [
        ("floor lamp", "floor lamps", "a floor lamp"),
        ("loaf of bread", "loaves of bread", "a loaf of bread"),
        ("box", "boxes", "a box"),
        ("knife", "knives", "a knife"),
        ("cherry", "cherries", "a cherry"),
        ("umbrella", "umbrellas", "an umbrella"),
        ("scissors", "scissors", "scissors"),
        ("bus", "buses", "a bus"),
        ("TV stand", "TV stands", "a TV stand"),
        ("unicorn", "unicorns", "a unicorn"),
        ("kitchen counter", "kitchen counters", "a kitchen counter"),
        ("piece of furniture", "pieces of furniture", "a piece of furniture"),
    ],
)
def test_numbers_and_articles_of_nouns(noun, many, article):
    assert plural(noun) == many
    assert with_article(noun) == article
    assert is_plural(many)


@pytest.mark.parametrize(
    ("number", "label", "text"),
    [
        (1, "Chair", "1 chair"),
        (3, "Boots", "3 pairs of boots"),
        (1, "scissors", "1 pair of scissors"),
        (2, "sunglasses", "2 pairs of sunglasses"),
        (1, "furniture", "1 piece of furniture"),
        (2, "wooden furniture", "2 pieces of wooden furniture"),
    ],
)
def test_things_are_counted_as_people_count_them(number, label, text):
    assert counted(number, phrase(label)) == text


@pytest.mark.parametrize("label", ["", "  ", "日本", "👍", "{a}", "%s", "<b>", "a\nb", "x" * 300])
def test_labels_of_any_kind_make_no_broken_sentence(label):
    noun = phrase(label)
    assert not re.search(r"[{}%<>\n]", noun)
    assert isinstance(plural(noun), str)
    assert isinstance(with_article(noun or "x"), str)


def test_labels_too_alike_are_known():
    assert is_confusable("wooden chair", "chairs")
    assert is_confusable("Chair", "ArmChair")
    assert is_confusable("left lamp", "lamp left")
    assert not is_confusable("Sofa", "Fridge")
    assert not is_confusable("dog", "cat")
