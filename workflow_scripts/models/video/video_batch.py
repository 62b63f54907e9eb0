"""Turn scans and what is asked about them into batches of a video model.

A row is a scan: its frames or objects once, then the questions, each blind to the others
(`models/shared_prefix.py`). Training and evaluation make their batches here.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.video import VideoModelSettings
from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    Continuation,
    PackedSequence,
    pad_sequences,
)
from workflow_scripts.models.video.frame_encoder import FrameEncoder
from workflow_scripts.models.video.frame_features import pooled_grid
from workflow_scripts.models.video.object_patches import ObjectPatches, find_object_patches
from workflow_scripts.models.video.scan_rows import (
    EncodedFrames,
    EncodedQuestion,
    EncodedScan,
    ScanFrames,
    ScanQuestion,
    ScanRow,
)
from workflow_scripts.models.video.special_tokens import (
    COORD,
    GROUND,
    OBJECT,
    add_special_tokens,
)
from workflow_scripts.models.video.token_coordinates import token_coordinates, token_grid
from workflow_scripts.models.vlm import conversation_text

# A side that every image processor takes.
BLANK_PX = 56


def as_bits(values: Any) -> torch.Tensor:
    """Return float32 values as int32 of the same bits.

    A Trainer with DeepSpeed casts every input of floats to the model's number format, and
    bfloat16 knows 3 cm at 5 m.
    """
    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).view(torch.int32)


def from_bits(bits: torch.Tensor) -> torch.Tensor:
    """Return the float32 values of `as_bits`."""
    return bits.view(torch.float32)


class VideoProcessor:
    """Makes the inputs of a video model for a base.

    Args:
        processor: The base's own; its tokenizer gets the special tokens.
        config: The base's configuration.
        settings: Of the video model.
        share_prefix: Several questions in a row; else each has a row of its own.
        pad_to_multiple_of: Rows are so many tokens long, or a multiple.
    """

    def __init__(
        self,
        processor: Any,
        config: Any,
        settings: VideoModelSettings,
        *,
        share_prefix: bool = True,
        pad_to_multiple_of: int = 1,
    ) -> None:
        self.processor = processor
        self.settings = settings
        self.special_tokens = add_special_tokens(processor.tokenizer)
        self._tokenizer = processor.tokenizer
        self._image_token_id = int(config.image_token_id)
        self._has_token_types = config.model_type.startswith("qwen")
        self._encoder = FrameEncoder(processor.image_processor, config, settings.crop)
        self._share_prefix = share_prefix
        self._pad_to_multiple_of = pad_to_multiple_of

    def encode_frames(self, frames: ScanFrames) -> EncodedFrames:
        """Prepare the frames of a scan: once, whatever is asked."""
        pixels = self._encoder.encode(frames.rgb)
        height, width = frames.depth_m.shape[1:]
        left, top, right, bottom = pixels.window
        rectangle = (left * width, top * height, right * width, bottom * height)
        rows, columns = pooled_grid(pixels.rows, pixels.columns, self.settings.pooling)
        grid = token_grid(rectangle, rows=pixels.rows, columns=pixels.columns)
        pooled = token_grid(rectangle, rows=rows, columns=columns)
        geometry = (frames.depth_m, frames.intrinsics, frames.world_from_camera)
        return EncodedFrames(
            frames,
            pixels,
            grid,
            token_coordinates(*geometry, grid),
            token_coordinates(*geometry, pooled),
        )

    def encode_scan(self, frames: EncodedFrames | None, boxes: np.ndarray) -> EncodedScan:
        """Join frames (None: the model sees none) and proposals [proposals, 6]."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 6)
        if frames is None:
            none = np.empty(0, np.int64)
            return EncodedScan(None, boxes, ObjectPatches(none, none, len(boxes)))
        scan = frames.frames
        patches = find_object_patches(
            scan.depth_m,
            scan.intrinsics,
            scan.world_from_camera,
            frames.patch_grid,
            boxes,
            share=self.settings.patch_share,
        )
        return EncodedScan(frames, boxes, patches)

    def encode_question(self, scan: EncodedScan, question: ScanQuestion) -> EncodedQuestion:
        """Return the tokens of a question about a scan.

        Raises:
            UserError: The number of points is not that of `<coord>`, or a target is no proposal.
        """
        _check(scan, question)
        prompt, images = question.prompt, scan.num_frames
        if self.settings.tokens == "objects":
            prompt, images = OBJECT * len(scan.boxes) + prompt, 0
        turns = [("user", prompt)]
        unanswered = conversation_text(self.processor, turns, ask=True, image=images)
        tokens = self._tokens(unanswered)
        labels = [IGNORE_INDEX] * len(tokens)
        if question.answer is not None:
            turns.append(("assistant", question.answer))
            text = conversation_text(self.processor, turns, ask=False, image=images)
            end = self._tokenizer.eos_token
            if end and not text.rstrip().endswith(end):
                text = text.rstrip() + end
            before, tokens = tokens, self._tokens(text)
            labels = self._labels(question, before, tokens)
        if tokens.count(self._image_token_id) != images:
            raise UserError(
                f"the chat template writes {tokens.count(self._image_token_id)} image tokens "
                f"{self._image_token_id} for {images} frames; use a base whose template takes "
                "several pictures"
            )
        queries = tokens.count(self.special_tokens.ground)
        return EncodedQuestion(question, tokens, labels, queries)

    def _labels(self, question: ScanQuestion, before: list[int], tokens: list[int]) -> list[int]:
        """Return the tokens of the answer; of one that only chooses nothing is learned."""
        assert question.answer is not None
        labels = [IGNORE_INDEX] * len(tokens)
        if not question.answer.replace(GROUND, "").strip():
            return labels
        pairs = zip(before, tokens, strict=False)
        start = next((at for at, (a, b) in enumerate(pairs) if a != b), len(before))
        for at in range(min(start, len(tokens)), len(tokens)):
            if tokens[at] not in self.special_tokens.ids:
                labels[at] = tokens[at]
        return labels

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text)["input_ids"]
        return ids

    def rows(self, scan: EncodedScan, questions: Sequence[EncodedQuestion]) -> list[ScanRow]:
        """Return questions about a scan as one row; as many where nothing can be shared."""
        visual = self._image_token_id
        if self.settings.tokens == "objects":
            visual = self.special_tokens.object
        first = questions[0].tokens
        visual_end = len(first) - first[::-1].index(visual) if visual in first else 0
        length = min(self._first_own(entry) for entry in questions)
        for entry in questions[1:]:
            pairs = zip(first, entry.tokens, strict=False)
            length = min(length, next((at for at, (a, b) in enumerate(pairs) if a != b), length))
        if len(questions) > 1 and (not self._share_prefix or length < visual_end):
            return [row for entry in questions for row in self.rows(scan, [entry])]
        if visual_end:
            length = visual_end
        return [ScanRow(scan, tuple(questions), length, self._tokens_per_frame(scan))]

    def num_visual_tokens(self, scan: EncodedScan) -> int:
        """Return how many tokens of frames, or of objects, the language model reads of a scan."""
        if self.settings.tokens == "objects":
            return len(scan.boxes)
        return scan.num_frames * self._tokens_per_frame(scan)

    def _tokens_per_frame(self, scan: EncodedScan) -> int:
        """Return the tokens of a frame; 0 where the language model reads none."""
        if scan.frames is None or self.settings.tokens != "frames":
            return 0
        rows, columns = scan.frames.tokens.validity.shape[1:]
        return int(rows * columns + self._encoder.trailing_tokens)

    def _first_own(self, entry: EncodedQuestion) -> int:
        """Return how many tokens can be shared: none that a vector of its own replaces or reads,
        and not the one that predicts an answer.
        """
        special = (self.special_tokens.ground, self.special_tokens.coord)
        own = (at for at, token in enumerate(entry.tokens) if token in special)
        learned = (at for at, label in enumerate(entry.labels) if label != IGNORE_INDEX)
        end = len(entry.tokens)
        return min(next(own, end), next(learned, end) - 1, end - 1)

    def collate(self, rows: Sequence[ScanRow]) -> dict[str, Any]:
        """Return a batch for `VideoModel`: tensors by name.

        Floats that say where something is are kept as bits (`as_bits`).
        """
        batch: dict[str, Any] = pad_sequences(
            [self._sequence(row) for row in rows],
            pad_token_id=self.special_tokens.padding,
            multiple_of=self._pad_to_multiple_of,
        )
        if self._has_token_types:
            batch["mm_token_type_ids"] = (batch["input_ids"] == self._image_token_id).long()
        frames, places = self._shown_frames([row.scan.frames for row in rows])
        batch.update(_frames_of(frames) or self._blank_frame)
        batch.update(_objects_of([row.scan for row in rows], places))
        points = [
            np.asarray(entry.question.points_m, np.float32).reshape(-1, 3)
            for row in rows
            for entry in row.questions
        ]
        batch["coord_points"] = as_bits(np.concatenate(points))
        batch["coord_object"] = _objects_at_points(rows)
        batch["ground_targets"] = _targets_of(rows)
        batch["anchor_targets"] = _anchors_of(rows)
        batch["is_about"] = _is_about(rows)
        batch["num_answer_tokens"] = torch.tensor(sum(row.num_answer_tokens for row in rows))
        batch["num_queries"] = torch.tensor(sum(row.num_queries for row in rows))
        batch["num_frames"] = torch.tensor(sum(row.scan.num_frames for row in rows))
        return batch

    def _shown_frames(
        self, frames: Sequence[EncodedFrames | None]
    ) -> tuple[list[EncodedFrames], list[int]]:
        """Return the frames that a batch holds, and the number of each row's first patch.

        Where the language model reads objects, rows that show the same frames from different
        places share them. (Frame tokens, and the depth head, also take their coordinates.)
        """
        is_shared = self.settings.tokens == "objects" and not self.settings.depth_head
        shown: list[EncodedFrames] = []
        starts: dict[int, int] = {}
        places, num_patches = [], 0
        for row, own in enumerate(frames):
            key = row if own is None or not is_shared else id(own.pixels)
            if own is not None and key not in starts:
                starts[key] = num_patches
                shown.append(own)
                num_patches += own.patches.validity.size
            places.append(starts.get(key, 0))
        return shown, places

    @cached_property
    def _blank_frame(self) -> dict[str, torch.Tensor]:
        """Return a black frame, which a training runs where no scan of a batch shows frames."""
        pixels = self._encoder.encode(np.zeros((1, BLANK_PX, BLANK_PX, 3), np.uint8))
        blank = {
            "blank_pixel_values": pixels.pixel_values,
            "blank_frame_grids": torch.tensor([[pixels.rows, pixels.columns]]),
        }
        if pixels.image_grid_thw is not None:
            blank["blank_image_grid_thw"] = pixels.image_grid_thw
        return blank

    def _sequence(self, row: ScanRow) -> PackedSequence:
        end = row.prefix_length
        prefix: list[int] = []
        for token in row.questions[0].tokens[:end]:
            is_frame = token == self._image_token_id and row.frame_tokens
            prefix.extend([token] * (row.frame_tokens if is_frame else 1))
        parts = [Continuation(entry.tokens[end:], entry.labels[end:]) for entry in row.questions]
        return PackedSequence(prefix, parts)


def _check(scan: EncodedScan, question: ScanQuestion) -> None:
    expected, given = question.prompt.count(COORD), len(question.points_m)
    if expected != given:
        raise UserError(f"prompt {question.prompt!r} has {expected} {COORD}, but {given} points")
    wrong = [target for target in question.targets or () if not 0 <= target < len(scan.boxes)]
    if wrong:
        raise UserError(
            f"prompt {question.prompt!r}: targets {wrong} are not among the "
            f"{len(scan.boxes)} proposals"
        )


def _frames_of(seen: Sequence[EncodedFrames]) -> dict[str, torch.Tensor]:
    if not seen:
        return {}
    grids = [
        (frames.pixels.rows, frames.pixels.columns)
        for frames in seen
        for _ in range(len(frames.frames.rgb))
    ]
    found = {
        "pixel_values": torch.cat([frames.pixels.pixel_values for frames in seen]),
        "frame_grids": torch.tensor(grids),
        "token_points": _bits_of([frames.tokens.xyz_m.reshape(-1, 3) for frames in seen]),
        "patch_depth": _bits_of([frames.patches.depth_m.reshape(-1) for frames in seen]),
        "patch_height": _bits_of([frames.patches.xyz_m[..., 2].reshape(-1) for frames in seen]),
    }
    thw = [frames.pixels.image_grid_thw for frames in seen]
    if all(grid is not None for grid in thw):
        found["image_grid_thw"] = torch.cat([grid for grid in thw if grid is not None])
    return found


def _bits_of(parts: Sequence[np.ndarray]) -> torch.Tensor:
    return as_bits(np.concatenate(parts))


def _objects_of(
    scans: Sequence[EncodedScan], first_patches: Sequence[int]
) -> dict[str, torch.Tensor]:
    patches, proposals, rows = [], [], []
    first_proposal = 0
    for row, (scan, first_patch) in enumerate(zip(scans, first_patches, strict=True)):
        patches.append(scan.object_patches.patch + first_patch)
        proposals.append(scan.object_patches.proposal + first_proposal)
        rows.append(np.full(len(scan.boxes), row, np.int64))
        first_proposal += len(scan.boxes)
    return {
        "object_patch": torch.from_numpy(np.concatenate(patches)),
        "object_of_patch": torch.from_numpy(np.concatenate(proposals)),
        "object_row": torch.from_numpy(np.concatenate(rows)),
        "object_points": _bits_of([scan.boxes[:, :3] for scan in scans]),
    }


def _objects_at_points(rows: Sequence[ScanRow]) -> torch.Tensor:
    """Return for each `<coord>` the proposal of the batch that lies there, i64; -1 for none.

    It is the one with the nearest center, if that is within half of the box's diagonal.
    """
    found, first = [], 0
    for row in rows:
        boxes = row.scan.boxes
        for entry in row.questions:
            for point in entry.question.points_m:
                distance = np.linalg.norm(boxes[:, :3] - np.asarray(point), axis=1)
                nearest = int(distance.argmin()) if len(boxes) else -1
                reach = np.linalg.norm(boxes[nearest, 3:]) / 2 if len(boxes) else 0.0
                is_there = len(boxes) and distance[nearest] <= reach
                found.append(first + nearest if is_there else -1)
        first += len(boxes)
    return torch.tensor(found, dtype=torch.long)


def _queries(rows: Sequence[ScanRow]) -> list[EncodedQuestion]:
    """Return the question of each `<ground>`, in the order of a batch."""
    return [entry for row in rows for entry in row.questions for _ in range(entry.num_queries)]


def _anchors_of(rows: Sequence[ScanRow]) -> torch.Tensor:
    """Return bool [queries, proposals]: which are spoken of beside the targets; none if unknown."""
    queries = _queries(rows)
    anchors = torch.zeros(len(queries), max(len(row.scan.boxes) for row in rows), dtype=torch.bool)
    for number, entry in enumerate(queries):
        anchors[number, list(entry.question.anchors)] = True
    return anchors


def _is_about(rows: Sequence[ScanRow]) -> torch.Tensor:
    """Return bool [queries]: it is a question, and not an answer, that ends in the query."""
    return torch.tensor(
        [GROUND in entry.question.prompt for entry in _queries(rows)], dtype=torch.bool
    )


def _targets_of(rows: Sequence[ScanRow]) -> torch.Tensor:
    """Return bool [queries, proposals + 1], the last column for no object; none if unknown."""
    queries = _queries(rows)
    width = max(len(row.scan.boxes) for row in rows)
    targets = torch.zeros(len(queries), width + 1, dtype=torch.bool)
    for number, entry in enumerate(queries):
        if entry.question.targets is not None:
            targets[number, list(entry.question.targets) or [width]] = True
    return targets
