"""Audit the questions of a run: what can be answered without the picture, what cannot be seen.

Writes `results/vqa/audit_questions.csv` and a page that shows it. Solvability is measured by
readers that are fitted on other scenes (`vqa/solvability.py`); the rest is counted.
"""

import html
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from workflow_scripts.common.cli import run
from workflow_scripts.common.questions import Question, read_questions
from workflow_scripts.common.records import Record, records_to_frame
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import ClaritySettings
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.solvability import answer_from_options, answer_from_words
from workflow_scripts.vqa.view_overlap import MIN_COMMON_OBJECTS, MIN_OVERLAP, seen_share

log = logging.getLogger(__name__)

NAN = float("nan")
ALL = "all"
# An object hangs or is sunk in if it is further than this above or below what carries it.
MAX_ABOVE_M, MAX_BELOW_M = 0.03, 0.02
TITLES = {
    "words": "answered from the words alone",
    "options": "answered from the options alone",
    "no_common_object": "pairs of views without a common object",
    "little_overlap": "pairs of views that share less than three objects and a fifth of a surface",
    "hanging": "well-seen objects that hang above what carries them, or are sunk in",
    "unclear_contact": "well-seen objects whose contact with their parent is not known",
    "near_repeats": "questions of a family about the same objects of the same view",
    "commonest_answer": "questions with the commonest answer of their kind",
}


class QuestionAuditRow(Record):
    """One row of `results/vqa/audit_questions.csv`: a measure, over a family or over all."""

    measure: str = Field(description="; ".join(f"{name}: {text}" for name, text in TITLES.items()))
    family: str
    kind: str = Field(description="of the questions, '' for all")
    form: str = Field(description="named or pointing, '' for all")
    n: int = Field(description="questions, pairs or objects that the share is of")
    num_scenes: int
    share: float
    low: float = Field(description="95 % bootstrap interval over scenes")
    high: float
    chance: float = Field(description="what guessing scores: one of the choices, the median number")


class Shares:
    """Collects yes or no by scene for each row of the table."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], list[tuple[str, float, float]]] = defaultdict(list)

    def add(
        self, key: tuple[str, str, str, str], scene_id: str, value: float, chance: float = NAN
    ) -> None:
        """Count a question, pair or object; `key` is (measure, family, kind, form)."""
        self._values[key].append((scene_id, value, chance))

    def rows(self, *, resamples: int, seed: int) -> list[QuestionAuditRow]:
        """Return the rows in order of measures, of each the largest excess over chance first."""
        rows = []
        for key, values in self._values.items():
            scenes, right, chance = zip(*values, strict=True)
            rng = seeded(seed, "audit questions", *key)
            low, high = _interval(np.array(scenes), np.array(right), resamples=resamples, rng=rng)
            rows.append(
                QuestionAuditRow(
                    measure=key[0], family=key[1], kind=key[2], form=key[3], n=len(values),
                    num_scenes=len(set(scenes)), share=float(np.mean(right)), low=low, high=high,
                    chance=float(np.mean(chance)),
                )
            )  # fmt: skip
        order = list(TITLES)
        return sorted(
            rows,
            key=lambda row: (
                order.index(row.measure),
                row.family != ALL,
                -(row.share - (0.0 if np.isnan(row.chance) else row.chance)),
                row.family,
                row.kind,
                row.form,
            ),
        )


def _interval(
    scenes: np.ndarray, values: FloatArray, *, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the mean over resampled scenes."""
    _, place = np.unique(scenes, return_inverse=True)
    sums, counts = np.bincount(place, weights=values), np.bincount(place)
    drawn = rng.integers(len(counts), size=(resamples, len(counts)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def add_solvability(questions: Sequence[Question], shares: Shares) -> None:
    """Measure what readers without the picture get right, by family, kind and form."""
    for measure, answers in (
        ("words", answer_from_words(questions)),
        ("options", answer_from_options(questions)),
    ):
        for row in np.flatnonzero(np.isfinite(answers.right)).tolist():
            one, right, chance = questions[row], answers.right[row], answers.chance[row]
            form = "named" if one.form == "named" else "pointing"
            for key in ((one.family, one.kind, form), (ALL, "", "")):
                shares.add((measure, *key), one.scene_id, right, chance)


def add_repeats_and_balance(questions: Sequence[Question], shares: Shares) -> None:
    """Count near-repeats, and how often the commonest answer of choices with fixed answers is."""
    seen: set[tuple[object, ...]] = set()
    answers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in questions:
        instances = tuple(sorted(referent.instance for referent in one.referents))
        key = (one.source, one.view_id, one.family, one.kind, instances)
        is_repeat = bool(instances) and key in seen
        seen.add(key)
        shares.add(("near_repeats", ALL, "", ""), one.scene_id, is_repeat)
        answers[one.family, one.kind][_answer(one)] += 1
    commonest = {
        key: max(sorted(counts), key=counts.__getitem__) for key, counts in answers.items()
    }
    for one in questions:
        answer, chance = _answer(one), 1 / max(len(one.choices), 1)
        if one.choices and answer:
            is_commonest = answer == commonest[one.family, one.kind]
            row = ("commonest_answer", one.family, str(one.kind), "")
            shares.add(row, one.scene_id, is_commonest, chance)


def _answer(question: Question) -> str:
    """Return the answer, of a choice between objects the place of mention."""
    if question.kind == "which" and question.truth in question.choices and question.referents:
        return f"choice {question.choices.index(str(question.truth))}"
    return str(question.truth) if question.answer_type in ("choice", "multiple_choice") else ""


def add_pairs(questions: Sequence[Question], shards: Sequence[ViewShard], shares: Shares) -> None:
    """Measure of the pairs of views that questions are about what both show."""
    pairs = {(one.source, one.view_id): one.scene_id for one in questions if len(one.images) == 2}
    for shard in shards:
        source = str(shard.group.attrs["source"])
        views = dict(zip(shard.views["view_id"], shard.views["view"].tolist(), strict=True))
        objects = shard.objects
        is_object = set(
            zip(*(objects[objects["kind"] == "object"][c] for c in ("scene_id", "instance")),
                strict=True)
        )  # fmt: skip
        shown: dict[int, set[int]] = defaultdict(set)
        for row in shard.visibility.itertuples(index=False):
            if (row.scene_id, row.instance) in is_object:
                shown[row.view].add(row.instance)
        for (of_source, name), scene_id in sorted(pairs.items()):
            one, _, other = name.partition("+")
            if of_source != source or one not in views or other not in views:
                continue
            first, second = views[one], views[other]
            common = len(shown[first] & shown[second])
            shares.add(("no_common_object", ALL, "", ""), scene_id, common == 0)
            overlap = 1.0
            if common < MIN_COMMON_OBJECTS and "depth_m" in shard.group:
                overlap = max(seen_share(shard, first, second), seen_share(shard, second, first))
            shares.add(("little_overlap", ALL, "", ""), scene_id, overlap < MIN_OVERLAP)


def add_contacts(shards: Sequence[ViewShard], settings: ClaritySettings, shares: Shares) -> None:
    """Measure how far well-seen objects are drawn from the surface that carries them."""
    for shard in shards:
        if "contact" not in shard.objects:
            continue
        visible = shard.visibility
        well_seen = visible[
            (visible["pixels"] >= settings.min_pixels)
            & (visible["fraction_visible"] >= settings.min_fraction_visible)
        ]
        keys = set(zip(well_seen["scene_id"], well_seen["instance"], strict=True))
        for row in shard.objects[shard.objects["contact"] != ""].itertuples(index=False):
            if (row.scene_id, row.instance) not in keys:
                continue
            is_unclear = row.contact == "unclear"
            shares.add(("unclear_contact", ALL, "", ""), row.scene_id, is_unclear)
            if not is_unclear:
                above_m = row.z_m - row.height_m / 2 - row.support_z_m
                hangs = not -MAX_BELOW_M <= above_m <= MAX_ABOVE_M
                shares.add(("hanging", ALL, "", ""), row.scene_id, hangs)


def page(rows: Sequence[QuestionAuditRow]) -> str:
    """Return the page: a table for each measure."""
    return "".join(_page_parts(rows))


def _page_parts(rows: Sequence[QuestionAuditRow]) -> Iterator[str]:
    yield (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Audit of questions</title>'
        "<style>body{font:15px sans-serif;margin:2em;max-width:60em}table{border-collapse:"
        "collapse}td,th{padding:2px 10px;text-align:right}td:first-child,th:first-child"
        "{text-align:left}tr:nth-child(even){background:#f4f4f4}</style>"
        "<h1>Audit of questions</h1>"
    )
    by_measure: dict[str, list[QuestionAuditRow]] = defaultdict(list)
    for row in rows:
        by_measure[row.measure].append(row)
    for measure, title in TITLES.items():
        yield f"<h2>{html.escape(title.capitalize())}</h2>"
        if not by_measure[measure]:
            yield "<p>Nothing of the kind in this run.</p>"
            continue
        yield (
            "<table><tr><th>family<th>kind<th>form<th>n<th>scenes<th>%<th>95 % interval"
            "<th>chance %</tr>"
        )
        for row in by_measure[measure]:
            chance = "" if np.isnan(row.chance) else f"{100 * row.chance:.1f}"
            yield (
                f"<tr><td>{html.escape(row.family)}<td>{row.kind}<td>{row.form}<td>{row.n}"
                f"<td>{row.num_scenes}<td>{100 * row.share:.1f}"
                f"<td>{100 * row.low:.1f} to {100 * row.high:.1f}<td>{chance}</tr>"
            )
        yield "</table>"
    yield "</html>\n"


def audit_rows(
    questions: Sequence[Question],
    shards: Sequence[ViewShard],
    *,
    settings: ClaritySettings,
    resamples: int,
    seed: int,
) -> list[QuestionAuditRow]:
    """Return all rows of the table for the questions about some shards of views."""
    shares = Shares()
    add_solvability(questions, shares)
    add_pairs(questions, shards, shares)
    add_contacts(shards, settings, shares)
    add_repeats_and_balance(questions, shares)
    return shares.rows(resamples=resamples, seed=seed)


def main(
    *,
    questions: tuple[Path, ...],
    views: tuple[Path, ...],
    out: Path,
    report: Path,
    settings: ClaritySettings,
    bootstrap_samples: int,
    seed: int,
) -> None:
    """Write the audit of the questions of a run.

    Args:
        questions: `{split}.parquet` of every split.
        views: view shards that the questions are about.
        out: the table (CSV).
        report: the page (HTML).
        settings: which objects are seen well enough to be asked about.
        bootstrap_samples: number of bootstrap resamples of scenes.
        seed: seed of the workflow.
    """
    rows = audit_rows(
        [question for path in questions for question in read_questions(path)],
        [ViewShard.open(path) for path in views],
        settings=settings,
        resamples=bootstrap_samples,
        seed=seed,
    )
    with atomic_write(out) as partial:
        records_to_frame(rows, QuestionAuditRow).to_csv(partial, index=False, float_format="%.5g")
    with atomic_write(report) as partial:
        partial.write_text(page(rows), encoding="utf-8")
    for row in rows:
        if row.family == ALL:
            log.info("%s: %.1f %% of %d", TITLES[row.measure], 100 * row.share, row.n)


if __name__ == "__main__":
    run(main)
