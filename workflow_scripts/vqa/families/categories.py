"""Counting, existence, and what a marked thing is."""

import numpy as np

from workflow_scripts.common.label_text import (
    VAGUE_CATEGORIES,
    is_confusable,
    is_plural,
    phrase,
    with_article,
)
from workflow_scripts.vqa.question_types.base import QuestionContext, Requirements
from workflow_scripts.vqa.question_types.category import Count, Identify
from workflow_scripts.vqa.question_types.yes_no import PredicateValues, YesNo
from workflow_scripts.vqa.reasoning import comparison
from workflow_scripts.vqa.reasoning.question_instance import RECOGNITION_ONLY

COUNT = Count(
    name="count",
    reasoning=comparison.count_objects,
    questions=(
        "How many {things} are there in the picture?",
        "How many {things} can you see?",
        "Count the {things} in the picture.",
        "What is the number of {things} in this picture?",
        "How many {things} does the picture show?",
        "Please count the {things}.",
        "Tell me how many {things} there are.",
        "In this picture, how many {things} are there?",
        "Can you count the {things} in this image?",
        "How many {things} are visible?",
        "Look at the picture: how many {things} are in it?",
        "Give the number of {things} in view.",
    ),
    answers=(
        "There {are} {counted}.",
        "{counted}.",
        "I can see {counted}.",
        "The picture shows {counted}.",
        "I count {counted}.",
        "In all, there {are} {counted}.",
        "{counted} {are} in view.",
        "You can see {counted} in the picture.",
    ),
)

IDENTIFY = Identify(
    name="identify",
    reasoning=RECOGNITION_ONLY,
    questions=(
        "What is {a}?",
        "What do you see at the place of {a}?",
        "Which word names {a}?",
        "What kind of thing is {a}?",
        "Name {a}.",
        "What would you call {a}?",
        "Tell me what {a} is.",
        "Which of these is {a}?",
        "Can you say what {a} is?",
        "What is shown as {a}?",
        "Choose the right name for {a}.",
        "Identify {a}.",
    ),
    answers=(
        "{a} is {thing}.",
        "It is {thing}.",
        "I would call it {thing}.",
        "That is {thing}.",
        "What you see there is {thing}.",
        "{a} shows {thing}.",
        "The picture shows {thing} there.",
        "I think it is {thing}.",
    ),
)


def category_present(context: QuestionContext) -> PredicateValues:
    """YesNo of kinds of things of the scene that the picture shows one.

    Kinds that are in the picture but not seen well, or like one that is, are not asked about.
    """
    view_context = context.view_context
    seen = {view_context.categories[row] for row in context.usable.tolist()}
    names, value = [], []
    for category in sorted(view_context.in_scene | seen):
        if category in VAGUE_CATEGORIES or is_plural(phrase(category)):
            continue
        if category in seen:
            clear = 1.0
        elif any(is_confusable(category, other) for other in view_context.in_view):
            clear = 0.0
        else:
            clear = -1.0
        names.append(category)
        value.append(clear)
    return PredicateValues(
        objects=np.zeros((len(names), 0), dtype=int),
        value=np.array(value),
        sigma=np.zeros(len(names)),
        row_slots={"thing": [with_article(phrase(category)) for category in names]},
    )


EXISTENCE = YesNo(
    name="existence",
    forms=("named",),
    can_paraphrase=False,
    predicate=category_present,
    unit="",
    reasoning=RECOGNITION_ONLY,
    requires=Requirements(kinds=True),
    frame="picture",
    questions=("Is there {thing} in the picture?", "Can you see {thing} in the picture?"),
    statements=("there is {thing} in the picture", "the picture shows {thing}"),
    negations=("there is not {thing} in the picture", "the picture does not show {thing}"),
)
