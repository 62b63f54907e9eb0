"""Whether a question in other words is still the question: what it may not lose, and what not gain.

The reasons are few and fixed, so that they can be counted.
"""

import re
from collections.abc import Mapping

from workflow_scripts.common.answers import parse_choice, parse_metres
from workflow_scripts.common.names import phrase, plural
from workflow_scripts.common.questions import Question
from workflow_scripts.vqa.paraphrase.words import Said, said

MAX_GROWTH = 3
# Open questions in which it matters which thing is mentioned first.
_ORDERED = frozenset(["clock_direction", "left_offset", "depth_offset", "height_offset"])
_NO_YES_NO = re.compile(r"\b(?:or|which|what|how|where|who)\b", re.IGNORECASE)


def stem(question: Question) -> tuple[str, str]:
    """Split a question into what is asked and its options with their letters."""
    if question.answer_type == "multiple_choice":
        text, mark, options = question.question.partition(" A: ")
        return text, f"{mark}{options}"
    return question.question, ""


def names_of(question: Question) -> dict[str, int]:
    """Return the names of a question's things in lower case, with and without their article."""
    names: dict[str, int] = {}
    for number, one in enumerate(question.referents):
        if one.phrase:
            names[one.phrase.lower()] = number
            names[re.sub(r"^the ", "", one.phrase.lower())] = number
            if one.mark:
                names[one.mark.lower()] = number
        elif question.family == "count":
            names[plural(phrase(one.category)).lower()] = 0
    return names


def kept(question: Question) -> list[str]:
    """Return what a paraphrase must repeat letter by letter, for its prompt."""
    names = [one.phrase for one in question.referents if one.phrase]
    if question.family == "count" and question.referents:
        names = [plural(phrase(question.referents[0].category))]
    return list(dict.fromkeys([*names, *_inline(question)]))


def _inline(question: Question) -> list[str]:
    """Return the fixed answers that the question itself lists."""
    if question.kind != "which" or question.answer_type != "choice":
        return []
    text = question.question.lower()
    return [one for one in question.choices if re.search(rf"\b{re.escape(one.lower())}\b", text)]


def why_not_asked(question: Question) -> str:
    """Return why a question is not put in other words at all, '' if it may be."""
    if question.family == "existence":
        return "the question has no thing with a name to check it by"
    return ""


def lost(question: Question, asked: str, answered: str | None) -> str:
    """Return what is wrong with a question in other words, '' if nothing is.

    Args:
        question: the question as it was.
        asked: the question in other words, without options.
        answered: the answer in other words, None if it is to stay.
    """
    before, _ = stem(question)
    problem = _shape(before, asked) or _meaning(question, before, asked)
    if problem or answered is None:
        return problem
    return _answer(question, answered)


def _shape(before: str, asked: str) -> str:
    if asked.casefold() == before.casefold():
        return "the words are the same"
    if (
        not re.search(r"[.?]$", asked)
        or "\n" in asked
        or len(asked) > MAX_GROWTH * len(before) + 40
    ):
        return "no single question"
    return ""


def _meaning(question: Question, before: str, asked: str) -> str:
    names = names_of(question)
    old, new = said(before, names), said(asked, names)
    problem = _differs(old, new)
    if problem:
        return problem
    gains = [bool(_NO_YES_NO.search(_bare(text, names))) for text in (before, asked)]
    if question.kind == "yes_no" and gains == [False, True]:
        return "no longer a question for yes or no"
    for one in _inline(question):
        if not re.search(rf"\b{re.escape(one.lower())}\b", asked.lower()):
            return "a choice is lost"
    if question.kind == "yes_no" or question.family in _ORDERED:
        if old.things != new.things:
            return "another thing plays another part"
    elif _placed(old) != _placed(new) and question.kind == "which":
        return "another thing plays another part"
    return ""


def _placed(one: Said) -> dict[int, str]:
    """Return what others are compared with: "nearest to the lamp"."""
    return {number: role for number, role in one.things if role in ("to", "from", "than", "in")}


def _differs(old: Said, new: Said, allowed: frozenset[str] = frozenset()) -> str:
    if old.numbers != new.numbers:
        return "a number is lost or new"
    if old.named != new.named:
        return "a thing is lost or called otherwise"
    if old.words - new.words:
        return "a word that carries meaning is lost"
    if new.words - old.words - allowed:
        return "a new word carries meaning"
    return ""


def _answer(question: Question, answered: str) -> str:
    """Check an answer in other words against the truth, and against the words it had."""
    names = names_of(question)
    old, new = said(question.answer, names), said(answered, names)
    truth = question.truth
    if question.answer_type == "multiple_choice":
        if not answered.startswith(f"{truth}: "):
            return "the letter of the answer is lost"
    elif question.kind == "yes_no":
        if not re.match(rf"{truth}\b", answered, re.IGNORECASE):
            return "yes or no is lost"
        if old.things != new.things:
            return "another thing plays another part"
    elif question.answer_type == "choice":
        if parse_choice(answered, question.choices) != truth:
            return "the answer names another choice"
    elif question.answer_type == "metres":
        value = parse_metres(answered)
        if value is None or abs(value - float(truth)) > question.tolerance + 1e-9:
            return "the answer is another length"
    if not re.search(r"[.)]$", answered) or len(answered) > MAX_GROWTH * len(question.answer) + 40:
        return "no single answer"
    # An answer may take up the words of its question.
    return _differs(old, new, said(question.question, names).words)


def _bare(text: str, names: Mapping[str, int]) -> str:
    """Take the names of things out of a text."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text
