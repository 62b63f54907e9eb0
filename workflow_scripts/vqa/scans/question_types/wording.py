"""Words that questions about scans share, and the sample that holds a question."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.label_text import counted, is_plural, plural, with_article
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.samples import new_sample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")


def new_question(
    context: ScanContext, question_type: str, text: str, answers: list[str], **values: object
) -> ScanSample:
    """Return a question with its answers, the first of which is taught."""
    answers = list(dict.fromkeys(answers))
    given = {"truth": answers[0], "answer_type": "text", "margin": 1.0, "margin_unit": "count"}
    given |= values
    given["margin"] = round(float(given["margin"]), 4)  # type: ignore[arg-type]
    return new_sample(
        context,
        task="question",
        question_type=question_type,
        text=text,
        answer=answers[0],
        answers=answers,
        **given,  # type: ignore[arg-type]
    )


def part_of(number: int, total: int, noun: str) -> str:
    """Return the start of a sentence about some of the things: "2 of them are", "It is not"."""
    if total == 1:
        be = "They are" if is_plural(noun) else "It is"
        return be if number else f"{be} not"
    if number in (0, 1):
        return f"{'One' if number else 'None'} of them is"
    return f"{'Both' if number == total == 2 else 'All' if number == total else number} of them are"


def object_names(items: Sequence[ScanObject]) -> list[str]:
    """Return how things of one category are called as an answer."""
    noun = items[0].phrase
    if len(items) == 1:
        return [noun, with_article(noun)]
    return [counted(len(items), noun), plural(noun), f"{NUMBER_WORDS[len(items)]} {plural(noun)}"]


def filled(text: str, item: ScanObject) -> str:
    """Return a wording with an object in it; {is} and {does} agree with its number."""
    many = is_plural(item.phrase)
    name = f"the {item.phrase}"
    return text.format(
        x=name, X=f"The {item.phrase}", does="do" if many else "does", **{"is": is_or_are(item)}
    )


def is_or_are(item: ScanObject) -> str:
    """Return the verb that agrees with an object's noun."""
    return "are" if is_plural(item.phrase) else "is"


def pick(rng: np.random.Generator, wordings: Sequence[str]) -> str:
    """Return one of several wordings, drawn at random."""
    return wordings[int(rng.integers(len(wordings)))]
