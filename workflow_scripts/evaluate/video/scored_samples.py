"""The samples that are scored, the proposals of their scans, and what a model answered to each."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Split
from workflow_scripts.common.scan_samples import (
    ProposalRow,
    ScanCondition,
    ScanPrediction,
    ScanSample,
)
from workflow_scripts.common.storage import iterate_records, read_records, read_table
from workflow_scripts.config.scan_inputs import SampleSelection

Scan = tuple[str, str]
NAMED_IDS = 3
AGAIN = "remove the files and run their rule again"
_BOX = ["x_m", "y_m", "z_m", "width_m", "depth_m", "height_m"]


@dataclass(frozen=True)
class ScanProposals:
    """The boxes of a scan that may be chosen.

    Attributes:
        boxes: Axis-aligned, centre and size in metres, f64 [p, 6].
        instances: Objects that they are the boxes of, int [p]; 0 for a detector's.
        categories: Of these objects, '' where nobody named them.
    """

    boxes: np.ndarray
    instances: np.ndarray
    categories: tuple[str, ...]


@dataclass(frozen=True)
class ScoredSamples:
    """Samples in the order of their file, and the proposals of the scan of each."""

    samples: Sequence[ScanSample]
    proposals: Sequence[ScanProposals]

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def scans(self) -> list[str]:
        """Return the scan of each sample, as `{source}/{scene_id}`."""
        return [f"{sample.source}/{sample.scene_id}" for sample in self.samples]

    def part(self, rows: Sequence[int] | np.ndarray) -> "ScoredSamples":
        """Return some of the samples."""
        return ScoredSamples(
            [self.samples[row] for row in rows], [self.proposals[row] for row in rows]
        )


def read_samples(path: Path, split: Split) -> list[ScanSample]:
    """Return the samples of a file; `UserError` names what is doubled, of another split, or none.

    A description or caption whose targets and boxes differ in number is an error, too.
    """
    samples = read_records(path, ScanSample)
    if not samples:
        raise UserError(
            f"{path}: no samples to score. More scans, or a larger share for the {split!r} split "
            "(config: sources.scans, splits), give some."
        )
    counts = Counter(sample.sample_id for sample in samples)
    twice = [name for name, count in counts.items() if count > 1]
    _refuse(path, "are there more than once", twice)
    _refuse(path, f"are not of split {split}", (s.sample_id for s in samples if s.split != split))
    # Of a question the boxes are not compared.
    compared = [sample for sample in samples if sample.task != "question"]
    wrong = (s.sample_id for s in compared if len(s.targets) != len(s.target_boxes))
    _refuse(path, "do not have a box for each target", wrong)
    return samples


def select_samples(
    path: Path, samples: Sequence[ScanSample], selection: SampleSelection
) -> list[ScanSample]:
    """Return the samples that are scored; `UserError` if there is none."""
    chosen = [sample for sample in samples if selection.takes(sample)]
    if not chosen:
        raise UserError(
            f"{path}: no samples of {selection.in_words()} to score; add a task or a type that "
            "there are samples of (tasks, question_types of the experiment)"
        )
    return chosen


def read_proposals(paths: Iterable[Path]) -> dict[Scan, ScanProposals]:
    """Return the proposals of every scan by source (the folder of the table) and scene_id."""
    scans: dict[Scan, ScanProposals] = {}
    for path in paths:
        table = read_table(path, columns=list(ProposalRow.model_fields))
        for scene_id, rows in table.groupby("scene_id", sort=False):
            ordered = rows.sort_values("proposal")
            if ordered["proposal"].tolist() != list(range(len(ordered))):
                raise UserError(f"{path}: proposals of {scene_id} are not numbered from 0; {AGAIN}")
            boxes = ordered[_BOX].to_numpy(np.float64)
            if not np.isfinite(boxes).all() or (boxes[:, 3:] < 0).any():
                raise UserError(f"{path}: a box of {scene_id} is not finite or has a size below 0")
            scans[path.parent.name, str(scene_id)] = ScanProposals(
                boxes, ordered["instance"].to_numpy(), tuple(ordered["category"])
            )
    return scans


def with_proposals(
    path: Path, samples: Sequence[ScanSample], proposals: Mapping[Scan, ScanProposals]
) -> ScoredSamples:
    """Return samples beside their scans' proposals.

    A scan without proposals has none to choose. `UserError` names samples about scans of a source
    of which no table was given.
    """
    sources = {source for source, _ in proposals}
    unknown = (s.sample_id for s in samples if s.task == "grounding" and s.source not in sources)
    _refuse(path, "are of a source without a table of proposals", unknown)
    empty = ScanProposals(np.zeros((0, 6)), np.zeros(0, int), ())
    return ScoredSamples(samples, [proposals.get((s.source, s.scene_id), empty) for s in samples])


def read_predictions(
    paths: Sequence[Path], scored: ScoredSamples, condition: ScanCondition
) -> list[ScanPrediction]:
    """Return what was answered to each sample under a condition, in the order of the samples.

    `UserError` names samples without an answer, with two, or with scores that do not fit the
    proposals, and answers to samples that are not there.
    """
    return _in_order(paths, _records(paths, condition), scored)


def read_predictions_by_experiment(
    paths: Sequence[Path], scored: ScoredSamples, not_scored: Collection[str]
) -> dict[str, list[ScanPrediction]]:
    """Return what experiments answered to each sample (condition `image`), by experiment.

    Answers to samples that are `not_scored` here, as they are of other tasks, are left out.
    """
    by_experiment: dict[str, list[ScanPrediction]] = {}
    for record in _records(paths, "image"):
        if record.sample_id not in not_scored:
            by_experiment.setdefault(record.experiment, []).append(record)
    return {
        name: _in_order(paths, records, scored) for name, records in sorted(by_experiment.items())
    }


def _records(paths: Sequence[Path], condition: ScanCondition) -> list[ScanPrediction]:
    records = []
    for path in paths:
        for record in iterate_records(path, ScanPrediction):
            if record.condition != condition:
                raise UserError(
                    f"{path}: {record.sample_id} was answered under condition "
                    f"{record.condition}, not {condition}; {AGAIN}"
                )
            records.append(record)
    return records


def _in_order(
    paths: Sequence[Path], records: Sequence[ScanPrediction], scored: ScoredSamples
) -> list[ScanPrediction]:
    where = ", ".join(map(str, paths))
    counts = Counter(record.sample_id for record in records)
    ids = [sample.sample_id for sample in scored.samples]
    _refuse(where, "are answered more than once", (n for n, count in counts.items() if count > 1))
    _refuse(where, "are not among the samples", sorted(counts.keys() - set(ids)))
    _refuse(where, "have no answer", (name for name in ids if name not in counts))
    by_id = {record.sample_id: record for record in records}
    ordered = [by_id[name] for name in ids]
    wrong, infinite = [], []
    for sample, proposals, record in zip(scored.samples, scored.proposals, ordered, strict=True):
        if sample.task != "grounding" or record.reason:
            continue
        if len(record.scores) != len(proposals.boxes) + 1:
            wrong.append(record.sample_id)
        elif not np.isfinite(record.scores).all():
            infinite.append(record.sample_id)
    _refuse(where, "need a score for each proposal and one for no object", wrong)
    _refuse(where, "have a score that is not a finite number", infinite)
    return ordered


def _refuse(where: Path | str, what: str, names: Iterable[str]) -> None:
    """Raise `UserError` that names the first samples of which something is wrong, if any."""
    wrong = list(names)
    if wrong:
        some = ", ".join(wrong[:NAMED_IDS]) + (", ..." if len(wrong) > NAMED_IDS else "")
        raise UserError(f"{where}: {len(wrong)} samples {what}: {some}; {AGAIN}")
