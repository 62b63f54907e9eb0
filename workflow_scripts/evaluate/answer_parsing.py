"""Read a reply: its final answer, a yes or no, an option, an hour, coordinates, a refusal."""

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from workflow_scripts.common.answer_text import parse_choice
from workflow_scripts.evaluate.option_letters import letter_grammar
from workflow_scripts.evaluate.option_quantities import equal_option
from workflow_scripts.evaluate.quantity_parsing import parse_number
from workflow_scripts.evaluate.reply_markup import normalize_text, plain_text

Parsed = TypeVar("Parsed")

_REFUSAL = re.compile(
    r"\b(?:i\s+(?:can(?:no|')t|am\s+(?:not\s+able|unable|not\s+sure)|do\s*n[o']t\s+know)"
    r"|i'm\s+(?:not\s+able|unable|not\s+sure|sorry)|unable\s+to|not\s+possible\s+to|impossible\s+to"
    r"|no\s+way\s+to|(?:can(?:no|')t|cannot|can\s+not)\s+be\s+(?:determined|measured|answered|told)"
    r"|not\s+enough\s+information|insufficient\s+information|as\s+an\s+ai\b)",
    re.IGNORECASE,
)
_ANSWER_MARKERS = (
    re.compile(
        r"\banswer(?:\s+to\s+(?:the|this|your)\s+question)?\s*"
        r"(?:(?:is|(?:would|should|must)\s+be)\b(?!\s+(?:based|derived)\b)"
        r"|:|=|[-=]>|→|[ \t]+[-–—][ \t]|[ \t]*\n)"
        r"\s*:?\s*(.+)",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(
        r"^[#\s]*(?:final|conclusion|solution|result)\s*:\s*(.+)",
        re.IGNORECASE | re.DOTALL | re.MULTILINE,
    ),
)
_POSITIVE = re.compile(r"\b(?:yes|yeah|yep|correct|true|indeed|affirmative)\b")
_NEGATIVE = re.compile(r"\b(?:no|nope|incorrect|false|negative|not)\b")
_OPINION = re.compile(
    r"^\W*i\s+(?P<not>do\s+not\s+|don't\s+)?(?:think|believe|guess)\s+so\b", re.IGNORECASE
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_HOUR_NAMES = "one two three four five six seven eight nine ten eleven twelve"
_HOURS = _HOUR_NAMES.split()
_hour, _o_clock = r"(?<![\d.:])(1[0-2]|0?[1-9])", r"o\W?\s*clock"
# As written out, then alone before an explanation, then alone at the end.
_HOURS_WRITTEN = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_hour}\s*(?::00|{_o_clock})",
        rf"\b({'|'.join(_HOURS)})\s+{_o_clock}",
        r"^\W*(1[0-2]|0?[1-9])(?=\s*(?:\n|$|[.;,]\s|because\b|since\b))",
        rf"{_hour}(?=\s*$)",
        rf"\b({'|'.join(_HOURS)})\s*$",
    )
)
_CONCLUSION = re.compile(
    r"\b(?:so|therefore|thus|hence|rather(?!\s+than)|instead(?!\s+of))\b", re.IGNORECASE
)
# "The lamp is not the one" names no answer, "the lamp is not near" may.
_RULED_OUT = (
    r"\s+(?:(?:is|are|was)\s*(?:not\b|n't\b)|can(?:not|'t)\s+be)\s+"
    r"(?:it\b|the\s+(?:one|answer|right|correct)\b|correct\b|right\b)"
)
# "1. a chair 2. a stool", "1, 2, 3": what is counted out loud, then perhaps how many that makes.
_COUNTED_OUT = re.compile(r"(?:^|[\s:(])1[.),:]?\s+(?:\D*[^\d\s.]\D*\s)?2(?=[.),:\s])")
_TOTAL = re.compile(
    r"\b(?:total(?:s|ing|ling)?|altogether|in\s+all|in\s+sum|makes|making|equals)\b|=",
    re.IGNORECASE,
)
_COUNTING_WORDS = (
    (1.0, re.compile(r"\b(?:single|lone|solitary)\s+\w", re.IGNORECASE)),
    (2.0, re.compile(r"\b(?:a\s+couple|a\s+pair|both)\b", re.IGNORECASE)),
    (12.0, re.compile(r"\b(?<!half )a\s+dozen\b", re.IGNORECASE)),
    (
        1.0,
        re.compile(
            r"\bthere(?:\s+is|'s)\s+(?:only\s+|just\s+)?an?\s+(?!few|lot|number|bunch|group|row)",
            re.IGNORECASE,
        ),
    ),
)
_REASON = re.compile(
    r"\b(?:because|since|as\s+the|rather\s+than|instead\s+of)\b|[,;(]?\s*\bnot\b|\n|[.;]\s",
    re.IGNORECASE,
)
_coordinate = r"(?:[uvxy][0-2]?|[xy]_?(?:min|max)|left|top|right|bottom)"
_decimal = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)"


def final_answer(text: str) -> str:
    r"""Return the part of a reply that states its answer.

    Of answers in boxes, tags or JSON the last counts (`reply_markup.plain_text`), else all that
    follows the first "the answer is"; a reply without such marks is the answer as a whole.
    """
    return _after_marker(plain_text(text))


def _after_marker(text: str) -> str:
    for pattern in _ANSWER_MARKERS:
        match = pattern.search(text)
        if match and match[1].strip():
            return match[1].strip()
    return text


def read_first(text: str, read: Callable[[str], Parsed | None]) -> Parsed | None:
    """Read the final answer of a reply; the whole reply where that part holds none.

    "1.5 m. The answer is based on the door" is 1.5 m.
    """
    whole = plain_text(text)
    answer = _after_marker(whole)
    parsed = read(answer)
    return read(whole) if parsed is None and answer != whole and not is_refusal(answer) else parsed


def is_refusal(text: str) -> bool:
    """Say whether a reply declines to answer."""
    return bool(_REFUSAL.search(normalize_text(text)))


def read_yes_no(text: str) -> str | None:
    """Read "yes" or "no"; None for neither, for both inside the reply, or for a refusal.

    A reply that begins with one of them means it, whatever follows ("No, the lamp is").
    """
    return read_first(text, _yes_no)


def _yes_no(text: str) -> str | None:
    text = text.lower()
    letter = re.fullmatch(r"\W*([yn])\W*", text)
    if letter:
        return "yes" if letter[1] == "y" else "no"
    opinion = _OPINION.search(text)
    if opinion:
        return "no" if opinion["not"] else "yes"
    first = re.match(r"\W*(yes|yeah|yep|no|nope)\b(?!\s+(?:way|information|idea|one)\b)", text)
    if first:
        return "no" if first[1].startswith("n") else "yes"
    if is_refusal(text):
        return None
    positive, negative = bool(_POSITIVE.search(text)), bool(_NEGATIVE.search(text))
    return None if positive == negative else "yes" if positive else "no"


def read_choice(text: str, choices: Sequence[str]) -> str | None:
    """Read which of the choices a reply names; None for none, several, or a refusal."""
    if sorted(candidate.lower() for candidate in choices) == ["no", "yes"]:
        parsed = read_yes_no(text)
        return next((candidate for candidate in choices if candidate.lower() == parsed), None)
    return read_first(text, lambda answer: _choice(answer, choices))


def _choice(answer: str, choices: Sequence[str]) -> str | None:
    if is_refusal(answer) or _names_several(answer, choices):
        return None
    return parse_choice(answer, choices) or parse_choice(_before_reason(answer), choices)


def _before_reason(answer: str) -> str:
    """Return a statement without its reason ("On the left, because the right one is taller")."""
    return _REASON.split(answer.strip(), maxsplit=1)[0]


def _names_several(answer: str, words: Sequence[str]) -> bool:
    """Say whether a reply offers two different words ("the red or the blue one")."""
    word = "|".join(re.escape(candidate) for candidate in sorted(words, key=len, reverse=True))
    pairs = re.findall(
        rf"(?<!\w)({word})\W+(?:or|and)\W+(?:the\s+|an?\s+)?({word})(?!\w)", answer, re.IGNORECASE
    )
    return any(candidate.lower() != other.lower() for candidate, other in pairs)


def read_option(text: str, letters: Sequence[str], options: Sequence[str]) -> str | None:
    """Read the letter of a multiple choice; None for none, several, or one that is not offered.

    A stated letter counts before any option's text, which an explanation may mention
    (`option_letters.LetterGrammar`); "A" before a word is an article. Without a letter, the text
    of exactly one option counts, or the quantity that it states (`option_quantities`).
    """
    grammar = letter_grammar(tuple(letters))
    whole = plain_text(text)
    answer = _after_marker(whole)
    declines = is_refusal(answer)
    named = grammar.stated(answer, declines=declines, options=options)
    if not named and answer != whole:
        leading = grammar.leading(whole)
        named = set() if leading is None else {leading}
    if named:
        letter = named.pop()
        return letter if not named and letter in letters else None
    if not options or declines or any(_names_several(answer, w) for w in (letters, options)):
        return None
    answer, whole = (_without_rejected(part, options) for part in (answer, whole))
    option = _leading_choice(answer, options) or _concluding_choice(answer, options)
    mentioned = set() if option else grammar.mentioned(answer, options)
    if mentioned:
        return mentioned.pop() if len(mentioned) == 1 else None
    option = option or read_first(whole, lambda part: _choice(part, options))
    if option is not None:
        return letters[list(options).index(option)]
    index = read_first(whole, lambda part: _equal_option(part, options))
    return None if index is None else letters[index]


def _without_rejected(text: str, options: Sequence[str]) -> str:
    words = "|".join(re.escape(option) for option in sorted(options, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{words}){_RULED_OUT}", "", text, flags=re.IGNORECASE)


def _equal_option(answer: str, options: Sequence[str]) -> int | None:
    index = equal_option(answer, options)
    return equal_option(_before_reason(answer), options) if index is None else index


def _leading_choice(answer: str, choices: Sequence[str]) -> str | None:
    """Return the choice that a reply begins with; None without one."""
    # With its own article or another: "a sofa" is "the sofa", unless there is "a sofa", too.
    bare = {choice: _ARTICLE.sub("", choice) for choice in choices}
    texts = {choice.lower(): choice for choice in choices}
    if len({text.lower() for text in bare.values()}) == len(bare):
        texts |= {text.lower(): choice for choice, text in bare.items()}
    words = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    match = re.match(rf"\W*(?:(?:the|an?)\s+)?({words})(?!\w)", answer, re.IGNORECASE)
    return None if match is None else _choice(texts[match[1].lower()], choices)


def _concluding_choice(answer: str, choices: Sequence[str]) -> str | None:
    """Return the choice that is named behind the last "so" or "therefore"; None without one."""
    *_, conclusion = _CONCLUSION.split(answer)
    return _choice(conclusion, choices) if conclusion != answer else None


def read_count(text: str) -> float | None:
    """Read how many: the first number, or 0 where a reply says that there is none."""
    return read_first(text, _count)


def _count(answer: str) -> float | None:
    number = _counted_out(answer) if _COUNTED_OUT.search(answer) else parse_number(answer)
    if number is None and not is_refusal(answer):
        number = next((n for n, words in _COUNTING_WORDS if words.search(answer)), None)
    if number is None and re.search(r"\b(?:none|no|not\s+any|nothing)\b", answer, re.IGNORECASE):
        return None if is_refusal(answer) else 0.0
    return number


def _counted_out(answer: str) -> float | None:
    """Return how many things are counted out loud: what is said to be the total, else the last."""
    for pattern in (_TOTAL, _CONCLUSION):
        *_, conclusion = pattern.split(answer)
        number = None if conclusion == answer else parse_number(conclusion)
        if number is not None:
            return number
    last = 0
    for digits in re.findall(r"(?<![\d.])\d{1,3}(?![\d])", answer):
        last += int(digits) == last + 1
    return float(last)


def read_clock_hour(text: str) -> int | None:
    """Read an hour of the clock, 1 to 12: "3 o'clock", "three o'clock", "3:00", or a bare "3"."""
    return read_first(text, _clock_hour)


def _clock_hour(answer: str) -> int | None:
    answer = answer.lower().rstrip(" .")
    for pattern in _HOURS_WRITTEN:
        match = pattern.search(answer)
        if match:
            return int(match[1]) if match[1].isdigit() else _HOURS.index(match[1]) + 1
    return None


def read_coordinates(text: str, how_many: int) -> tuple[float, ...] | None:
    """Read a point (u, v) or a box (u0, v0, u1, v1).

    The first bracket with so many numbers counts, or for a box two brackets that follow each
    other, else a reply that is a list of them. Also reads the forms <point x="" y=""> and
    u=0.3, v=0.4.
    """
    coordinates = read_first(text, lambda answer: _coordinates(answer, how_many))
    return coordinates if coordinates and all(map(math.isfinite, coordinates)) else None


def _coordinates(answer: str, how_many: int) -> tuple[float, ...] | None:
    listed = rf"({_decimal})\s*%?" + rf"\s*[,;\s]\s*({_decimal})\s*%?" * (how_many - 1)
    pair = rf"[(\[]\s*({_decimal})\s*%?\s*[,;\s]\s*({_decimal})\s*%?\s*[)\]]"
    patterns = [rf"[(\[]\s*{listed}\s*[)\]]", rf"^\W*{listed}\W*$"]
    if how_many == 4:
        patterns.insert(1, rf"{pair}\s*(?:[,;]|to|and)?\s*{pair}")
    for pattern in patterns:
        match = re.search(pattern, answer)
        if match:
            return tuple(map(float, match.groups()))
    values = re.findall(rf"\b{_coordinate}\s*=\s*\"?({_decimal})", answer)
    return tuple(map(float, values[:how_many])) if len(values) >= how_many else None
