"""The steps of a video training: samples grouped by scan, as micro-batches of every rank.

A step has always the same number of samples. Where batches are of one task, the tasks take turns
in proportion to their samples. The same seed gives the same steps, whichever of them are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workflow_scripts.common.scan_samples import ScanSample, measured_instances
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.experiments.video import VideoTrainingSettings
from workflow_scripts.models.video.scan_cache import CachedScan, ScanCache
from workflow_scripts.models.video.scan_placement import Placement, by_placement
from workflow_scripts.models.video.scan_prompt import question_of
from workflow_scripts.models.video.scan_rows import EncodedQuestion, EncodedScan, ScanRow
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.train.vlm.packed_dataset import StepOrder, assign_micro_batches


@dataclass(frozen=True)
class ScanGroup:
    """A row of questions about a scan, as micro-batches are made of."""

    row: ScanRow

    @property
    def members(self) -> tuple[EncodedQuestion, ...]:
        return self.row.questions

    @property
    def num_tokens(self) -> int:
        return self.row.num_tokens


class ScanGroups:
    """Makes rows of samples about a scan, and divides rows that are too long."""

    def __init__(self, processor: VideoProcessor) -> None:
        self._processor = processor

    def group(self, scan: EncodedScan, questions: Sequence[EncodedQuestion]) -> list[ScanGroup]:
        return [ScanGroup(row) for row in self._processor.rows(scan, questions)]

    def split(self, group: ScanGroup) -> list[ScanGroup]:
        """Return a group of several questions in halves."""
        middle = len(group.members) // 2
        scan = group.row.scan
        halves = (group.members[:middle], group.members[middle:])
        return [part for half in halves for part in self.group(scan, half)]

    def collate(self, groups: Sequence[ScanGroup]) -> dict[str, Any]:
        return self._processor.collate([group.row for group in groups])


class TaskOrder:
    """Which samples make a step, in groups about one scan."""

    def __init__(
        self,
        samples: Sequence[ScanSample],
        *,
        steps: int,
        batch_size: int,
        questions_per_sequence: int,
        one_task: bool,
        seed: int,
    ) -> None:
        """Deal samples to steps; with `one_task` a step has samples of one task alone."""
        tasks = [sample.task if one_task else "" for sample in samples]
        scans: dict[tuple[str, str], int] = {}
        codes = [scans.setdefault((one.source, one.scene_id), len(scans)) for one in samples]
        self._members: list[np.ndarray] = []
        self._orders: list[StepOrder] = []
        for task in sorted(set(tasks)):
            members = np.array([at for at, own in enumerate(tasks) if own == task])
            order = StepOrder(
                np.array(codes)[members],
                batch_size=batch_size,
                questions_per_sequence=questions_per_sequence,
                seed=seed,
            )
            self._members.append(members)
            self._orders.append(order)
        counts = np.array([len(members) for members in self._members], float)
        self._turns = take_turns(counts / counts.sum(), steps)

    def step(self, step: int) -> list[list[int]]:
        """Return the samples of a step by number, those about one scan together."""
        task, number = self._turns[step]
        groups = self._orders[task].step(number)
        return [[int(self._members[task][index]) for index in group] for group in groups]


def take_turns(shares: np.ndarray, steps: int) -> list[tuple[int, int]]:
    """Return for each step whose turn it is and how many turns that one had before.

    The one that is furthest behind its share is next.
    """
    taken = np.zeros(len(shares), int)
    turns = []
    for step in range(steps):
        task = int(np.argmax(shares * (step + 1) - taken))
        turns.append((task, int(taken[task])))
        taken[task] += 1
    return turns


class VideoStepDataset(torch.utils.data.Dataset[dict[str, Any]]):
    """Item `step * num_ranks + rank` is what a rank does in a step: `micro_batches`.

    Each holds the answer tokens, queries and frames of the step on all ranks, which losses are
    divided by.
    """

    def __init__(
        self,
        samples: Sequence[ScanSample],
        scans: ScanCache,
        processor: VideoProcessor,
        settings: VideoTrainingSettings,
        *,
        num_ranks: int,
        questions_per_sequence: int,
        seed: int,
    ) -> None:
        self._samples = samples
        self._scans = scans
        self._processor = processor
        self._groups = ScanGroups(processor)
        self._settings = settings
        self._num_ranks = num_ranks
        self._seed = seed
        self._order = TaskOrder(
            samples,
            steps=settings.steps,
            batch_size=settings.batch_size,
            questions_per_sequence=questions_per_sequence,
            one_task=settings.batches == "one_task",
            seed=seed,
        )

    def __len__(self) -> int:
        return self._settings.steps * self._num_ranks

    def __getitem__(self, index: int) -> dict[str, Any]:
        step, rank = divmod(index, self._num_ranks)
        groups = [
            group
            for number, members in enumerate(self._order.step(step))
            for group in self._encode(
                [self._samples[member] for member in members],
                seeded(self._seed, "how a scan is shown", step, number),
            )
        ]
        return micro_batches_of(
            groups,
            self._groups,
            num_ranks=self._num_ranks,
            tokens_per_micro_batch=self._settings.tokens_per_micro_batch,
        )[rank]

    def _encode(self, samples: list[ScanSample], rng: np.random.Generator) -> list[ScanGroup]:
        """Return samples about one scan as they are shown once: turned, disturbed, or blind."""
        settings = self._settings
        scan = self._scans.get((samples[0].source, samples[0].scene_id))
        is_blind = rng.random() < settings.blind_fraction
        yaw_deg = float(rng.uniform(0, 360)) if settings.random_yaw else 0.0
        proposals = settings.proposals
        if proposals.jitter_m or proposals.drop:
            scan = self._scans.disturbed(
                scan, rng, jitter_m=proposals.jitter_m, drop=proposals.drop
            )
        if is_blind:
            scan = self._scans.blind(scan)
        return encode_samples(samples, scan, self._groups, self._processor, settings, yaw_deg)


def encode_samples(
    samples: Sequence[ScanSample],
    scan: CachedScan,
    groups: ScanGroups,
    processor: VideoProcessor,
    settings: VideoTrainingSettings,
    yaw_deg: float = 0.0,
) -> list[ScanGroup]:
    """Return the rows that teach samples about one scan."""
    usual = Placement.of(scan.inputs.boxes, center_origin=settings.center_origin, yaw_deg=yaw_deg)
    return [
        group
        for placement, numbers in by_placement(samples, usual, settings.situation)
        for group in _encode_placed(
            [samples[number] for number in numbers],
            scan,
            groups,
            processor,
            placement,
            is_grounded=settings.grounded_answers,
        )
    ]


def _encode_placed(
    samples: Sequence[ScanSample],
    scan: CachedScan,
    groups: ScanGroups,
    processor: VideoProcessor,
    placement: Placement,
    *,
    is_grounded: bool,
) -> list[ScanGroup]:
    placed = placement.scan(scan.encoded)
    questions = []
    for sample in samples:
        meant = scan.inputs.targets(sample.targets, sample.target_boxes)
        spoken_of = scan.inputs.targets(sample.referents, ()) & ~meant
        point = None if sample.point_m is None else placement.points(np.array(sample.point_m))
        is_grounding = sample.task == "grounding"
        targets: list[int] | None = np.flatnonzero(meant).tolist() if is_grounding else []
        if is_grounded and sample.task == "question":
            about = scan.inputs.targets(measured_instances(sample), ())
            targets = np.flatnonzero(about).tolist() or None
        question = question_of(
            sample,
            targets=targets,
            anchors=np.flatnonzero(spoken_of).tolist() if is_grounding else (),
            point=point if sample.task == "captioning" else None,
            is_grounded=is_grounded,
            ask=False,
        )
        questions.append(processor.encode_question(placed, question))
    return groups.group(placed, questions)


def micro_batches_of(
    groups: Sequence[ScanGroup],
    maker: ScanGroups,
    *,
    num_ranks: int,
    tokens_per_micro_batch: int,
) -> list[dict[str, Any]]:
    """Return the micro-batches of every rank, with what losses of the step are divided by."""
    totals = {
        "num_answer_tokens": sum(group.row.num_answer_tokens for group in groups),
        "num_queries": sum(group.row.num_queries for group in groups),
        "num_frames": sum(group.row.scan.num_frames for group in groups),
    }
    slots = assign_micro_batches(
        groups, maker, num_ranks=num_ranks, tokens_per_micro_batch=tokens_per_micro_batch
    )
    divisors = {name: torch.tensor(max(1, total)) for name, total in totals.items()}
    return [
        {"micro_batches": [{**maker.collate(slot), **divisors} for slot in rank_slots]}
        for rank_slots in slots
    ]


class VideoValidationDataset(torch.utils.data.Dataset[dict[str, Any]]):
    """Item `i` is a micro-batch of validation; the mean of all losses is the loss per sample."""

    def __init__(
        self,
        samples: Sequence[ScanSample],
        scans: ScanCache,
        processor: VideoProcessor,
        settings: VideoTrainingSettings,
        *,
        questions_per_sequence: int,
    ) -> None:
        maker = ScanGroups(processor)
        by_scan: dict[tuple[str, str], list[ScanSample]] = {}
        for sample in samples:
            by_scan.setdefault((sample.source, sample.scene_id), []).append(sample)
        groups = [
            group
            for key, members in by_scan.items()
            for start in range(0, len(members), questions_per_sequence)
            for group in encode_samples(
                members[start : start + questions_per_sequence],
                scans.get(key),
                maker,
                processor,
                settings,
            )
        ]
        (item,) = micro_batches_of(
            groups, maker, num_ranks=1, tokens_per_micro_batch=settings.tokens_per_micro_batch
        )
        self._items = item["micro_batches"]
        # The mean over items is then the loss of all of them together.
        for batch in self._items:
            for name in ("num_answer_tokens", "num_queries", "num_frames"):
                batch[name] = batch[name] / len(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        batch: dict[str, Any] = self._items[index]
        return batch
