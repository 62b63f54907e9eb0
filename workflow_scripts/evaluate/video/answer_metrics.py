"""Whether an answer about a scan is one of those accepted, by published definitions and by ours.

All functions take one answer and its references after a protocol (`protocols.py`).
"""

from collections.abc import Sequence


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Say whether the answer is one of the references (EM@1 of ScanQA and SQA3D)."""
    return answer in references


def refined_exact_match_leo(answer: str, references: Sequence[str]) -> tuple[bool, bool]:
    """Return LEO's EM and refined EM.

    References are tried in order, and the first that equals the answer or, without blanks, holds it
    or is held by it ends the search: one that only holds it hides an equal one behind it. The empty
    answer is part of every reference.
    """
    joined = "".join(answer.split())
    for reference in references:
        if answer == reference:
            return True, True
        other = "".join(reference.split())
        if joined in other or other in joined:
            return False, True
    return False, False


def refined_exact_match_llava3d(answer: str, references: Sequence[str]) -> bool:
    """Return LLaVA-3D's refined EM: an equal reference first, then one that holds the answer.

    As published, the empty answer is part of every reference.
    """
    if answer in references:
        return True
    joined = "".join(answer.split())
    others = ["".join(reference.split()) for reference in references]
    return any(joined in other or other in joined for other in others)


def contained_match(answer: str, references: Sequence[str]) -> bool:
    """Say whether the words of the answer and of a reference hold each other, in order (ours).

    An empty text holds and is held by nothing, and a word is not found within another word.
    """
    words = answer.split()
    return any(
        _holds(words, reference.split()) or _holds(reference.split(), words)
        for reference in references
    )


def _holds(words: Sequence[str], part: Sequence[str]) -> bool:
    count = len(part)
    return bool(count) and any(
        list(words[start : start + count]) == list(part) for start in range(len(words) - count + 1)
    )
