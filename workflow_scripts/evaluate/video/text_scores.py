"""Text metrics of captions and answers under the named protocols."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.scan_samples import ScanPrediction
from workflow_scripts.evaluate.video import answer_metrics, protocols
from workflow_scripts.evaluate.video.caption_metrics import (
    BLEU_LONGEST,
    bleu_counts,
    corpus_cider_d,
    rouge_l,
)
from workflow_scripts.evaluate.video.grounding_metrics import THRESHOLDS, gated_texts
from workflow_scripts.evaluate.video.grounding_scores import truth_boxes
from workflow_scripts.evaluate.video.ngrams import read_corpus
from workflow_scripts.evaluate.video.protocols import PROTOCOLS, Protocol
from workflow_scripts.evaluate.video.sample_scores import (
    BleuScores,
    CorpusScore,
    MeanScores,
    SampleScores,
    mean_scores,
)
from workflow_scripts.evaluate.video.scan_metrics import ANSWER_PROTOCOLS, CAPTION_PROTOCOLS
from workflow_scripts.evaluate.video.scored_samples import ScoredSamples
from workflow_scripts.geometry.aligned_boxes import box_iou

GATE = THRESHOLDS[1]
# A reply in a loop can be of any length; what is read of it is enough to be wrong.
MAX_CHARACTERS = 20_000


def reply_text(prediction: ScanPrediction) -> str:
    """Return the text that is scored: '' without an answer, and no more than is read."""
    return "" if prediction.reason else prediction.text[:MAX_CHARACTERS]


def caption_scores(
    scored: ScoredSamples, predictions: Sequence[ScanPrediction], *, java: bool
) -> dict[str, SampleScores]:
    """Return every metric of captions of one data set; `java` for METEOR.

    A caption is scored where a proposal has IoU >= 0.5 with its object, else it is empty, beside
    its own references.
    """
    ious = np.array(
        [
            best_iou(truth_boxes(sample), proposals.boxes)
            for sample, proposals in zip(scored.samples, scored.proposals, strict=True)
        ]
    )
    texts = gated_texts([*map(reply_text, predictions)], ious.tolist(), GATE)
    references = [sample.answers or [sample.answer] for sample in scored.samples]
    scores: dict[str, SampleScores] = {}
    for name in CAPTION_PROTOCOLS:
        measured = text_metrics(texts, references, PROTOCOLS[name], java=java)
        for metric, values in measured.items():
            scores[f"{name}_{metric}_iou50"] = values
            if isinstance(values, MeanScores):
                strict = np.where(ious >= GATE, values.values, 0.0)
                scores[f"strict_{name}_{metric}_iou50"] = MeanScores(strict)
    return scores


def best_iou(truth: np.ndarray, proposals: np.ndarray) -> float:
    """Return the largest IoU of a true box [1, 6] with proposals [p, 6]; 0 without either."""
    if not len(truth) or not len(proposals):
        return 0.0
    return float(box_iou(truth[:1], proposals).max())


def answer_scores(
    scored: ScoredSamples, predictions: Sequence[ScanPrediction], *, java: bool
) -> dict[str, SampleScores]:
    """Return every metric of answers in words of one data set; `java` for METEOR and PTB."""
    texts = [*map(reply_text, predictions)]
    references = [sample.answers or [sample.answer] for sample in scored.samples]
    scores: dict[str, SampleScores] = {}
    for name in ANSWER_PROTOCOLS:
        protocol = PROTOCOLS[name]
        scores |= mean_scores(_exact(name, texts, references, protocol))
        if protocol.is_tokenized and not java:
            continue
        measured = text_metrics(texts, references, protocol, java=java)
        scores |= {f"{name}_{metric}": values for metric, values in measured.items()}
    ours = PROTOCOLS["answers"]
    cleaned = [ours.clean(text) for text in texts]
    known = [[ours.clean(text) for text in accepted] for accepted in references]
    pairs = [*zip(cleaned, known, strict=True)]
    return scores | mean_scores(
        {
            # A text of signs alone is cleaned away, and says nothing.
            "answers_em": [
                float(bool(text) and answer_metrics.exact_match(text, accepted))
                for text, accepted in pairs
            ],
            "answers_contained": [
                float(answer_metrics.contained_match(text, accepted)) for text, accepted in pairs
            ],
        }
    )


def _exact(
    name: str, texts: Sequence[str], references: Sequence[Sequence[str]], protocol: Protocol
) -> dict[str, list[float]]:
    """Return EM, and refined EM where the protocol has it."""
    pairs = [
        (protocol.clean(text), [protocol.clean(one) for one in accepted])
        for text, accepted in zip(texts, references, strict=True)
    ]
    if name == "leo":
        both = [answer_metrics.refined_exact_match_leo(text, known) for text, known in pairs]
        return {
            "leo_em": [float(exact) for exact, _ in both],
            "leo_refined_em": [float(refined) for _, refined in both],
        }
    columns = {f"{name}_em": [float(answer_metrics.exact_match(*pair)) for pair in pairs]}
    if name == "llava3d":
        columns["llava3d_refined_em"] = [
            float(answer_metrics.refined_exact_match_llava3d(*pair)) for pair in pairs
        ]
    return columns


def text_metrics(
    texts: Sequence[str], references: Sequence[Sequence[str]], protocol: Protocol, *, java: bool
) -> dict[str, SampleScores]:
    """Return BLEU, ROUGE-L, CIDEr-D and, with Java, METEOR of texts under a protocol."""
    flat = protocol.prepare([*texts, *(text for known in references for text in known)])
    answers, rest = flat[: len(texts)], iter(flat[len(texts) :])
    prepared = [[next(rest) for _ in known] for known in references]
    corpus = read_corpus(answers, prepared, longest=BLEU_LONGEST)
    counts = bleu_counts(corpus)
    scores: dict[str, SampleScores] = {
        f"bleu_{longest}": BleuScores(counts, longest) for longest in range(1, BLEU_LONGEST + 1)
    }
    scores["rouge_l"] = MeanScores(rouge_l(answers, prepared))
    scores["cider_d"] = MeanScores(corpus_cider_d(corpus))
    if java:
        value = protocols.meteor(answers, prepared)
        scores["meteor"] = CorpusScore(value, np.ones(len(texts), dtype=bool))
    return scores
