"""What a sentence says: its objects with their roles, its numbers, and its content words.

Two sentences say the same if these are the same. Words that only carry a question ("can you tell
me whether") do not count, and some words have synonyms or other spellings.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Carry a question, and nothing of what is asked. "has" and "its" are not among them: they turn
# "the sofa is left of the lamp" into "the sofa has the lamp to its left".
FILLER_WORDS = frozenset(
    Path(__file__).with_name("filler_words.txt").read_text(encoding="utf-8").split()
)
_SYNONYMS = (
    "picture image photo photograph",
    "centre center middle centres centers midpoint",
    "near nearer nearest close closer closest",
    "far farther further farthest furthest",
    "big bigger biggest large larger largest",
    "small smaller smallest",
    "tall taller tallest height heights",
    "high higher highest",
    "low lower lowest",
    "short shorter shortest",
    "wide wider widest width widths",
    "narrow narrower narrowest",
    "long longer longest length",
    "left leftmost",
    "right rightmost",
    "under below underneath beneath",
    "above over",
    "touch touching touches contact",
    "gap space",
    "distance apart",
    "many number count",
    "degrees degree",
    "turn turned turns",
    "move moved moves moving",
    "face faces facing",
    "point points",
    "differ differs difference different",
    "measure measured measures",
    "metre metres meter meters m",
    "centimetre centimetres centimeter centimeters cm",
    "foot feet ft",
    "inch inches in_unit",
    "lie lies lying stand stands standing rest rests resting sit sits sitting",
    "size sizes sized",
)
_CANONICAL = {word: group.split()[0] for group in _SYNONYMS for word in group.split()}
# A preposition directly before an object says which role it has.
_ROLES = frozenset(
    [
        *("of", "from", "to", "than", "on", "in", "inside", "behind", "above", "below", "under"),
        *("between", "at", "by", "with", "towards"),
    ]
)
_FILLER_PHRASES = re.compile(
    r"\b(is it right( to say)?|is that right|that is right|that's right|am i right)\b"
)
# "How far" asks for a distance, and names no end of a scale.
_REWRITES = (
    (re.compile(r"\b(?:in|on|at) (?:the|this) (picture|image|photo|photograph)\b"), r"\1"),
    (re.compile(r"\bhow far( apart| away)?\b"), "distance"),
    (re.compile(r"\bhow (much )?(space|room)\b"), "gap"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"(?<=\d) ?in\b"), " in_unit"),
    (re.compile(r"\bo ?['’]?clock\b"), " clock"),
)
THAN = -1
_TOKEN = re.compile(r"@\d+|\d+(?:\.\d+)?|[a-z_]+|<[^<>]*>")


@dataclass(frozen=True)
class SentenceContent:
    """What a sentence says.

    `object_roles`: the number of an object and its role, in the order of mention; an object may
    occur again. A "than" is among them: what is before it is compared with what is after it.
    """

    object_roles: tuple[tuple[int, str], ...]
    numbers: Counter[str]
    words: frozenset[str]

    @property
    def object_ids(self) -> frozenset[int]:
        return frozenset(number for number, _ in self.object_roles if number != THAN)


def parse_content(text: str, names: Mapping[str, int]) -> SentenceContent:
    """Parse a sentence; `names` in lower case give the number of the object that each names."""
    text = text.lower().replace("’", "'")
    if names:
        longest_first = sorted(names, key=lambda name: (-len(name), name))
        pattern = "|".join(re.escape(name) for name in longest_first)
        text = re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", lambda found: f" @{names[found[0]]} ", text)
    text = _FILLER_PHRASES.sub(" ", text)
    for old, new in _REWRITES:
        text = old.sub(new, text)
    tokens = _TOKEN.findall(text)
    object_roles = []
    for before, token in zip(["", *tokens], tokens, strict=False):
        if token == "than":
            object_roles.append((THAN, ""))
        elif token.startswith("@"):
            object_roles.append((int(token[1:]), before if before in _ROLES else ""))
    words = {
        _CANONICAL.get(token, token)
        for token in tokens
        if token[0].isalpha() and token not in FILLER_WORDS
    }
    numbers = Counter(token for token in tokens if token[0].isdigit())
    return SentenceContent(
        tuple(object_roles), numbers, frozenset(words) | {t for t in tokens if t[0] == "<"}
    )
