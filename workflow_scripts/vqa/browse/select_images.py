"""Choose the pictures of the page: as few as show every family in every form, then at random."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from workflow_scripts.common.questions import Question


@dataclass(frozen=True)
class Candidate:
    """A picture and what it shows: its split, and (family, form, answer) of its questions."""

    image: str
    split: str
    coverage: frozenset[tuple[str, str, str]]


def make_candidate(questions: list[Question]) -> Candidate:
    """Return what a picture's questions show; of numbers only that they are numbers."""
    return Candidate(
        image=questions[0].image,
        split=questions[0].split,
        coverage=frozenset(
            (
                question.family,
                question.form,
                str(question.truth) if question.kind == "yes_no" else question.kind,
            )
            for question in questions
        ),
    )


def select_images(candidates: Iterable[Candidate], *, num_images: int, seed: int) -> list[str]:
    """Return the pictures to show, the order of the candidates kept.

    Each next picture is the one that shows most of what is not shown yet; ties, and the rest
    once everything is shown, go by a hash of seed and name, so the order of files does not count.
    """
    remaining = sorted(candidates, key=lambda candidate: _tie_break(seed, candidate.image))
    order = {candidate.image: place for place, candidate in enumerate(remaining)}
    shown: set[tuple[str, str, str]] = set()
    picked: list[str] = []
    while remaining and len(picked) < num_images:
        best = max(
            remaining,
            key=lambda candidate: (len(candidate.coverage - shown), -order[candidate.image]),
        )
        shown |= best.coverage
        remaining.remove(best)
        picked.append(best.image)
    return picked


def _tie_break(seed: int, image: str) -> str:
    return hashlib.sha256(f"{seed}|{image}".encode()).hexdigest()
