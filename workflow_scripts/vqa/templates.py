"""Sentences with slots: compiled once, then filled for many rows at a time.

A slot is a name in braces. `{a}` takes a text; at the start of a sentence it begins with a
capital. `{is_a}` is a word that agrees with the number of `{a}`: "is" or "are"; such words are in
`AGREEMENT_FORMS`.
"""

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, cycle
from operator import itemgetter

# Forms for a singular name, and for a plural one ("the curtains").
AGREEMENT_FORMS = {
    "is": "are",
    "isn't": "aren't",
    "does": "do",
    "faces": "face",
    "covers": "cover",
    "it": "they",
    "its": "their",
}
# A `%` format, and what picks the words that fill it from those of a row.
Sentence = tuple[str, Callable[[Sequence[str]], object]]
# The words of a row: how many objects it names, which of them is the winner, its other slots.
Layout = tuple[int, int | None, tuple[str, ...]]
SLOTS = ("a", "b", "c", "d", "e")


def capitalised(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


@lru_cache(maxsize=256)
def slot_positions(layout: Layout) -> dict[str, int]:
    """Return where in a row the word of each slot stands; one that begins with a capital is next.

    Objects come first, in the order of mention, so object k is at 2 k.
    """
    num_objects, winner, others = layout
    places = {name: 2 * place for place, name in enumerate((*SLOTS[:num_objects], *others))}
    return places if winner is None else places | {"winner": 2 * winner}


class Template:
    """A sentence that is not yet filled."""

    def __init__(self, text: str) -> None:
        self._parts: list[tuple[str, str, str]] = []
        for literal, slot, _, _ in string.Formatter().parse(text):
            word, _, subject = (slot or "").lower().partition("_")
            self._parts.append((literal, word, subject))

    def sentence(
        self, layout: Layout, *, words: Mapping[str, str], plural: Sequence[bool] = ()
    ) -> Sentence:
        """Return the sentence in which `words` are filled in, for rows of a layout.

        `plural` says which of the objects have plural names; verbs and pronouns agree with them.
        """
        places = slot_positions(layout)
        text, positions = "", []
        for literal, word, subject in self._parts:
            text += literal.replace("%", "%%")
            # "A: The sofa is 1.80 m wide." begins with the letter of an option.
            at_sentence_start = not text or text.endswith((". ", "? ")) or text[1:] == ": "
            if subject:
                is_plural = bool(plural) and plural[places[subject] // 2]
                word_form = AGREEMENT_FORMS[word] if is_plural else word
                text += capitalised(word_form) if at_sentence_start else word_form
            elif word in words:
                known = words[word].replace("%", "%%")
                text += capitalised(known) if at_sentence_start else known
            elif word:
                text += "%s"
                positions.append(places[word] + at_sentence_start)
        return text, _word_getter(*positions)


@lru_cache(maxsize=1024)
def _word_getter(*places: int) -> Callable[[Sequence[str]], object]:
    """Return a function that picks those words; sentences share it, so it is cached."""
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
        start_index: int,
        layout: Layout,
        rows: Sequence[Sequence[str]],
        words: Mapping[str, str],
        plural: Sequence[tuple[bool, ...]] | None,
        limit: int | None,
    ) -> list[str]:
        """Fill a sentence for every row, starting with `start_index`, then in turn.

        Only the first `limit` sentences are used. `rows` hold the words that the layout says, each
        twice, the second time with a capital; `words` are the same for all rows. `plural` says by
        row which objects have plural names; None: none has.
        """
        number = len(self.texts)
        if limit:
            number = min(number, limit)
        first = start_index % number
        if plural is None:
            compiled = self._compiled(layout, words, ())
            sentences: Iterable[Sentence] = compiled
            if first + len(rows) > number:
                sentences = chain(compiled[first:number], cycle(compiled[:number]))
            elif first:
                sentences = compiled[first:number]
            return [
                text % get_words(row)
                for row, (text, get_words) in zip(rows, sentences, strict=False)
            ]
        written = []
        for index, (row, plural_flags) in enumerate(zip(rows, plural, strict=True), first):
            text, get_words = self._compiled(layout, words, plural_flags)[index % number]
            written.append(text % get_words(row))
        return written

    def _compiled(
        self, layout: Layout, words: Mapping[str, str], plural: tuple[bool, ...]
    ) -> list[Sentence]:
        key = (layout, plural, *words.values())
        found = self._sentences.get(key)
        if found is None:
            found = self._sentences[key] = [
                template.sentence(layout, words=words, plural=plural)
                for template in self._templates
            ]
        return found
