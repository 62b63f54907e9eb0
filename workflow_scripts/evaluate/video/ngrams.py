"""N-grams of a corpus of sentences as arrays of counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NgramCounts:
    """How often sentences contain their n-grams of one length: a row for each sentence and n-gram.

    Rows are sorted by sentence, then n-gram. All arrays are i64 [rows].

    Attributes:
        sentence: Number of the sentence.
        ngram: Number of the n-gram, equal for equal n-grams.
        count: How often it occurs.
        num_ngrams: Number of different n-grams.
    """

    sentence: np.ndarray
    ngram: np.ndarray
    count: np.ndarray
    num_ngrams: int

    def select(self, rows: np.ndarray) -> "NgramCounts":
        """Return some rows."""
        return NgramCounts(self.sentence[rows], self.ngram[rows], self.count[rows], self.num_ngrams)

    def keys(self, group: np.ndarray) -> np.ndarray:
        """Return a number for each row that says the group of its sentence and its n-gram."""
        keys: np.ndarray = group[self.sentence] * self.num_ngrams + self.ngram
        return keys


@dataclass(frozen=True)
class Corpus:
    """Answers and their references, split at white space.

    Attributes:
        num_words: Words of each sentence, i64 [sentences].
        owner: Number of the sample that a sentence belongs to, i64 [sentences].
        is_answer: Whether a sentence is the answer; the others of a sample are its references.
        counts: The n-grams of length 1 to 4.
    """

    num_words: np.ndarray
    owner: np.ndarray
    is_answer: np.ndarray
    counts: tuple[NgramCounts, ...]

    @property
    def num_samples(self) -> int:
        """Return the number of samples."""
        return int(self.is_answer.sum())


def read_corpus(
    answers: Sequence[str], references: Sequence[Sequence[str]], *, longest: int = 4
) -> Corpus:
    """Count the n-grams of answers and of the references of each.

    Raises `ValueError` where there is not one list of references, with at least one, an answer.
    """
    if len(answers) != len(references) or not all(references):
        raise ValueError("every answer needs a list of references, and every list a reference")
    sentences: list[list[str]] = []
    owner: list[int] = []
    for sample, (answer, texts) in enumerate(zip(answers, references, strict=True)):
        sentences += [answer.split(), *(text.split() for text in texts)]
        owner += [sample] * (1 + len(texts))
    numbers: dict[str, int] = {}
    words = np.array(
        [numbers.setdefault(word, len(numbers)) for words in sentences for word in words],
        dtype=np.int64,
    )
    num_words = np.array([len(words) for words in sentences], dtype=np.int64)
    owners = np.array(owner, dtype=np.int64)
    is_answer = np.append(True, owners[1:] != owners[:-1])[: len(owners)]
    return Corpus(num_words, owners, is_answer, tuple(_count(words, num_words, longest)))


def _count(words: np.ndarray, num_words: np.ndarray, longest: int) -> list[NgramCounts]:
    """Return the n-grams of sentences whose words [w] stand one after the other."""
    sentence = np.repeat(np.arange(len(num_words)), num_words)
    place = np.arange(len(words)) - np.repeat(np.cumsum(num_words) - num_words, num_words)
    num_words_known = int(words.max(initial=-1)) + 1
    ngram = words
    num_ngrams = num_words_known
    counts = []
    for length in range(1, longest + 1):
        if length > 1:
            # An n-gram is the one before it and one word more.
            starts = np.flatnonzero(
                place[: len(ngram)] + length <= num_words[sentence[: len(ngram)]]
            )
            pairs = ngram[starts] * num_words_known + words[starts + length - 1]
            different, found = np.unique(pairs, return_inverse=True)
            num_ngrams = len(different)
            ngram = np.full(len(words), -1, dtype=np.int64)
            ngram[starts] = found
        known = ngram >= 0
        keys = sentence[known] * max(num_ngrams, 1) + ngram[known]
        rows, count = np.unique(keys, return_counts=True)
        counts.append(
            NgramCounts(
                rows // max(num_ngrams, 1), rows % max(num_ngrams, 1), count, max(num_ngrams, 1)
            )
        )
    return counts
