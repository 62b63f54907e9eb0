"""English for lists, counts and articles: what turns category names into sentences."""

import re
from collections.abc import Sequence

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
_IRREGULAR = {"knife": "knives", "loaf": "loaves", "shelf": "shelves", "leaf": "leaves"}
_ES_AFTER_O = {"potato", "tomato"}
# Written with a vowel but spoken with a consonant ("a unit"), and the other way round.
_SPOKEN_CONSONANT = re.compile(r"^(uni([^nm]|$)|us[aeiu]|ut[ei]|eu|one\b|once\b)", re.IGNORECASE)
_SILENT_H = re.compile(r"^(hour|honest|honou?r|heir)", re.IGNORECASE)
_VOWEL_SOUND_LETTERS = frozenset("AEFHILMNORSX")


def plural(noun: str) -> str:
    """Return the plural of a noun phrase: "loaf of bread" -> "loaves of bread"."""
    head, preposition, rest = noun.partition(" of ")
    start, space, last = head.rpartition(" ")
    return start + space + _plural_word(last) + preposition + rest


def _plural_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _ES_AFTER_O or re.search(r"(s|sh|ch|x|z)$", word):
        return word + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def article(words: str) -> str:
    """Return "a" or "an" for a phrase, by the sound of its first word."""
    first = re.split(r"[\s-]", words, maxsplit=1)[0]
    if len(first) > 1 and first.isupper():
        return "an" if first[0] in _VOWEL_SOUND_LETTERS else "a"
    if _SILENT_H.match(first):
        return "an"
    if _SPOKEN_CONSONANT.match(first):
        return "a"
    return "an" if first[:1].lower() in "aeiou" else "a"


def number_word(count: int) -> str:
    """Return a count in words up to twelve, in digits above."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def with_colour(noun: str, colour: str) -> str:
    """Put a colour where it belongs: "red sofa", "pair of red boots"."""
    if not colour:
        return noun
    head, preposition, rest = noun.partition(" of ")
    return f"{head} of {colour} {rest}" if preposition else f"{colour} {noun}"


def count_phrase(count: int, noun: str, *, colour: str = "") -> str:
    """Return "a red sofa", "an armchair", "two red sofas"."""
    if count == 1:
        words = with_colour(noun, colour)
        return f"{article(words)} {words}"
    return f"{number_word(count)} {with_colour(plural(noun), colour)}"


def join_list(items: Sequence[str]) -> str:
    """Join as a person would: "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def is_or_are(count: int) -> str:
    """Return the verb for that many objects."""
    return "is" if count == 1 else "are"


def as_sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def format_metres(value_m: float) -> str:
    """Write a length without needless digits: 5.04 -> "5", 1.84 -> "1.8"."""
    return f"{round(value_m, 1):g}"
