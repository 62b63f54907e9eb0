"""Whether a paraphrase is still the same question: what it may not lose, and what not gain.

The reasons are few and fixed, so that they can be counted.
"""

import re
from collections.abc import Mapping

from workflow_scripts.common.answer_text import parse_choice, parse_metres
from workflow_scripts.common.label_text import phrase, plural
from workflow_scripts.common.questions import Question, Referent
from workflow_scripts.vqa.families import family_of
from workflow_scripts.vqa.paraphrase.sentence_content import SentenceContent, parse_content

MAX_GROWTH = 3
_WH_WORDS = re.compile(r"\b(?:or|which|what|how|where|who)\b", re.IGNORECASE)


def split_options(question: Question) -> tuple[str, str]:
    """Split a question into what is asked and its options with their letters."""
    if question.answer_type == "multiple_choice":
        text, mark, options = question.question.partition(" A: ")
        return text, f"{mark}{options}"
    return question.question, ""


def object_names(question: Question) -> dict[str, int]:
    """Return the names of a question's objects in lower case, with and without their article.

    Objects without a phrase of their own are counted ones: the question names their category.
    """
    names: dict[str, int] = {}
    for number, referent in enumerate(question.referents):
        if not referent.phrase:
            names[_counted_name(referent).lower()] = 0
            continue
        names[referent.phrase.lower()] = number
        names[re.sub(r"^the ", "", referent.phrase.lower())] = number
        if referent.mark:
            names[referent.mark.lower()] = number
    return names


def _counted_name(referent: Referent) -> str:
    return plural(phrase(referent.category))


def protected_terms(question: Question) -> list[str]:
    """Return what a paraphrase must repeat letter by letter, for its prompt."""
    names = [referent.phrase or _counted_name(referent) for referent in question.referents]
    return list(dict.fromkeys([*names, *_listed_choices(question)]))


def _listed_choices(question: Question) -> list[str]:
    """Return the fixed answers that the question itself lists."""
    if question.kind != "which" or question.answer_type != "choice":
        return []
    text = question.question.lower()
    return [
        choice
        for choice in question.choices
        if re.search(rf"\b{re.escape(choice.lower())}\b", text)
    ]


def skip_reason(question: Question) -> str:
    """Return why a question is not paraphrased at all, '' if it may be."""
    if not family_of(question.family).can_paraphrase:
        return "the question names an object that is no referent, so it cannot be checked"
    return ""


def validation_error(question: Question, new_question: str, new_answer: str | None) -> str:
    """Return what is wrong with a paraphrase, '' if nothing is.

    Args:
        question: the question as it was.
        new_question: its paraphrase, without options.
        new_answer: the paraphrase of its answer, None if the answer is to stay.
    """
    before, _ = split_options(question)
    problem = _check_form(before, new_question) or _check_meaning(question, before, new_question)
    if problem or new_answer is None:
        return problem
    return _check_answer(question, new_answer)


def _check_form(before: str, new_question: str) -> str:
    if new_question.casefold() == before.casefold():
        return "the words are the same"
    if (
        not re.search(r"[.?]$", new_question)
        or "\n" in new_question
        or len(new_question) > MAX_GROWTH * len(before) + 40
    ):
        return "no single question"
    return ""


def _check_meaning(question: Question, before: str, new_question: str) -> str:
    names = object_names(question)
    old, new = parse_content(before, names), parse_content(new_question, names)
    problem = _content_difference(old, new)
    if problem:
        return problem
    has_wh_word = [
        bool(_WH_WORDS.search(_strip_names(text, names))) for text in (before, new_question)
    ]
    if question.kind == "yes_no" and has_wh_word == [False, True]:
        return "no longer a question for yes or no"
    for choice in _listed_choices(question):
        if not re.search(rf"\b{re.escape(choice.lower())}\b", new_question.lower()):
            return "a choice is lost"
    if question.kind == "yes_no" or family_of(question.family).order_matters:
        if old.object_roles != new.object_roles:
            return "an object has another role"
    elif _reference_roles(old) != _reference_roles(new) and question.kind == "which":
        return "an object has another role"
    return ""


def _reference_roles(content: SentenceContent) -> dict[int, str]:
    """Return what others are compared with: "nearest to the lamp"."""
    return {
        number: role
        for number, role in content.object_roles
        if role in ("to", "from", "than", "in")
    }


def _content_difference(
    old: SentenceContent, new: SentenceContent, allowed: frozenset[str] = frozenset()
) -> str:
    if old.numbers != new.numbers:
        return "a number is lost or new"
    if old.object_ids != new.object_ids:
        return "an object is missing or renamed"
    if old.words - new.words:
        return "a word that carries meaning is lost"
    if new.words - old.words - allowed:
        return "a new word carries meaning"
    return ""


def _check_answer(question: Question, new_answer: str) -> str:
    """Check the paraphrase of an answer against the truth, and against the original."""
    names = object_names(question)
    old, new = parse_content(question.answer, names), parse_content(new_answer, names)
    truth = question.truth
    if question.answer_type == "multiple_choice":
        if not new_answer.startswith(f"{truth}: "):
            return "the letter of the answer is lost"
    elif question.kind == "yes_no":
        if not re.match(rf"{truth}\b", new_answer, re.IGNORECASE):
            return "yes or no is lost"
        if old.object_roles != new.object_roles:
            return "an object has another role"
    elif question.answer_type == "choice":
        if parse_choice(new_answer, question.choices) != truth:
            return "the answer names another choice"
    elif question.answer_type == "metres":
        value = parse_metres(new_answer)
        if value is None or abs(value - float(truth)) > question.tolerance + 1e-9:
            return "the answer is another length"
    if (
        not re.search(r"[.)]$", new_answer)
        or len(new_answer) > MAX_GROWTH * len(question.answer) + 40
    ):
        return "no single answer"
    # An answer may repeat words of its question.
    return _content_difference(old, new, parse_content(question.question, names).words)


def _strip_names(text: str, names: Mapping[str, int]) -> str:
    """Remove the names of objects from a text."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text
