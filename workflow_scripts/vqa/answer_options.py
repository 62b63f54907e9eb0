"""Wrong options of numeric multiple choice, sampled so that the options alone say nothing.

The questions of a family about a scene share a pool: their own true values, and values drawn in
the same proportions from what the views of the scene measure. The pool is permuted four times, in
rows of four values that differ clearly, by a procedure that treats all four alike; the first value
of a row is the truth of its question. So a value is as often wrong as it is right, and the truth
is first, second, third and last in size equally often. What a scene has too few different values
for is permuted once more, together with that of the other scenes of the shard.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.questions import Question
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import LETTERS, OPTIONS_SUFFIX
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.sampling import DropCounts

ValueAndSigma = tuple[float, float]

NO_OPTIONS = "too few values for clearly different options"
# A pool holds so many values at least and at most, and so many for each question.
MIN_POOL, MAX_POOL, VALUES_PER_QUESTION = 32, 512, 6
MAX_SWEEPS = 40
# Of one view and form so many values are kept.
MAX_KEPT = 48
# How finely the density of truths is compared with that of what is measured.
MAX_BINS, MIN_IN_BIN = 12, 4


@dataclass(frozen=True)
class NumericTruth:
    """The value that a question asks for, its sigma, and whether it is written in imperial."""

    family: Numeric
    value_and_sigma: ValueAndSigma
    imperial: bool


@dataclass(eq=False)
class PlausibleValues:
    """What the views of each scene measure of each family: (value, sigma) a view and form."""

    _kept: dict[tuple[str, str], list[tuple[FloatArray, FloatArray]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, family: Numeric, scene_id: str, value: FloatArray, sigma: FloatArray) -> None:
        """Add what a view of a scene measures of a family."""
        step = math.ceil(len(value) / MAX_KEPT)
        self._kept[family.name, scene_id].append((value[::step], sigma[::step]))

    def of(self, family: Numeric, scene_id: str) -> tuple[FloatArray, FloatArray]:
        """Return the values and sigmas of a family in a scene."""
        values, sigmas = zip(*self._kept[family.name, scene_id], strict=True)
        return np.concatenate(values), np.concatenate(sigmas)


@dataclass(frozen=True, eq=False)
class TruthDensity:
    """How much more often values are asked for than measured, by bins between truths.

    Which of the measured values questions ask for depends on forms, difficulties and what was
    asked already; wrong options that are drawn in the same proportions cannot be told from truths.
    """

    edges: FloatArray
    weight: FloatArray

    @classmethod
    def of(
        cls, truths: Mapping[str, Sequence[float]], measured: Mapping[str, FloatArray]
    ) -> "TruthDensity":
        """Compare the truths with the measured values of a family, both by scene."""
        values = np.sort([value for group in truths.values() for value in group])
        number = max(1, min(MAX_BINS, len(values) // MIN_IN_BIN))
        edges = np.quantile(values, np.linspace(0, 1, number + 1)[1:-1])
        true_counts = np.bincount(np.searchsorted(edges, values), minlength=number)
        counts = np.zeros(number)
        for scene_id, group in truths.items():
            bins = np.searchsorted(edges, measured[scene_id])
            counts += len(group) * np.bincount(bins, minlength=number) / len(bins)
        return cls(edges, true_counts / np.maximum(counts, 1e-9))

    def draw(
        self, values: FloatArray, sigmas: FloatArray, number: int, rng: np.random.Generator
    ) -> list[ValueAndSigma]:
        """Draw some of the measured values of a scene as often as questions ask for them."""
        weight = self.weight[np.searchsorted(self.edges, values)]
        rows = rng.choice(len(values), size=number, p=weight / weight.sum())
        return list(zip(values[rows].tolist(), sigmas[rows].tolist(), strict=True))


def add_options(
    questions: Sequence[Question],
    truths: dict[str, NumericTruth],
    plausible: PlausibleValues,
    margins: Margins,
    dropped: DropCounts,
    rng: np.random.Generator,
) -> list[Question]:
    """Return the questions, those of numeric multiple choice with options.

    `truths` are by question id. A question for which there are no clearly different values is left
    out and counted in `dropped`.
    """
    groups: dict[tuple[str, str], dict[str, list[Question]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for question in questions:
        if question.question_id in truths:
            groups[question.family, question.split][question.scene_id].append(question)
    wrong: dict[str, list[float]] = {}
    density = _densities(groups, truths, plausible)
    for _, scenes in sorted(groups.items()):
        remaining: dict[str, ValueAndSigma] = {}
        others: list[ValueAndSigma] = []
        for scene_id, group in sorted(scenes.items()):
            family = truths[group[0].question_id].family
            known = {
                question.question_id: truths[question.question_id].value_and_sigma
                for question in group
            }
            number = max(MIN_POOL, VALUES_PER_QUESTION * len(known)) - len(known)
            measured = plausible.of(family, scene_id)
            drawn = density[family.name].draw(*measured, number, rng)
            found, unused = draw_option_values(family, known, drawn, margins, rng)
            wrong |= found
            remaining |= {name: known[name] for name in known if name not in found}
            others += unused
        wrong |= draw_option_values(family, remaining, others, margins, rng)[0]
    finished = []
    for question in questions:
        truth = truths.get(question.question_id)
        if truth is None:
            finished.append(question)
        elif question.question_id in wrong:
            finished.append(_with_options(question, truth, wrong[question.question_id]))
        else:
            dropped[question.family, question.form, NO_OPTIONS] += 1
    return finished


def _densities(
    groups: Mapping[tuple[str, str], Mapping[str, Sequence[Question]]],
    truths: Mapping[str, NumericTruth],
    plausible: PlausibleValues,
) -> dict[str, TruthDensity]:
    """Return for each family, over all splits, how often its values are asked for."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    measured: dict[str, dict[str, FloatArray]] = defaultdict(dict)
    for (name, _), scenes in groups.items():
        for scene_id, group in scenes.items():
            known = [truths[question.question_id] for question in group]
            values[name][scene_id] += [one.value_and_sigma[0] for one in known]
            measured[name][scene_id] = plausible.of(known[0].family, scene_id)[0]
    return {name: TruthDensity.of(values[name], measured[name]) for name in values}


def _with_options(question: Question, truth: NumericTruth, wrong: Sequence[float]) -> Question:
    write = truth.family.write
    values = [*wrong]
    values.insert(LETTERS.index(str(question.truth)), truth.value_and_sigma[0])
    options = [write(value, imperial=truth.imperial)[0] for value in values]
    slots = {f"option{place}": text for place, text in enumerate(options, 1)}
    return question.model_copy(
        update={
            "question": question.question + OPTIONS_SUFFIX.format(**slots),
            "options": options,
        }
    )


def draw_option_values(
    family: Numeric,
    truths: Mapping[str, ValueAndSigma],
    others: Sequence[ValueAndSigma],
    margins: Margins,
    rng: np.random.Generator,
) -> tuple[dict[str, list[float]], list[ValueAndSigma]]:
    """Return three wrong values for truths of a family by question, where there are some.

    Also those of the other values for which there were none, as if questions asked for them.
    """
    names = [list(truths)[place] for place in rng.permutation(len(truths)).tolist()]
    parts = math.ceil(VALUES_PER_QUESTION * len(names) / MAX_POOL)
    found: dict[str, list[float]] = {}
    unused: list[ValueAndSigma] = []
    shuffled = [others[place] for place in rng.permutation(len(others)).tolist()]
    for part in range(parts):
        question_names = names[part::parts]
        pool = [truths[name] for name in question_names]
        pool += shuffled[part::parts][: MAX_POOL - len(pool)]
        values, sigmas = np.array(pool).T
        rows = draw_option_rows(~clearly_different(family, values, sigmas, margins), rng)
        for place, row in enumerate(rows):
            if place < len(question_names) and row is not None:
                found[question_names[place]] = values[list(row)].tolist()
            elif place >= len(question_names) and row is None:
                unused.append(pool[place])
    return found, unused


def clearly_different(
    family: Numeric, values: FloatArray, sigmas: FloatArray, margins: Margins
) -> np.ndarray:
    """Say of each two values [n, n] whether nobody who measures well would take one for the other.

    Sizes and areas differ by the ratio of the margins, distances by their metres too, angles by
    their degrees, hours by two; all by their sigmas and in what is printed.
    """
    apart = np.abs(family.error(values[:, None], values[None, :]))
    both = margins.sigmas * np.hypot(sigmas[:, None], sigmas[None, :])
    if family.is_clock:
        needed = np.maximum(both, 45.0)
    elif family.unit == "deg":
        needed = np.maximum(both, margins.degrees)
    else:
        needed = np.maximum(both, margins.ratio * np.minimum(values[:, None], values[None, :]))
        if not family.is_size:
            needed = np.maximum(needed, margins.metres)
    different: np.ndarray = apart >= np.maximum(needed, 1e-9)
    for imperial in (False, True):
        texts = np.array([family.write(value, imperial=imperial)[0] for value in values.tolist()])
        different &= texts[:, None] != texts[None, :]
    return different


def draw_option_rows(
    clash: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[int, int, int] | None]:
    """Yield for each of n values three others that clash neither with it nor with one another.

    `clash` [n, n] says which two may not stand together. Four permutations of the values are the
    columns of a table, whose rows are mended by swaps within a column, of any column alike: so no
    column, and no value's being the first, can be told from the others. None where a row could not
    be mended.
    """
    number = len(clash)
    clashes = clash.tolist()
    table = np.stack([rng.permutation(number) for _ in LETTERS], axis=1).tolist()

    def faults(row: list[int]) -> int:
        a, b, c, d = row
        of_a, of_b = clashes[a], clashes[b]
        return int(of_a[b] + of_a[c] + of_a[d] + of_b[c] + of_b[d] + clashes[c][d])

    for _ in range(MAX_SWEEPS):
        bad = [place for place, row in enumerate(table) if faults(row)]
        if not bad:
            break
        columns = rng.integers(len(LETTERS), size=len(bad)).tolist()
        others = rng.integers(number, size=len(bad)).tolist()
        for place, column, other in zip(bad, columns, others, strict=True):
            one, two = table[place], table[other]
            before = faults(one) + faults(two)
            one[column], two[column] = two[column], one[column]
            if faults(one) + faults(two) > before:
                one[column], two[column] = two[column], one[column]
    by_first = {row[0]: row for row in table}
    for value in range(number):
        _, b, c, d = row = by_first[value]
        yield None if faults(row) else (b, c, d)
