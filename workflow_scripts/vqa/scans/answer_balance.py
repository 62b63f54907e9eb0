"""Ask for every answer equally often, so that words alone do not give it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

Option = TypeVar("Option")
_NOT_ALLOWED = 1e6
# Of kinds that there are several of, about so many are asked about where there are two; else most
# answers would be two.
_ASKED_OF_TWO = 0.25
OPPOSITES = {
    **{"yes": "no", "no": "yes", "left": "right", "right": "left"},
    **{"in front of me": "behind me", "behind me": "in front of me"},
}


class AnswerBalance:
    """Counts the answers of a scan by kind of question, and draws the one that is rarest so far."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._counts: Counter[tuple[str, str]] = Counter()

    def draw(
        self, kind: str, by_answer: Mapping[str, Sequence[Option]]
    ) -> tuple[str, Option] | None:
        """Return an answer and one of its options; answers that were given seldom come first.

        None where all of a pair's answers (yes, no) that are at hand were given more often than
        the other one.
        """
        answers = sorted(answer for answer, options in by_answer.items() if options)
        least = min(self._counts[kind, answer] for answer in answers)
        rarest = [answer for answer in answers if self._counts[kind, answer] == least]
        answer = rarest[int(self._rng.integers(len(rarest)))]
        if least > self._counts[kind, OPPOSITES.get(answer, answer)]:
            return None
        self._counts[kind, answer] += 1
        options = by_answer[answer]
        return answer, options[int(self._rng.integers(len(options)))]


def is_count_asked(number: int, rng: np.random.Generator) -> bool:
    """Draw whether it is asked how many there are of a kind: two is about as frequent as more."""
    return number > 2 or bool(rng.random() < _ASKED_OF_TWO)


def surplus(answers: Sequence[tuple[str, str]], rng: np.random.Generator) -> set[int]:
    """Return places in a list of (kind, answer) without which opposites are equally often.

    Which of the answers that are too many are left out is drawn.
    """
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, pair in enumerate(answers):
        places[pair].append(place)
    found: set[int] = set()
    for (kind, answer), own in sorted(places.items()):
        if answer in OPPOSITES:
            number = len(own) - len(places.get((kind, OPPOSITES[answer]), ()))
            found.update(int(place) for place in rng.permutation(own)[: max(number, 0)])
    return found


def exchange(allowed: np.ndarray, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return most pairs (row, column) of allowed ones [n, m] bool, each row and column once."""
    cost = np.where(allowed, rng.random(allowed.shape), _NOT_ALLOWED)
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(row), int(column)) for row, column in pairs if allowed[row, column]]


def equal_numbers(groups: Mapping[str, Sequence[Option]], rng: np.random.Generator) -> list[Option]:
    """Return as many of every group as the smallest has, drawn at random; [] if one is empty."""
    number = min((len(options) for options in groups.values()), default=0)
    chosen: list[Option] = []
    for options in groups.values():
        chosen += [options[place] for place in rng.permutation(len(options))[:number]]
    return [chosen[place] for place in rng.permutation(len(chosen))]
