"""The metrics of R2D3 on rooms whose objects are called by phrases, as published and corrected.

Published: a phrase stands for the known phrase whose embedding is nearest, and so for its class and
assets; objects are counted from `obj_1` on, so that `obj_0` never counts; classes, places and poses
are compared as in `r2d3_metrics.py`. An asset that a program names stands for its caption, as in
the published metrics of asset ids with captions. Lines `name at location (x, y, z)`, which have no
key, are all read, and no pose is. Corrected: every object counts, phrases are
compared but for case, signs and articles, and similarities are of pairs of a category within 1 m.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from workflow_scripts.evaluate.reconstruction.categories import normalised_phrase
from workflow_scripts.evaluate.reconstruction.matching import match_within, same_class
from workflow_scripts.evaluate.reconstruction.r2d3_corrected import multiset_f1
from workflow_scripts.evaluate.reconstruction.r2d3_metrics import (
    NamedObjects,
    Values,
    class_positions,
    scale_cm,
)
from workflow_scripts.evaluate.reconstruction.room_pair import RoomPair
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.layouts.layout import RoomLayout
from workflow_scripts.layouts.r2d3 import FIRST_OBJECT

PERCENT = 100.0
PHRASE_METRICS = {
    f"Object{what}{kind}": f"phrase_{what.lower()}_{kind.lower()}"
    for what in ("Location", "Pose")
    for kind in ("Acc", "Error")
}
PAIR_M = 1.0


class Embedder(Protocol):
    """Turns phrases into vectors."""

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return a vector of length 1 for each text [n, d]."""


@dataclass(frozen=True)
class KnownPhrases:
    """Phrases, with the class that each stands for and the assets that are called so.

    `phrase_of` is what an asset is called most often.
    """

    phrases: tuple[str, ...]
    class_of: Mapping[str, str]
    assets_of: Mapping[str, tuple[str, ...]]
    phrase_of: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, objects: Iterable[tuple[str, str, str]]) -> "KnownPhrases":
        """Return the phrases of objects (phrase, class, asset); the commonest class of each."""
        classes: dict[str, Counter[str]] = defaultdict(Counter)
        assets: dict[str, set[str]] = defaultdict(set)
        called: dict[str, Counter[str]] = defaultdict(Counter)
        for phrase, label, asset in objects:
            classes[phrase][label] += 1
            called[asset][phrase] += 1
            assets[phrase].add(asset)
        return cls(
            tuple(sorted(classes)),
            {phrase: _commonest(found) for phrase, found in classes.items()},
            {phrase: tuple(sorted(found)) for phrase, found in assets.items()},
            {asset: _commonest(found) for asset, found in called.items()},
        )


def _commonest(counts: Mapping[str, int]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def target_phrases(pair: RoomPair) -> tuple[str, ...]:
    """Return what the objects are called by that an answer is to say."""
    pairs = zip(pair.true.phrases, pair.true.is_target, strict=True)
    return tuple(phrase for phrase, is_target in pairs if is_target)


class LanguageMetrics:
    """Measures rooms by their phrases; without an embedder only the corrected ones of words."""

    def __init__(self, known: KnownPhrases, embedder: Embedder | None) -> None:
        self._known = known
        self._embedder = embedder
        self._vectors: dict[str, FloatArray] = {}
        self._nearest: dict[str, str] = {}
        if embedder is not None:
            self._known_vectors = self._embed(known.phrases)

    def published(self, pair: RoomPair) -> Values:
        """Return the published values of one room; nothing without an embedder."""
        if self._embedder is None:
            return {}
        layout = pair.predicted.layout
        is_read = [box.key != FIRST_OBJECT for box in layout.boxes]
        phrases = tuple(compress(self._written(pair), is_read))
        values: Values = {"JSONAccuracy": [float(bool(phrases))]}
        if not phrases:
            return values
        read = RoomLayout(frame=layout.frame, boxes=tuple(compress(layout.boxes, is_read)))
        true, predicted = (
            self._named(layout, names)
            for layout, names in ((pair.true.target, target_phrases(pair)), (read, phrases))
        )
        for phrase in dict.fromkeys(true.names):
            is_found = self._class_of(phrase) in predicted.classes
            values.setdefault("phrase_class_acc", []).append(float(is_found))
            error = abs(true.names.count(phrase) - predicted.names.count(phrase))
            values.setdefault("phrase_count_error", []).append(float(error))
        found = class_positions(true, predicted, scale_cm(pair.true.target))
        for _, metric, value in found:
            values.setdefault(PHRASE_METRICS[metric], []).append(value)
        values["ObjectAttrSim"] = self._matched_similarity(true, predicted)
        values["phrase_finegrain_f1"] = [self._finegrain_f1(true.names, predicted.names)]
        return values

    def corrected(self, pair: RoomPair) -> Values:
        """Return the corrected values of one room."""
        true, predicted = pair.true.target, pair.predicted.layout
        phrases, written = target_phrases(pair), self._written(pair)
        values: Values = {}
        if phrases or written:
            lists = (map(normalised_phrase, texts) for texts in (phrases, written))
            values["corrected_phrase_f1"] = [multiset_f1(*lists)]
        if self._embedder is not None and phrases and written:
            boxes, others = true.oriented_boxes, predicted.oriented_boxes
            allowed = same_class(
                [box.label for box in true.boxes], [box.label for box in predicted.boxes]
            )
            pairs = match_within(cdist(boxes.centre_m, others.centre_m), allowed, PAIR_M)
            values["corrected_phrase_similarity"] = self._similarity(
                [phrases[i] for i in pairs.true],
                [written[j] for j in pairs.predicted],
            )
        return values

    def _written(self, pair: RoomPair) -> tuple[str, ...]:
        """Return the phrases of predicted objects: as written, or the caption of the asset."""
        objects = zip(pair.predicted.layout.boxes, pair.predicted.phrases, strict=True)
        called = self._known.phrase_of
        return tuple(called.get(box.asset_id, phrase) for box, phrase in objects)

    def _named(self, layout: RoomLayout, phrases: Sequence[str]) -> NamedObjects:
        self._embed(phrases)
        plain = NamedObjects.of(layout)
        classes = tuple(self._class_of(phrase) for phrase in phrases)
        return NamedObjects(tuple(phrases), classes, plain.centre_cm, plain.yaw_deg)

    def _class_of(self, phrase: str) -> str:
        return self._known.class_of[self._nearest_known(phrase)]

    def _nearest_known(self, phrase: str) -> str:
        if phrase not in self._nearest:
            cosines = self._known_vectors @ self._embed([phrase])[0]
            self._nearest[phrase] = self._known.phrases[int(np.argmax(cosines))]
        return self._nearest[phrase]

    def _matched_similarity(self, true: NamedObjects, predicted: NamedObjects) -> list[float]:
        """Return the similarity of the pairs of every class that both have, by least distances."""
        of_predicted = predicted.members()
        similar = []
        for label, members in true.members().items():
            if label in of_predicted:
                others = of_predicted[label]
                cost = cdist(true.centre_cm[members], predicted.centre_cm[others])
                rows, columns = linear_sum_assignment(cost)
                similar += self._similarity(
                    [true.names[i] for i in members[rows]],
                    [predicted.names[j] for j in others[columns]],
                )
        return similar

    def _similarity(self, phrases: Sequence[str], others: Sequence[str]) -> list[float]:
        if not phrases:
            return []
        cosines = np.einsum("nd,nd->n", self._embed(phrases), self._embed(others))
        values: list[float] = (PERCENT * cosines).tolist()
        return values

    def _finegrain_f1(self, true: Sequence[str], predicted: Sequence[str]) -> float:
        """Return the F1, by membership, of the assets that the phrases of two lists stand for."""
        assets, others = (
            [
                asset
                for phrase in phrases
                for asset in self._known.assets_of[self._nearest_known(phrase)]
            ]
            for phrases in (true, predicted)
        )
        precision = float(np.mean([asset in assets for asset in others])) if others else 0.0
        recall = float(np.mean([asset in others for asset in assets])) if assets else 0.0
        total = precision + recall
        return 2 * precision * recall / total if total else 0.0

    def _embed(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of texts; each is embedded once."""
        assert self._embedder is not None
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self._embedder.embed(new), strict=True))
        return np.array([self._vectors[text] for text in texts]).reshape(len(texts), -1)
