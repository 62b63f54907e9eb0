"""Wrong options of "what is this?", sampled so that the options alone say nothing.

What is asked about is what is often seen: large things and those of which a room has many. Nouns
of the scene drawn evenly would therefore give the right one away. As with numbers
(`answer_options`), the questions about a scene share a pool: their own categories, and others
drawn as often as views show things that could be asked about. The pool is permuted four times, in
rows of four different kinds, by a procedure that treats all four alike; the first of a row is the
truth of its question. Scenes in which that leaves a row without four kinds (of which one makes up
more than a quarter, for example) are permuted together with the others of the shard of which the
same holds.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.label_text import is_confusable, phrase
from workflow_scripts.common.questions import Question
from workflow_scripts.vqa.answer_options import draw_option_rows
from workflow_scripts.vqa.batch import LETTERS, OPTIONS_SUFFIX
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.question_types.category import Identify
from workflow_scripts.vqa.sampling import DropCounts

NO_OPTIONS = "too few other kinds of things"
# A pool holds so many kinds at least, and so many for each question.
MIN_POOL, KINDS_PER_QUESTION = 16, 6
MAX_POOL = 512
FAMILY_NAMES = frozenset(family.name for family in FAMILIES if isinstance(family, Identify))


@dataclass(eq=False)
class PlausibleCategories:
    """What could be asked about in the views of each scene: categories by view and form."""

    _views: dict[str, list[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, scene_id: str, categories: Sequence[str]) -> None:
        """Add the categories of the objects of a view, each as often as it has objects."""
        if categories:
            self._views[scene_id].append(tuple(categories))

    def draw(self, scene_id: str, number: int, rng: np.random.Generator) -> list[str]:
        """Draw categories of a scene: a view, then one of its objects."""
        views = self._views.get(scene_id, [])
        if not views:
            return []
        chosen = [views[place] for place in rng.integers(len(views), size=number).tolist()]
        return [view[int(rng.integers(len(view)))] for view in chosen]


def add_category_options(
    questions: Sequence[Question],
    plausible: PlausibleCategories,
    dropped: DropCounts,
    rng: np.random.Generator,
) -> list[Question]:
    """Return the questions, those of what a thing is with options.

    A question for which there are no other kinds is left out and counted in `dropped`.
    """
    groups: dict[str, dict[str, list[Question]]] = defaultdict(lambda: defaultdict(list))
    for question in questions:
        if question.family in FAMILY_NAMES:
            groups[question.split][question.scene_id].append(question)
    options: dict[str, list[str]] = {}
    for _, scenes in sorted(groups.items()):
        remaining: dict[str, str] = {}
        others: list[str] = []
        for scene_id, group in sorted(scenes.items()):
            known = {one.question_id: one.referents[0].category for one in group}
            number = max(MIN_POOL, KINDS_PER_QUESTION * len(known)) - len(known)
            drawn = plausible.draw(scene_id, number, rng)
            found, is_whole = draw_categories(known, drawn, rng)
            if is_whole:
                options |= found
            else:
                remaining |= known
                others += drawn
        options |= draw_categories(remaining, others, rng)[0]
    finished = []
    for question in questions:
        if question.family not in FAMILY_NAMES:
            finished.append(question)
        elif question.question_id in options:
            finished.append(_with_options(question, options[question.question_id]))
        else:
            dropped[question.family, question.form, NO_OPTIONS] += 1
    return finished


def _with_options(question: Question, wrong: Sequence[str]) -> Question:
    nouns, suffix = write_options(str(question.truth), question.referents[0].category, wrong)
    return question.model_copy(update={"question": question.question + suffix, "options": nouns})


def write_options(letter: str, truth: str, wrong: Sequence[str]) -> tuple[list[str], str]:
    """Return the options as nouns, the true category at its letter, and as the question's end."""
    categories = [*wrong]
    categories.insert(LETTERS.index(letter), truth)
    nouns = [phrase(category) for category in categories]
    slots = {f"option{place}": noun for place, noun in enumerate(nouns, 1)}
    return nouns, OPTIONS_SUFFIX.format(**slots)


def draw_categories(
    truths: Mapping[str, str], others: Sequence[str], rng: np.random.Generator
) -> tuple[dict[str, list[str]], bool]:
    """Return three other kinds for the category of each question, where there are some.

    Also whether there are some for all of the categories, the others too, as if questions asked
    for them.
    """
    found: dict[str, list[str]] = {}
    is_whole = True
    names = [list(truths)[place] for place in rng.permutation(len(truths)).tolist()]
    shuffled = [others[place] for place in rng.permutation(len(others)).tolist()]
    parts = -(-KINDS_PER_QUESTION * len(names) // MAX_POOL)
    for part in range(parts):
        question_names = names[part::parts]
        pool = [truths[name] for name in question_names]
        pool += shuffled[part::parts][: MAX_POOL - len(pool)]
        for place, row in enumerate(draw_option_rows(_alike(pool), rng)):
            if place < len(question_names) and row is not None:
                found[question_names[place]] = [pool[other] for other in row]
            is_whole &= row is not None
    return found, is_whole


def _alike(categories: Sequence[str]) -> np.ndarray:
    """Say of each two categories [n, n] whether a person might call both by one noun."""
    kinds = sorted(set(categories))
    alike = np.array([[is_confusable(one, other) for other in kinds] for one in kinds])
    alike |= np.eye(len(kinds), dtype=bool)
    places = np.array([kinds.index(category) for category in categories], dtype=int)
    clash: np.ndarray = alike[np.ix_(places, places)]
    return clash
