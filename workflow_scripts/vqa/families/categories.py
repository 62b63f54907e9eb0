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
        "How many {things} are visible?",
    ),
    answers=(
        "There {are} {counted}.",
        "{counted}.",
        "I can see {counted}.",
        "The picture shows {counted}.",
    ),
)

IDENTIFY = Identify(
    name="identify",
    reasoning=RECOGNITION_ONLY,
    questions=(
        "What is {a}?",
        "Which of these is {a}?",
        "What would you call {a}?",
        "Can you tell me what {a} is?",
    ),
    answers=(
        "It is {thing}.",
        "{a} is {thing}.",
        "I'd say it is {thing}.",
        "That is {thing}.",
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
        row_slots={
            "thing": [with_article(phrase(category)) for category in names],
            "noun": [phrase(category) for category in names],
        },
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
    questions=(
        "Is there {thing} in the picture?",
        "Can you see {thing} in the picture?",
        "Does the picture show {thing}?",
    ),
    statements=("there is {thing} in the picture", "I can see {thing}"),
    negations=("there is no {noun} in the picture", "I can't see {thing}"),
)
