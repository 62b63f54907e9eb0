"""Read a reply: its final answer, a yes or no, an option, an hour, coordinates, a refusal."""

import re
import unicodedata
from collections.abc import Sequence

from workflow_scripts.common.answer_text import parse_choice
from workflow_scripts.evaluate.quantity_parsing import parse_number

_REFUSAL = re.compile(
    r"\b(?:i\s+(?:can(?:no|')t|am\s+(?:not\s+able|unable|not\s+sure)|do\s*n[o']t\s+know)"
    r"|i'm\s+(?:not\s+able|unable|not\s+sure|sorry)|unable\s+to|not\s+possible\s+to|impossible\s+to"
    r"|no\s+way\s+to|(?:can(?:no|')t|cannot|can\s+not)\s+be\s+(?:determined|measured|answered|told)"
    r"|not\s+enough\s+information|insufficient\s+information|as\s+an\s+ai\b)",
    re.IGNORECASE,
)
_ANSWER_MARKERS = (
    re.compile(r"<answer>(.*?)(?:</answer>|$)", re.IGNORECASE | re.DOTALL),
    re.compile(r"\\boxed\{([^{}]*)\}"),
    re.compile(r"\banswer\s*(?:is\b|:|=)\s*:?\s*(.+)", re.IGNORECASE | re.DOTALL),
)
_POSITIVE = re.compile(r"\b(?:yes|yeah|yep|correct|true|indeed|affirmative)\b")
_NEGATIVE = re.compile(r"\b(?:no|nope|incorrect|false|negative|not)\b")
_CLOCK = re.compile(r"(?<![\d.:])(1[0-2]|0?[1-9])(?:\s*(?::00|o\W?\s*clock)|(?=\s*$))")
_HOUR_NAMES = "one two three four five six seven eight nine ten eleven twelve"
_HOURS = _HOUR_NAMES.split()
_decimal = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)"


def normalize_text(text: str) -> str:
    """Return a text without typographic variants, Markdown emphasis and outer space."""
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("\u00a0", " ")
    return re.sub(r"\*\*|__|`", "", text).strip()


def final_answer(text: str) -> str:
    """Return the part of a reply that states its answer.

    Text in <think> is removed; of answers in <answer> or \\boxed{} the last counts, else all that
    follows the first "the answer is"; a reply without such marks is the answer as a whole.
    """
    text = normalize_text(text)
    text = re.sub(r"<think>.*?(?:</think>|$)", "", text, flags=re.IGNORECASE | re.DOTALL).strip()
    for pattern in _ANSWER_MARKERS:
        matches: list[str] = pattern.findall(text)
        if matches and matches[-1].strip():
            return matches[-1].strip()
    return text


def is_refusal(text: str) -> bool:
    """Say whether a reply declines to answer."""
    return bool(_REFUSAL.search(normalize_text(text)))


def read_yes_no(text: str) -> str | None:
    """Read "yes" or "no"; None for neither, for both inside the reply, or for a refusal.

    A reply that begins with one of them means it, whatever follows ("No, the lamp is").
    """
    text = final_answer(text).lower()
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
    answer = final_answer(text)
    if is_refusal(answer) or _names_several(answer, choices):
        return None
    return parse_choice(answer, choices)


def _names_several(answer: str, words: Sequence[str]) -> bool:
    """Say whether a reply offers two different words ("the red or the blue one")."""
    word = "|".join(re.escape(candidate) for candidate in sorted(words, key=len, reverse=True))
    pairs = re.findall(
        rf"(?<!\w)({word})\W+(?:or|and)\W+(?:the\s+|an?\s+)?({word})(?!\w)", answer, re.IGNORECASE
    )
    return any(candidate.lower() != other.lower() for candidate, other in pairs)


def read_option(text: str, letters: Sequence[str], options: Sequence[str]) -> str | None:
    """Read the letter of a multiple choice; None for none, several, or one that is not offered.

    A letter counts alone, in brackets, before punctuation, or after "option"; "A" before a word
    is an article. Without a letter, the text of exactly one option counts.
    """
    answer = final_answer(text)
    letter = "|".join(re.escape(candidate) for candidate in letters)
    single_letter = re.fullmatch(r"\W*([A-Za-z])\W*", answer)
    if single_letter:
        return _match_letter(single_letter[1], letters)
    if _names_several(answer, letters):
        return None
    parsed = re.findall(rf"\(({letter})\)", answer)
    parsed += re.findall(r"\boption\s+\(?([A-Za-z])\b", answer, re.IGNORECASE)
    parsed += re.findall(rf"(?:^|[\s(])({letter})(?=[.):,]|$)", answer)
    letters_named = {_match_letter(candidate, letters) for candidate in parsed}
    if len(letters_named) == 1:
        return letters_named.pop()
    if letters_named or is_refusal(answer) or (options and _names_several(answer, options)):
        return None
    option = parse_choice(answer, options) if options else None
    return letters[list(options).index(option)] if option is not None else None


def _match_letter(letter: str, letters: Sequence[str]) -> str | None:
    return next((candidate for candidate in letters if candidate.lower() == letter.lower()), None)


def read_count(text: str) -> float | None:
    """Read how many: the first number, or 0 where a reply says that there is none."""
    answer = final_answer(text)
    number = parse_number(answer)
    if number is None and re.search(r"\b(?:none|no|not\s+any|nothing)\b", answer, re.IGNORECASE):
        return None if is_refusal(answer) else 0.0
    return number


def read_clock_hour(text: str) -> int | None:
    """Read an hour of the clock, 1 to 12: "3 o'clock", "three o'clock", "3:00", or a bare "3"."""
    answer = final_answer(text).lower().rstrip(" .")
    match = _CLOCK.search(answer)
    if match:
        return int(match[1])
    match = re.search(rf"\b({'|'.join(_HOURS)})(?:\s+o\W?\s*clock|\s*$)", answer)
    return _HOURS.index(match[1]) + 1 if match else None


def read_coordinates(text: str, how_many: int) -> tuple[float, ...] | None:
    """Read a point (u, v) or a box (u0, v0, u1, v1).

    The first bracket with so many numbers counts, else a reply that is a list of them. Also reads
    the forms <point x="" y=""> and u=0.3, v=0.4.
    """
    answer = final_answer(text)
    listed = rf"({_decimal})\s*%?" + rf"\s*[,;\s]\s*({_decimal})\s*%?" * (how_many - 1)
    for pattern in (rf"[(\[]\s*{listed}\s*[)\]]", rf"^\W*{listed}\W*$"):
        match = re.search(pattern, answer)
        if match:
            return tuple(map(float, match.groups()))
    values = re.findall(rf"\b[uvxy][01]?\s*=\s*\"?({_decimal})", answer)
    return tuple(map(float, values[:how_many])) if len(values) >= how_many else None
