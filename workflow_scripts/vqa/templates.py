"""Sentences with slots: compiled once, then filled for many rows at a time.

A slot is a name in braces. `{a}` takes a text; at the start of a sentence it begins with a
capital. `{is_a}` is a word that agrees with the number of `{a}`: "is" or "are"; `AGREEING` lists
such words.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import cycle, islice
from operator import itemgetter

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
# A `%` format, and what picks the words that fill it from those of a row.
Sentence = tuple[str, Callable[[Sequence[str]], object]]


def capitalised(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


class Template:
    """A sentence that is not yet filled; slots in upper case take a capital."""

    def __init__(self, text: str) -> None:
        self._parts: list[tuple[str, str, str]] = []
        for literal, slot, _, _ in string.Formatter().parse(text):
            word, _, subject = (slot or "").lower().partition("_")
            self._parts.append((literal, word, subject))

    def sentence(
        self, slots: Sequence[str], *, words: Mapping[str, str], plural: Sequence[str] = ()
    ) -> Sentence:
        """Return the sentence in which `words` are filled in, for rows with the words of `slots`.

        `plural` are the slots whose words are plural; verbs and pronouns agree with them.
        """
        text, picked = "", []
        for literal, word, subject in self._parts:
            text += literal.replace("%", "%%")
            begins = not text or text.endswith((". ", "? "))
            if subject:
                agreeing = AGREEING[word] if subject in plural else word
                text += capitalised(agreeing) if begins else agreeing
            elif word in words:
                known = words[word].replace("%", "%%")
                text += capitalised(known) if begins else known
            elif word:
                text += "%s"
                picked.append(slots.index(word.upper() if begins else word))
        return text, _picker(*picked)


@lru_cache(maxsize=1024)
def _picker(*places: int) -> Callable[[Sequence[str]], object]:
    """Return what picks those words; sentences share it, so that it stays at hand."""
    return itemgetter(*places) if places else lambda row: ()


class Templates:
    """The sentences that can say one thing; `texts` in the order of preference."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(dict.fromkeys(texts))
        self._templates = [Template(text) for text in self.texts]
        self._sentences: dict[tuple[object, ...], list[Sentence]] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def write(
        self,
        lot: int,
        slots: tuple[str, ...],
        rows: Sequence[Sequence[str]],
        *,
        words: Mapping[str, str],
        plural: Sequence[tuple[str, ...]] | None,
        limit: int | None,
    ) -> list[str]:
        """Fill a sentence for every row, the first drawn by `lot`, then in turn.

        Only the first `limit` sentences are used. `rows` hold the words of `slots`, which in upper
        case begin with a capital; `words` are the same for all rows. `plural` names by row the
        slots whose words are plural; None: there are none.
        """
        number = min(len(self.texts), limit or len(self.texts))
        first = lot % number
        if plural is None:
            turns = cycle(self._filled(slots, words, ())[:number])
            mine = islice(turns, first, first + len(rows))
            return [text % pick(row) for row, (text, pick) in zip(rows, mine, strict=True)]
        written = []
        for turn, (row, some) in enumerate(zip(rows, plural, strict=True), first):
            text, pick = self._filled(slots, words, some)[turn % number]
            written.append(text % pick(row))
        return written

    def _filled(
        self, slots: tuple[str, ...], words: Mapping[str, str], plural: tuple[str, ...]
    ) -> list[Sentence]:
        key = (slots, plural, *words.values())
        if key not in self._sentences:
            self._sentences[key] = [
                template.sentence(slots, words=words, plural=plural) for template in self._templates
            ]
        return self._sentences[key]
