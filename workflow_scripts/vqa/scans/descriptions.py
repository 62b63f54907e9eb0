"""Put clauses about an object into words, in the many ways that people do.

Wordings are templates of noun phrases: {np} "brown chair next to the desk", {a} "a brown chair",
{noun} "brown chair", {place} "next to the desk". Verbs agree with the noun's number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.label_text import is_plural, plural, with_article
from workflow_scripts.vqa.scans.relations import Clause
from workflow_scripts.vqa.templates import capitalised

# Wordings without a place, with one, and for a superlative or several objects.
_BARE = (
    "The {noun}.",
    "{This} {is} {a}.",
    "I am looking for the {noun}.",
    "There {is} {a} here.",
    "Where {is} the {noun}?",
)
_PLACED = (
    "The {noun} {place}.",
    "{This} {is} {a} {place}.",
    "{This} {is} {a}. {It} {is} {place}.",
    "There {is} {a} {place}.",
    "The {noun} that {is} {place}.",
    "I am looking for the {noun} {place}.",
    "{A} {place}.",
)
_DEFINITE = (
    "The {np}.",
    "{This} {is} the {np}.",
    "I am looking for the {np}.",
    "Look for the {np}.",
    "I mean the {np}.",
)
_SEVERAL = (
    "The {np}.",
    "All {np}.",
    "I am looking for the {np}.",
    "Look for all of the {np}.",
    "All of the {np}.",
)
_ADJECTIVE_ORDER = ("size", "colour")
SUPERLATIVE_OF_TWO = {
    **{"tallest": "taller", "shortest": "shorter", "largest": "larger", "smallest": "smaller"},
}


@dataclass(frozen=True)
class Description:
    """A description: its noun, what it says, and whether it means several objects."""

    noun: str
    clauses: tuple[Clause, ...] = ()
    many: bool = False
    of_two: bool = False

    @property
    def place(self) -> str:
        """Return all that stands behind the noun."""
        return " ".join(clause.place for clause in self.clauses if clause.place)

    @property
    def adjectives(self) -> str:
        """Return all that stands before the noun, a size before a colour."""
        ranked = sorted(
            (clause for clause in self.clauses if clause.adjective),
            key=lambda clause: _ADJECTIVE_ORDER.index(clause.kind),
        )
        return " ".join(clause.adjective for clause in ranked)

    @property
    def noun_phrase(self) -> str:
        """Return the noun with all that is said: "brown chair next to the desk"."""
        noun = plural(self.noun) if self.many else self.noun
        return f"{with_adjectives(self.adjectives, noun)} {self.place}".strip()

    def write(self, rng: np.random.Generator) -> str:
        """Return the description in one of its wordings, drawn at random."""
        if self.of_two:
            word = SUPERLATIVE_OF_TWO[self.clauses[0].word]
            return _pick(rng, _DEFINITE).format(
                np=f"{word} of the two {plural(self.noun)}", This="This", It="It", **{"is": "is"}
            )
        if self.many:
            return capitalised(_pick(rng, _SEVERAL).format(np=self.noun_phrase))
        are_many = is_plural(self.noun)
        short = with_adjectives(self.adjectives, self.noun)
        words = {
            "np": self.noun_phrase,
            "noun": short,
            "place": self.place,
            "a": with_article(short),
            "A": capitalised(with_article(short)),
            "This": "These" if are_many else "This",
            "It": "They" if are_many else "It",
            "is": "are" if are_many else "is",
        }
        if any(clause.is_superlative for clause in self.clauses):
            wordings: Sequence[str] = _DEFINITE
        else:
            wordings = _PLACED if self.place else _BARE
        return _pick(rng, wordings).format(**words)


def with_adjectives(adjectives: str, noun: str) -> str:
    """Return a noun with what is said before it: "brown chair", "pair of brown boots"."""
    if not adjectives:
        return noun
    size = adjectives.split(" ")[0] in SUPERLATIVE_OF_TWO
    first, pair, rest = noun.partition("pair of ")
    if not size and pair and not first:
        return f"pair of {adjectives} {rest}"
    return f"{adjectives} {noun}"


def _pick(rng: np.random.Generator, wordings: Sequence[str]) -> str:
    return wordings[int(rng.integers(len(wordings)))]
