"""Filter proposed objects by label, confidence, area, border, duplicates and nesting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.views.images.proposals import Proposal

ARTICLES = re.compile(r"^(?:(?:a|an|the|some|this|that|these|those|one|my|your|its)\s+)+", re.I)
SENTENCE = re.compile(
    r"\b(?:is|are|was|were|has|have|there|shows?|depicts?|stands?|sits?|lies|can be)\b", re.I
)
NESTED_FRACTION = 0.9
SAME_OBJECT_IOU = 0.85
"""Masks of different labels that overlap more than this are one object with two names."""


@dataclass(frozen=True)
class ProposalLimits:
    """What a proposed object must satisfy."""

    min_confidence: float
    min_mask_score: float
    min_pixels: int
    max_area_share: float
    max_border_sides: int
    duplicate_iou: float
    max_words: int
    max_objects: int
    exclude_labels: tuple[str, ...]


def clean_label(text: str) -> str:
    """Return a label as a phrase: one line, without articles, end marks and special tokens."""
    text = re.sub(r"<[^>]*>|##", "", text)
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = re.sub(r"\s+", " ", text).strip(" \t.,;:!?\"'")
    return ARTICLES.sub("", text).strip()


def label_rejection_reason(label: str, limits: ProposalLimits) -> str:
    """Return why a cleaned label names no object, '' if it names one."""
    if not any(letter.isalnum() for letter in label):
        return "label: empty"
    if len(label.split()) > limits.max_words or SENTENCE.search(label):
        return "label: a sentence, not a phrase"
    if label.lower() in limits.exclude_labels:
        return "label: excluded"
    return ""


def filter_proposals(
    proposals: Sequence[Proposal], *, content_area: int, limits: ProposalLimits
) -> list[Proposal]:
    """Return the proposals in order, each with the reason why it is rejected, or ''.

    `content_area` is that of the image without bars, in pixels. No proposal is dropped, so labels
    and masks stay aligned.
    """
    checked = []
    for proposal in proposals:
        proposal = replace(proposal, label=clean_label(proposal.label))
        reason = proposal.reason or _rejection_reason(proposal, content_area, limits)
        checked.append(replace(proposal, reason=reason))
    kept = [number for number, proposal in enumerate(checked) if not proposal.reason]
    # Highest score first; ties by index, so that the order never depends on the sort.
    kept.sort(key=lambda number: (-_ranking_score(checked[number]), number))
    kept = _without_duplicates(checked, kept, limits)
    kept = _without_nested(checked, kept)
    for number in kept[limits.max_objects :]:
        checked[number] = replace(checked[number], reason="count: more objects than max_objects")
    return checked


def _rejection_reason(proposal: Proposal, content_area: int, limits: ProposalLimits) -> str:
    """Return why a proposal is rejected on its own, '' if it is not."""
    mask = proposal.mask
    if reason := label_rejection_reason(proposal.label, limits):
        return reason
    if not np.isfinite(proposal.confidence) or proposal.confidence < limits.min_confidence:
        return "confidence: below min_confidence"
    if mask is None:
        return "mask: none was made"
    if np.isfinite(proposal.mask_score) and proposal.mask_score < limits.min_mask_score:
        return "mask: its score is below min_mask_score"
    pixels = int(np.count_nonzero(mask))
    if pixels < limits.min_pixels:
        return "area: smaller than min_pixels"
    if pixels > limits.max_area_share * content_area:
        return "area: larger than max_area_share"
    if border_sides(mask) > limits.max_border_sides:
        return "border: touches more sides of the picture than max_border_sides"
    return ""


def border_sides(mask: np.ndarray) -> int:
    """Return how many of the image's four sides a mask [h, w] touches."""
    return int(mask[0].any()) + int(mask[-1].any()) + int(mask[:, 0].any()) + int(mask[:, -1].any())


def _ranking_score(proposal: Proposal) -> float:
    score = proposal.mask_score if np.isfinite(proposal.mask_score) else 1.0
    return proposal.confidence * score


def _without_duplicates(
    checked: list[Proposal], kept: list[int], limits: ProposalLimits
) -> list[int]:
    """Keep the highest-scoring mask of each object; the others get a reason."""
    unique: list[int] = []
    for number in kept:
        other = next(
            (
                other
                for other in unique
                if iou(checked[number], checked[other])
                >= (
                    limits.duplicate_iou
                    if _same_label(checked[number], checked[other])
                    else max(SAME_OBJECT_IOU, limits.duplicate_iou)
                )
            ),
            None,
        )
        if other is None:
            unique.append(number)
        else:
            checked[number] = replace(checked[number], reason="duplicate: of a surer object")
    return unique


def _without_nested(checked: list[Proposal], kept: list[int]) -> list[int]:
    """Reject parts and groups among masks of one label.

    A mask that contains two or more of the same label is a group and is rejected; one that lies
    within a single other mask is a part of it and is rejected.
    """
    inside: dict[int, list[int]] = {number: [] for number in kept}
    for outer in kept:
        for inner in kept:
            if inner != outer and _same_label(checked[inner], checked[outer]):
                shared = np.count_nonzero(_mask(checked[inner]) & _mask(checked[outer]))
                size = np.count_nonzero(_mask(checked[inner]))
                if shared >= NESTED_FRACTION * size and size < np.count_nonzero(
                    _mask(checked[outer])
                ):
                    inside[outer].append(inner)
    groups = {outer for outer, parts in inside.items() if len(parts) >= 2}
    parts = {
        inner for outer, inners in inside.items() if outer not in groups for inner in inners
    } - groups
    for number in groups:
        checked[number] = replace(
            checked[number], reason="nesting: a group of objects with its label"
        )
    for number in parts:
        checked[number] = replace(checked[number], reason="nesting: a part of one with its label")
    return [number for number in kept if not checked[number].reason]


def iou(first: Proposal, second: Proposal) -> float:
    """Return intersection over union of two masks."""
    union = np.count_nonzero(_mask(first) | _mask(second))
    return np.count_nonzero(_mask(first) & _mask(second)) / union if union else 0.0


def _same_label(first: Proposal, second: Proposal) -> bool:
    return first.label.lower() == second.label.lower()


def _mask(proposal: Proposal) -> np.ndarray:
    assert proposal.mask is not None
    return proposal.mask
