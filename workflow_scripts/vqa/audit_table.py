"""Write results/vqa/audit.csv and its picture: how far the labels of each family can be trusted."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from pydantic import Field

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.questions import read_questions
from workflow_scripts.common.records import Record, records_to_frame
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import atomic_write, read_table
from workflow_scripts.config.evaluate import BootstrapSettings
from workflow_scripts.vqa.audit_plot import draw_audit
from workflow_scripts.vqa.blind import BlindScore, blind_scores
from workflow_scripts.vqa.families import NAMES
from workflow_scripts.vqa.solvable_questions import read_text_only

log = logging.getLogger(__name__)

NAN = float("nan")


class AuditRow(Record):
    """One row of `results/vqa/audit.csv`: the labels of a family from one origin, against truth.

    Intervals are 95 % bootstrap intervals over scenes. NaN where a column says nothing: numbers
    have no error rate, choices no distance from the truth.
    """

    family: str
    labels: str = Field(
        description="truth; measured: clouds (simulator's depth), estimate, sensor_noise (noise "
        "added); boxes (bounding boxes in place of the drawn shapes)"
    )
    kind: str = Field(description="qualitative or numeric")
    unit: str
    n: int = Field(description="facts asked about; the same fact in another question counts once")
    num_scenes: int
    asked_share: float = Field(description="n, of the facts asked from truth")
    unclear_rate: float = Field(description="facts that truth itself does not decide")
    error_rate: float = Field(description="qualitative: answers that contradict the truth")
    error_low: float
    error_high: float
    bias: float = Field(description="numeric: median of label - truth, in the unit")
    median_abs_error: float
    p90_abs_error: float
    median_rel_error: float
    within_25pct: float
    median_sigma: float
    within_1_sigma: float = Field(description="0.68 if the stated uncertainty is right")
    within_2_sigma: float = Field(description="0.95 if the stated uncertainty is right")
    blind_n: int = Field(description="questions of the data set that the blind score is over")
    blind_score: float = Field(description="share right with the commonest answer per template")
    text_only_before: float = Field(
        description="share that a classifier answers rightly from the words alone, of all "
        "questions that were generated (results/vqa/text_only.csv)"
    )
    text_only_after: float = Field(description="the same of the questions that are kept")


def text_only_scores(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return by family what words alone score before and after, over all splits."""
    scores = {}
    for family, group in table.groupby("family"):
        before = (group.score_before * group.num_before).sum() / group.num_before.sum()
        num_after = group.num_after.sum()
        right_after = (group.score_after.fillna(0) * group.num_after).sum()
        scores[str(family)] = (float(before), float(right_after / num_after) if num_after else NAN)
    return scores


def audit_rows(
    facts: pd.DataFrame,
    blind: dict[str, BlindScore],
    *,
    resamples: int,
    seed: int,
    text_only: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> list[AuditRow]:
    """Return a row for every family and origin of labels, families in their usual order.

    `text_only` says by family what words alone score before and after.
    """
    origins = ["truth", *sorted(set(facts.labels) - {"truth"})]
    groups = dict(list(facts.groupby(["family", "labels"])))
    rows = []
    for family in dict.fromkeys([*NAMES, *sorted(blind)]):
        num_facts_of_truth = len(groups.get((family, "truth"), ()))
        for labels in origins:
            group = groups.get((family, labels), facts.iloc[:0])
            score = blind.get(family, BlindScore(0, NAN))
            words_before, words_after = text_only.get(family, (NAN, NAN))
            rng = seeded(seed, "audit", family, labels)
            low, high = _interval(group, resamples=resamples, rng=rng)
            is_number = bool(len(group)) and bool(group.is_number.iloc[0])
            rows.append(
                AuditRow(
                    family=family,
                    labels=labels,
                    kind="numeric" if is_number else "qualitative",
                    unit=group.unit.iloc[0] if len(group) else "",
                    n=len(group),
                    num_scenes=group.scene_id.nunique(),
                    asked_share=len(group) / num_facts_of_truth if num_facts_of_truth else NAN,
                    unclear_rate=float(group.is_unclear.mean()) if len(group) else NAN,
                    error_rate=_error_rate(group),
                    error_low=low,
                    error_high=high,
                    **(_numbers(group) if is_number else dict.fromkeys(NUMERIC, NAN)),
                    blind_n=score.n,
                    blind_score=score.score,
                    text_only_before=words_before,
                    text_only_after=words_after,
                )
            )
    return rows


NUMERIC = (
    "bias",
    "median_abs_error",
    "p90_abs_error",
    "median_rel_error",
    "within_25pct",
    "median_sigma",
    "within_1_sigma",
    "within_2_sigma",
)


def _numbers(group: pd.DataFrame) -> dict[str, float]:
    """Return the columns of `NUMERIC`; the share within sigmas only where there are sigmas."""
    error = (group.value - group.truth).to_numpy()
    sigma, truth = group.sigma.to_numpy(), np.abs(group.truth.to_numpy())
    relative = np.abs(error) / np.maximum(truth, 1e-9)
    stated = sigma > 0
    z = np.abs(error[stated]) / sigma[stated]
    return {
        "bias": float(np.median(error)),
        "median_abs_error": float(np.median(np.abs(error))),
        "p90_abs_error": float(np.quantile(np.abs(error), 0.9)),
        "median_rel_error": float(np.median(relative)),
        "within_25pct": float((relative <= 0.25).mean()),
        "median_sigma": float(np.median(sigma)),
        "within_1_sigma": float((z <= 1).mean()) if stated.any() else NAN,
        "within_2_sigma": float((z <= 2).mean()) if stated.any() else NAN,
    }


def _error_rate(group: pd.DataFrame) -> float:
    clear = group[~group.is_unclear & ~group.is_number]
    return float(clear.is_wrong.mean()) if len(clear) else NAN


def _interval(
    group: pd.DataFrame, *, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the error rate over resampled scenes."""
    clear = group[~group.is_unclear & ~group.is_number]
    if not len(clear):
        return NAN, NAN
    scenes = clear.groupby("scene_id").is_wrong.agg(["sum", "size"]).to_numpy()
    drawn = scenes[rng.integers(len(scenes), size=(resamples, len(scenes)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def main(
    *,
    facts: tuple[Path, ...],
    questions: tuple[Path, ...],
    out: Path,
    picture: Path,
    text_only: Path,
    settings: BootstrapSettings,
    seed: int,
) -> None:
    """Write the table and the picture of the label audit.

    Args:
        facts: `{shard}.audit.parquet` of every shard.
        questions: `{split}.parquet` of every split, for the blind score.
        out: the table (CSV).
        picture: the picture (PNG).
        text_only: what words alone score, `results/vqa/text_only.csv`.
        settings: number of bootstrap resamples of scenes.
        seed: seed of the workflow.
    """
    if not facts:
        raise UserError(
            "--facts is empty: only a simulator's objects are known well enough to audit labels; "
            "turn a simulated source on (sources.procthor)"
        )
    every_row = pd.concat([read_table(path) for path in facts], ignore_index=True)
    failures = every_row[every_row.reason != ""]
    all_facts = every_row[every_row.reason == ""]
    for reason, group in failures.groupby("reason"):
        log.warning("%d views are not audited: %s", len(group), reason)
    if all_facts.empty and len(failures):
        raise UserError(f"no view can be audited; {most_common_reasons(failures.reason)}")
    blind = blind_scores(question for path in questions for question in read_questions(path))
    rows = records_to_frame(
        audit_rows(
            all_facts,
            blind,
            resamples=settings.bootstrap_samples,
            seed=seed,
            text_only=text_only_scores(read_text_only(text_only)),
        ),
        AuditRow,
    )
    with atomic_write(picture) as partial:
        draw_audit(partial, all_facts, rows)
    with atomic_write(out) as partial:
        rows.to_csv(partial, index=False, float_format="%.5g")
    _report(rows)


def _report(rows: pd.DataFrame) -> None:
    for labels in _origins(rows):
        group = rows[(rows.labels == labels) & (rows.n > 0)]
        qualitative = group[group.kind == "qualitative"]
        clear = qualitative.n * (1 - qualitative.unclear_rate)
        wrong = (qualitative.error_rate.fillna(0) * clear).sum()
        log.info(
            "labels from %s: %d facts, %d of %d clear qualitative ones wrong",
            labels,
            group.n.sum(),
            round(wrong),
            round(clear.sum()),
        )


def _origins(rows: pd.DataFrame) -> Sequence[str]:
    return list(dict.fromkeys(rows.labels))


if __name__ == "__main__":
    run(main)
