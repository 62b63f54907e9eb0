"""BLEU, ROUGE-L and CIDEr-D of answers with several references.

Definitions are those of the COCO caption evaluation (Chen et al. 2015), which the literature on
3D scans reports: the published names are equal to them to 1e-9. Sentences are taken as they are:
what is lower-cased, split off or put around them is a protocol's matter (`protocols.py`).
"""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.evaluate.video.ngrams import Corpus, NgramCounts, read_corpus

BLEU_LONGEST = 4
CIDER_LENGTH_SIGMA = 6.0
ROUGE_BETA = 1.2
# They keep BLEU defined where no n-gram occurs.
_TINY, _SMALL = 1e-15, 1e-9


def bleu(answers: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return BLEU-1 to BLEU-4 of a corpus, f64 [4] (Papineni et al. 2002).

    Counts are summed over the corpus; the reference length of an answer is that of the reference
    that is closest in length, of two the shorter one.
    """
    return corpus_bleu(read_corpus(answers, references, longest=BLEU_LONGEST))


def corpus_bleu(corpus: Corpus) -> np.ndarray:
    """Return BLEU-1 to BLEU-4 of a corpus that is read, f64 [4]."""
    return bleu_of_counts(bleu_counts(corpus).sum(axis=0))


def bleu_counts(corpus: Corpus) -> np.ndarray:
    """Return what BLEU adds up of every answer, f64 [n, 10].

    Columns are the right n-grams of length 1 to 4, all of those lengths, the words of the answer,
    and the words of the reference that is closest in length, of two the shorter one.
    """
    answer_words = corpus.num_words[corpus.is_answer]
    reference_words = corpus.num_words[~corpus.is_answer]
    owner = corpus.owner[~corpus.is_answer]
    difference = np.abs(reference_words - answer_words[owner])
    order = np.lexsort((reference_words, difference, owner))
    first = order[np.append(True, owner[order][1:] != owner[order][:-1])[: len(order)]]
    correct = [_clipped_matches(corpus, counts) for counts in corpus.counts[:BLEU_LONGEST]]
    guesses = [np.maximum(answer_words - index, 0) for index in range(BLEU_LONGEST)]
    columns = [*correct, *guesses, answer_words, reference_words[first]]
    return np.stack(columns, axis=1).astype(np.float64)


def bleu_of_counts(counts: np.ndarray) -> np.ndarray:
    """Return BLEU-1 to BLEU-4 f64 [..., 4] of sums [..., 10] of what `bleu_counts` returns."""
    correct, guesses = counts[..., :BLEU_LONGEST], counts[..., BLEU_LONGEST : 2 * BLEU_LONGEST]
    precision = np.cumprod((correct + _TINY) / (guesses + _SMALL), axis=-1)
    scores = precision ** (1 / np.arange(1, BLEU_LONGEST + 1))
    ratio = (counts[..., -2] + _TINY) / (counts[..., -1] + _SMALL)
    penalty = np.exp(np.minimum(1 - 1 / ratio, 0.0))
    result: np.ndarray = scores * penalty[..., None]
    return result


def cider_d(answers: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return CIDEr-D of every answer, f64 [n]; the corpus score is the mean (Vedantam et al. 2015).

    How rare an n-gram is follows from the references of these samples, so scores of a part of a
    data set are not comparable with those of the whole. Reports multiply by 100.
    """
    return corpus_cider_d(read_corpus(answers, references, longest=BLEU_LONGEST))


def corpus_cider_d(corpus: Corpus) -> np.ndarray:
    """Return CIDEr-D of every answer of a corpus that is read, f64 [n]."""
    num_samples = corpus.num_samples
    is_reference = ~corpus.is_answer
    # The length of a sentence is counted in pairs of words.
    pairs = np.maximum(corpus.num_words - 1, 0)
    answer_of = np.flatnonzero(corpus.is_answer)[corpus.owner]
    delta = (pairs[answer_of] - pairs).astype(float)
    likeness = np.zeros(len(corpus.owner))
    for counts in corpus.counts:
        weights = counts.count * _rarity(corpus, counts, num_samples)
        squares = np.bincount(counts.sentence, weights * weights, minlength=len(corpus.owner))
        norms = np.sqrt(squares)
        in_reference = is_reference[counts.sentence]
        answer_keys = counts.select(~in_reference).keys(corpus.owner)
        rows = counts.select(in_reference)
        place, is_common = _find(answer_keys, rows.keys(corpus.owner))
        reference_weights = weights[in_reference][is_common]
        answer_weights = weights[~in_reference][place[is_common]]
        products = np.minimum(answer_weights, reference_weights) * reference_weights
        total = np.bincount(rows.sentence[is_common], products, minlength=len(corpus.owner))
        scale = norms * norms[answer_of]
        likeness += np.divide(total, scale, out=np.zeros_like(scale), where=scale > 0)
    likeness *= np.exp(-(delta**2) / (2 * CIDER_LENGTH_SIGMA**2)) / len(corpus.counts)
    owner = corpus.owner[is_reference]
    sums = np.bincount(owner, likeness[is_reference], minlength=num_samples)
    scores: np.ndarray = 10 * sums / np.bincount(owner, minlength=num_samples)
    return scores


def rouge_l(answers: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return ROUGE-L of every answer, f64 [n]; the corpus score is the mean (Lin 2004).

    The largest precision and the largest recall over the references are taken, each for itself.
    As published, sentences are split at single blanks: two blanks hold an empty word.
    """
    return np.array(
        [_rouge_l(answer, texts) for answer, texts in zip(answers, references, strict=True)]
    )


def _rouge_l(answer: str, references: Sequence[str]) -> float:
    words = answer.split(" ")
    # Bit i of a word's mask says that it is word i of the answer.
    masks: dict[str, int] = {}
    for place, word in enumerate(words):
        masks[word] = masks.get(word, 0) | 1 << place
    everything = (1 << len(words)) - 1
    precision = recall = 0.0
    for reference in references:
        other = reference.split(" ")
        common = _common_length(masks, everything, other)
        precision = max(precision, common / len(words))
        recall = max(recall, common / len(other))
    if precision == 0 or recall == 0:
        return 0.0
    beta = ROUGE_BETA**2
    return (1 + beta) * precision * recall / (recall + beta * precision)


def _common_length(masks: dict[str, int], everything: int, words: Sequence[str]) -> int:
    """Return the length of the longest common subsequence (bit-parallel: Hyyro 2004)."""
    row = everything
    for word in words:
        matches = row & masks.get(word, 0)
        row = ((row + matches) | (row - matches)) & everything
    return (everything & ~row).bit_count()


def _clipped_matches(corpus: Corpus, counts: NgramCounts) -> np.ndarray:
    """Return how many n-grams of answers are in a reference, each as often as there at most [n]."""
    in_reference = ~corpus.is_answer[counts.sentence]
    rows = counts.select(in_reference)
    keys = rows.keys(corpus.owner)
    order = np.lexsort((rows.count, keys))
    keys, most = keys[order], rows.count[order]
    last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
    keys, most = keys[last], most[last]
    answers = counts.select(~in_reference)
    place, is_common = _find(keys, answers.keys(corpus.owner))
    matches = np.minimum(answers.count[is_common], most[place[is_common]])
    owner = corpus.owner[answers.sentence[is_common]]
    return np.bincount(owner, matches, minlength=corpus.num_samples)


def _rarity(corpus: Corpus, counts: NgramCounts, num_samples: int) -> np.ndarray:
    """Return log(samples / samples whose references have the n-gram) for each row of counts."""
    rows = counts.select(~corpus.is_answer[counts.sentence])
    keys = np.unique(rows.keys(corpus.owner))
    frequency = np.bincount(keys % counts.num_ngrams, minlength=counts.num_ngrams)
    rarity = np.log(float(num_samples)) - np.log(np.maximum(frequency, 1))
    result: np.ndarray = rarity[counts.ngram]
    return result


def _find(known: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where `wanted` stand in the sorted `known`, and which do."""
    place = np.searchsorted(known, wanted)
    place[place == len(known)] = 0
    if not len(known):
        return place, np.zeros(len(wanted), dtype=bool)
    return place, known[place] == wanted
