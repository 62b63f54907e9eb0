"""Sentences with slots: compiled once, then filled for many rows at a time.

A slot is a name in braces. `{a}` takes a text; at the start of a sentence it begins with a
capital. `{is_a}` is a word that agrees with the number of `{a}`: "is" or "are"; `AGREEING` lists
such words.
"""

import string
from collections.abc import Mapping, Sequence

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
Words = Mapping[str, str]


def capitalised(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


class Template:
    """A sentence as a `%` format for every number of its subjects.

    `singular` is the format when no subject is plural; slots in upper case take a capital.
    """

    def __init__(self, text: str) -> None:
        self._parts: list[tuple[str, str, str]] = []
        for literal, slot, _, _ in string.Formatter().parse(text):
            word, _, subject = (slot or "").lower().partition("_")
            self._parts.append((literal.replace("%", "%%"), word, subject))
        self.subjects = tuple(dict.fromkeys(subject for _, _, subject in self._parts if subject))
        self.slots = tuple(word for _, word, subject in self._parts if word and not subject)
        self._formats: dict[tuple[str, ...], str] = {}
        self.singular = self.numbered(())

    def numbered(self, plural: Sequence[str]) -> str:
        """Return the format whose words agree with the subjects that are plural."""
        key = tuple(subject for subject in self.subjects if subject in plural)
        if key not in self._formats:
            out = ""
            for literal, word, subject in self._parts:
                out += literal
                begins = not out or out.endswith((". ", "? "))
                if subject:
                    agreeing = AGREEING[word] if subject in key else word
                    out += capitalised(agreeing) if begins else agreeing
                elif word:
                    out += f"%({word.upper() if begins else word})s"
            self._formats[key] = out
        return self._formats[key]


class Templates:
    """The sentences that can say one thing; `texts` in the order of preference."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(dict.fromkeys(texts))
        self._templates = [Template(text) for text in self.texts]
        self._singular = [template.singular for template in self._templates]

    def __len__(self) -> int:
        return len(self.texts)

    def write(
        self,
        lot: int,
        rows: Sequence[Words],
        plural: Sequence[Sequence[str]] | None,
        *,
        limit: int | None,
    ) -> list[str]:
        """Fill a sentence for every row, the first drawn by `lot`, then in turn.

        Only the first `limit` sentences are used. `rows` holds the words of slots, in upper case
        with a capital. `plural` names by row the slots whose words are plural; None: there are
        none.
        """
        number = min(len(self.texts), limit or len(self.texts))
        if plural is None:
            formats = self._singular
            return [formats[turn % number] % words for turn, words in enumerate(rows, lot)]
        templates = self._templates
        return [
            templates[turn % number].numbered(some) % words
            for turn, (words, some) in enumerate(zip(rows, plural, strict=True), lot)
        ]
