"""Ask a video model about scans: with their frames, blind, or with the scan turned; resumable."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from workflow_scripts.common.checksums import checksum_path
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.scan_samples import ScanCondition, ScanPrediction, ScanSample
from workflow_scripts.common.storage import read_records, remove, write_records
from workflow_scripts.config.scan_inputs import SampleSelection
from workflow_scripts.experiments.video import VideoPredictSettings
from workflow_scripts.models.video.load import load_video_model
from workflow_scripts.models.video.scan_cache import ScanCache
from workflow_scripts.models.video.scan_inputs import ScanReader
from workflow_scripts.models.video.scan_placement import Placement, by_placement
from workflow_scripts.models.video.scan_prompt import question_of
from workflow_scripts.models.video.scan_rows import EncodedQuestion, EncodedScan
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_model import VideoModel

logger = logging.getLogger(__name__)
ROTATED = "rotated"


class ScanAnswerer:
    """Answers samples about scans under a condition."""

    def __init__(
        self,
        model: VideoModel,
        processor: VideoProcessor,
        scans: ScanCache,
        settings: VideoPredictSettings,
        *,
        condition: ScanCondition,
        max_new_tokens: int,
    ) -> None:
        self._model = model
        self._processor = processor
        self._scans = scans
        self._settings = settings
        self._is_blind = condition == "blind"
        degrees = condition.removeprefix(ROTATED)
        self._yaw_deg = float(degrees) if degrees.isdigit() else 0.0
        self._max_new_tokens = max_new_tokens

    def answer(self, samples: Sequence[ScanSample]) -> list[tuple[str, list[float]]]:
        """Return words and scores of samples about one scan; one of them is empty."""
        scan = self._scans.get((samples[0].source, samples[0].scene_id))
        if self._is_blind:
            scan = self._scans.blind(scan)
        usual = Placement.of(
            scan.inputs.boxes,
            center_origin=self._settings.center_origin,
            yaw_deg=self._yaw_deg,
        )
        answers: dict[str, tuple[str, list[float]]] = {}
        for placement, numbers in by_placement(samples, usual, self._settings.situation):
            placed = placement.scan(scan.encoded)
            seen = [samples[number] for number in numbers]
            for is_grounding in (True, False):
                chosen = [one for one in seen if (one.task == "grounding") == is_grounding]
                for start in range(0, len(chosen), self._settings.batch_size):
                    part = chosen[start : start + self._settings.batch_size]
                    questions = [self._encode(sample, placed, placement) for sample in part]
                    found = (self._score if is_grounding else self._write)(placed, questions)
                    answers.update(zip((one.sample_id for one in part), found, strict=True))
        return [answers[sample.sample_id] for sample in samples]

    def num_shown(self, samples: Sequence[ScanSample]) -> tuple[int, int]:
        """Return how many frames of samples' one scan are shown, and how many visual tokens."""
        scan = self._scans.get((samples[0].source, samples[0].scene_id))
        if self._is_blind:
            scan = self._scans.blind(scan)
        return scan.encoded.num_frames, self._processor.num_visual_tokens(scan.encoded)

    def _encode(
        self, sample: ScanSample, scan: EncodedScan, placement: Placement
    ) -> EncodedQuestion:
        point = None
        if sample.task == "captioning":
            if sample.point_m is None:
                raise UserError(f"sample {sample.sample_id!r}: a caption without point_m")
            point = placement.points(np.array(sample.point_m))
        question = question_of(
            sample, point=point, is_grounded=self._settings.grounded_answers, ask=True
        )
        return self._processor.encode_question(scan, question)

    def _score(
        self, scan: EncodedScan, questions: Sequence[EncodedQuestion]
    ) -> list[tuple[str, list[float]]]:
        """Return the scores of proposals and of no object, at the token of each question."""
        rows = self._processor.rows(scan, questions)
        batch = {
            name: value.to(self._model.base.device)
            for name, value in self._processor.collate(rows).items()
        }
        scores = self._model.score_candidates(**batch)
        return [("", [round(float(value), 6) for value in row]) for row in scores]

    def _write(
        self, scan: EncodedScan, questions: Sequence[EncodedQuestion]
    ) -> list[tuple[str, list[float]]]:
        from workflow_scripts.models.video.video_generation import generate_answers

        rows = self._processor.rows(scan, questions)
        texts = generate_answers(
            self._model, self._processor, rows, max_new_tokens=self._max_new_tokens
        )
        return [(text, []) for text in texts]


def answer_each(
    answer: Callable[[Sequence[ScanSample]], list[tuple[str, list[float]]]],
    samples: Sequence[ScanSample],
    errors: ItemErrors,
) -> list[tuple[str, list[float], str]]:
    """Return (words, scores, '') of each sample of a scan, or ('', [], reason).

    They are asked together; only if that fails, one by one.
    """
    try:
        return [(text, scores, "") for text, scores in answer(samples)]
    except Exception as error:
        reason = errors.reason(error, f"scan {samples[0].scene_id}")
        if len(samples) == 1:
            logger.warning("sample %s has no answer: %s", samples[0].sample_id, reason)
            return [("", [], reason)]
    return [one for sample in samples for one in answer_each(answer, [sample], errors)]


def select_scans(
    samples: Sequence[ScanSample], part: int, num_parts: int
) -> list[list[ScanSample]]:
    """Return the samples of a part, those about one scan together; a scan is in one part."""
    if not 0 <= part < num_parts:
        raise UserError(f"--part {part}: must be 0 to {num_parts - 1} (num_parts {num_parts})")
    by_scan: dict[tuple[str, str], list[ScanSample]] = {}
    for sample in samples:
        by_scan.setdefault((sample.source, sample.scene_id), []).append(sample)
    return list(by_scan.values())[part::num_parts]


def read_asked_samples(path: Path, selection: SampleSelection) -> list[ScanSample]:
    """Return the samples that are chosen; `UserError` for a doubled id, or for others alone.

    A split without scans has none.
    """
    everything = read_records(path, ScanSample)
    samples = [sample for sample in everything if selection.takes(sample)]
    if everything and not samples:
        raise UserError(f"{path}: no sample of tasks {selection.in_words()}")
    seen: set[str] = set()
    for sample in samples:
        if sample.sample_id in seen:
            raise UserError(f"{path}: sample_id {sample.sample_id!r} occurs twice")
        seen.add(sample.sample_id)
    return samples


def fingerprint(model: Path, base: str, *values: object) -> str:
    """Identify a model and how it is asked: answers of others are not reused."""
    folders = [model, *([Path(base)] if Path(base).is_dir() else [])]
    weights = [file for folder in folders for file in sorted(folder.glob("*.safetensors"))]
    text = json.dumps([digest_files(weights), base, *map(str, values)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main(
    *,
    questions: Path,
    views: list[Path],
    proposals: list[Path],
    base: str,
    model: Path,
    experiment: str,
    condition: ScanCondition,
    max_new_tokens: int,
    out: Path,
    settings: VideoPredictSettings,
    images: Path | None = None,
    part: int = 0,
) -> None:
    """Answer samples about scans.

    Args:
        questions: Samples of the scored split (JSON lines of `ScanSample`).
        views: View shards of the scans; their chosen frames lie beside them.
        proposals: Tables of the proposals of every scan (Parquet).
        base: Local folder or hub id of the base model.
        model: Result of the training.
        experiment: Name of the experiment, written into every row.
        condition: The frames are shown, or not (blind), or the scan is turned.
        max_new_tokens: Longest answer, in tokens.
        out: JSONL file to write, one `ScanPrediction` a line.
        settings: What is shown of a scan, samples at a time, number of parts.
        images: Not used: frames come from the shards.
        part: Which part of the scans, from 0.
    """
    samples = read_asked_samples(questions, settings)
    scans = select_scans(samples, part, settings.num_parts)
    files = [*views, *proposals]
    key = fingerprint(
        model, base, condition, max_new_tokens, settings.model_dump_json(), digest_of(files)
    )
    chunks = out.with_name(f".{out.name}.chunks")
    answerer: ScanAnswerer | None = None
    errors = ItemErrors()
    finished: list[Path] = []
    reasons: list[str] = []
    for group in progress(scans, desc=f"{experiment} {condition}"):
        content = json.dumps([sample.model_dump(mode="json") for sample in group])
        chunk = chunks / f"{key}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.jsonl"
        if chunk.exists():
            answers = read_records(chunk, ScanPrediction)
        else:
            if answerer is None:
                loaded = load_video_model(base, model, settings)
                reader = ScanReader(views, proposals, settings.frames)
                answerer = ScanAnswerer(
                    *loaded,
                    ScanCache(reader, loaded[1]),
                    settings,
                    condition=condition,
                    max_new_tokens=max_new_tokens,
                )
            answered = answer_each(answerer.answer, group, errors)
            is_any = any(not reason for _, _, reason in answered)
            num_frames, num_visual_tokens = answerer.num_shown(group) if is_any else (0, 0)
            answers = [
                ScanPrediction(
                    experiment=experiment,
                    condition=condition,
                    sample_id=sample.sample_id,
                    text=text,
                    scores=scores,
                    num_frames=num_frames,
                    num_visual_tokens=num_visual_tokens,
                    reason=reason,
                )
                for sample, (text, scores, reason) in zip(group, answered, strict=True)
            ]
            write_records(chunk, answers)
        reasons += [row.reason for row in answers if row.reason]
        finished.append(chunk)
    count = sum(map(len, scans))
    errors.require_some(count - len(reasons))
    if reasons and len(reasons) == count:
        raise UserError(f"{questions}: no sample could be asked; the first: {reasons[0]}")
    write_records(out, chain.from_iterable(read_records(path, ScanPrediction) for path in finished))
    remove(chunks)
    logger.info("%s: %d answers, %d without one", out, count, len(reasons))


def digest_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the bytes of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def digest_of(files: Sequence[Path]) -> str:
    """Return what identifies results of earlier stages: the files of their checksums."""
    return digest_files(path for path in map(checksum_path, files) if path.exists())


if __name__ == "__main__":
    run(main)
