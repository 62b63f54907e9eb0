"""Sentences with slots: compiled once, then filled for many rows at a time.

A slot is a name in braces. `{a}` takes a text; at the start of a sentence it begins with a
capital. `{is_a}` is a word that agrees with the number of `{a}`: "is" or "are"; `AGREEING` lists
such words.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Words for one thing, and for a thing whose name is plural ("the curtains").
AGREEING = {
    "is": "are",
    "does": "do",
    "has": "have",
    "measures": "measure",
    "stands": "stand",
    "sits": "sit",
    "lies": "lie",
    "looks": "look",
    "faces": "face",
    "touches": "touch",
    "rests": "rest",
    "takes": "take",
    "covers": "cover",
    "reaches": "reach",
    "comes": "come",
    "it": "they",
    "its": "their",
    "itself": "themselves",
}


def capitalised(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Template:
    """A sentence as a `%` format for each number; `slots` fill it, upper case for a capital."""

    text: str
    singular: str
    slots: tuple[str, ...]
    agreeing: tuple[str, ...]

    @classmethod
    def compile(cls, text: str) -> "Template":
        """Compile a text with slots in braces."""
        slots: list[str] = []
        agreeing: list[str] = []
        singular = ""
        for literal, slot, _, _ in string.Formatter().parse(text):
            singular += literal.replace("%", "%%")
            if slot is None:
                continue
            word, _, subject = slot.lower().partition("_")
            if subject:
                agreeing.append(subject)
                singular += capitalised(word) if not singular else word
            else:
                slots.append(slot.upper() if not singular else slot)
                singular += "%s"
        return cls(text, singular, tuple(slots), tuple(agreeing))

    def numbered(self, plural: Mapping[str, bool]) -> str:
        """Return the format whose words agree with the subjects that are plural."""
        out = ""
        for literal, slot, _, _ in string.Formatter().parse(self.text):
            out += literal.replace("%", "%%")
            if slot is None:
                continue
            word, _, subject = slot.lower().partition("_")
            if subject:
                word = AGREEING[word] if plural.get(subject) else word
                out += capitalised(word) if not out else word
            else:
                out += "%s"
        return out


class Templates:
    """The sentences that can say one thing; `texts` in the order of preference."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(dict.fromkeys(texts))
        self._compiled = [Template.compile(text) for text in self.texts]
        self._by_number: dict[tuple[int, tuple[bool, ...]], str] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def draw(self, number: int, rng: np.random.Generator, *, limit: int | None) -> np.ndarray:
        """Draw which of the first `limit` sentences each of so many rows takes."""
        return rng.integers(min(len(self.texts), limit or len(self.texts)), size=number)

    def write(
        self,
        drawn: np.ndarray,
        columns: Mapping[str, Sequence[str]],
        plural: Mapping[str, Sequence[bool]],
    ) -> list[str]:
        """Fill the drawn sentence of every row from the columns of its slots.

        `plural` says by slot and row whether a name is plural; without any, "is" stands.
        """
        if len(drawn) == 1:
            return [self._one(int(drawn[0]), columns, plural)]
        written = [""] * len(drawn)
        for index in np.unique(drawn).tolist():
            rows = np.flatnonzero(drawn == index).tolist()
            template = self._compiled[index]
            texts = [_column(columns, slot, rows) for slot in template.slots]
            numbers = [plural[subject] for subject in template.agreeing if subject in plural]
            if any(any(column) for column in numbers):
                for place, words in zip(rows, zip(*texts, strict=True), strict=True):
                    written[place] = self._numbered(index, place, plural) % words
            else:
                sentence = template.singular
                for place, words in zip(rows, zip(*texts, strict=True), strict=True):
                    written[place] = sentence % words
        return written

    def _one(
        self,
        index: int,
        columns: Mapping[str, Sequence[str]],
        plural: Mapping[str, Sequence[bool]],
    ) -> str:
        template = self._compiled[index]
        words = tuple(_column(columns, slot, [0])[0] for slot in template.slots)
        return self._numbered(index, 0, plural) % words

    def _numbered(self, index: int, row: int, plural: Mapping[str, Sequence[bool]]) -> str:
        template = self._compiled[index]
        flags = tuple(
            bool(plural[subject][row]) if subject in plural else False
            for subject in template.agreeing
        )
        if not any(flags):
            return template.singular
        key = (index, flags)
        if key not in self._by_number:
            numbers = dict(zip(template.agreeing, flags, strict=True))
            self._by_number[key] = template.numbered(numbers)
        return self._by_number[key]


def _column(columns: Mapping[str, Sequence[str]], slot: str, rows: Sequence[int]) -> list[str]:
    if slot in columns:
        column = columns[slot]
        return [column[row] for row in rows]
    column = columns[slot.lower()]
    return [capitalised(column[row]) for row in rows]
