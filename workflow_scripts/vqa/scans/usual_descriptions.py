"""What is usually said of things in rooms: how often it is true, and how often it fits nothing.

`usual_descriptions.csv` and `usual_places.csv` are written by
`python -m benchmarks.usual_descriptions` from simulated scans. Descriptions that fit nothing are
drawn from them, and of those whose words are almost always true some are left out, so that the same
words are true as often as not.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workflow_scripts.vqa.scans.relations import Clause

TABLE = Path(__file__).with_name("usual_descriptions.csv")
PLACES = Path(__file__).with_name("usual_places.csv")


@dataclass(frozen=True)
class DescriptionKey:
    """What a description says, without its wording.

    Attributes:
        category: of what is described.
        many: whether it speaks of several.
        has_distractors: whether a scan has other objects of the category, of one object or none.
        kind: kind of its clause, '' if it has none.
        value: the color, the name of the room, or the category of the object that names the place.
    """

    category: str
    many: bool
    has_distractors: bool
    kind: str = ""
    value: str = ""

    @classmethod
    def of(
        cls, category: str, said: tuple[Clause, ...], *, many: bool, has_distractors: bool
    ) -> "DescriptionKey | None":
        """Return the key of a description; None for those of two clauses."""
        if len(said) > 1:
            return None
        has_distractors = has_distractors and not many
        if not said:
            return cls(category, many, has_distractors)
        clause = said[0]
        return cls(category, many, has_distractors, clause.kind, _value_of(clause))


@dataclass(frozen=True)
class Frequency:
    """In how many of 1000 scans a description is drawn as true, and in how many it fits nothing."""

    true: float
    false: float

    @property
    def keep_true(self) -> float:
        """Probability of keeping a true one, so that true ones are not more than the others."""
        return min(1.0, self.false / self.true) if self.true else 0.0

    @property
    def keep_false(self) -> float:
        """Probability of keeping one that fits nothing, so that these are not more."""
        return min(1.0, self.true / self.false) if self.false else 0.0


# Per 1000 scans: so much is added to how often an answer is true, as rare ones are not all counted.
_RARE = 2.5


def share_to_ask(said: Clause, category: str, kinds: Sequence[str]) -> float:
    """Return the share of questions about a category to ask whose answer is a clause.

    It is 1 but for the usual answer, which is asked about as often as the next.

    Args:
        said: What is true.
        category: Of what the question is about.
        kinds: Kinds of clauses that are answers to it.
    """
    answers: dict[tuple[str, str], float] = {}
    for key, frequency in usual_descriptions().items():
        if key.category == category and key.kind in kinds and not key.many:
            answer = key.kind, key.value
            answers[answer] = answers.get(answer, 0.0) + frequency.true
    own = answers.pop((said.kind, _value_of(said)), 0.0)
    second = max(answers.values(), default=0.0)
    return min(1.0, (second + _RARE) / (own + _RARE))


def is_usual(said: Clause, category: str) -> bool:
    """Say whether a clause is true of a category in some scan, or nothing is known of these."""
    keys = [
        DescriptionKey(category, False, has_distractors, said.kind, _value_of(said))
        for has_distractors in (False, True)
    ]
    table = usual_descriptions()
    return any(key in table for key in keys) or all(key.category != category for key in table)


def _value_of(clause: Clause) -> str:
    return clause.anchor.category if clause.anchor else clause.word


@lru_cache(maxsize=1)
def usual_descriptions() -> Mapping[DescriptionKey, Frequency]:
    """Return the table of descriptions in the order of its rows."""
    return _read(TABLE)


@lru_cache(maxsize=1)
def usual_places() -> Mapping[DescriptionKey, Frequency]:
    """Return in how many scans things of a category that is there are at a place, or are not."""
    return _read(PLACES)


def place_key(category: str, clause: Clause) -> DescriptionKey:
    """Return the key of `usual_places` for what a clause says of a category."""
    return DescriptionKey(category, False, False, clause.kind, _value_of(clause))


def _read(path: Path) -> Mapping[DescriptionKey, Frequency]:
    with path.open(encoding="utf-8", newline="") as file:
        return {
            DescriptionKey(
                row["category"],
                row["many"] == "1",
                row["has_distractors"] == "1",
                row["kind"],
                row["value"],
            ): Frequency(float(row["true_per_1000"]), float(row["false_per_1000"]))
            for row in csv.DictReader(file)
        }
