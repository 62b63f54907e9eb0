"""Read conversations and turn them into batches whose labels are the answers alone.

They come from a split's table of questions, which is read row by row, or from a LLaVA JSON file
of the user's own. Its entries are `{"id", "image", "conversations": [{"from": "human" | "gpt",
"value"}, ...]}`; the picture belongs to the first human turn.
"""

import io
import logging
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from workflow_scripts.common.checksums import check_if_recorded, read_file_of_result
from workflow_scripts.common.errors import DamagedResultError, UserError
from workflow_scripts.common.item_errors import is_system_error
from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.questions import answer_with_steps
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.models.shared_prefix import IGNORE_INDEX
from workflow_scripts.models.vlm import Turn, conversation_text

logger = logging.getLogger(__name__)
IMAGE_PLACEHOLDER = "<image>"
# So many entries that are left out are named in the log; all of them in skipped.jsonl.
MAX_LOGGED = 5
ROLES = {"human": "user", "gpt": "assistant"}


@dataclass(frozen=True)
class Conversation:
    """Turns (role, text) in order, and the picture they are about, if any."""

    id: str
    image: Path | None
    turns: tuple[Turn, ...]


class ConversationDataset(torch.utils.data.Dataset[Conversation]):
    """Conversations in order; pictures are opened by the collator.

    `skipped` are (id, reason) of the entries that cannot be trained on.
    """

    def __init__(
        self, conversations: Sequence[Conversation], skipped: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._conversations = conversations
        self.skipped = tuple(skipped)

    def __len__(self) -> int:
        return len(self._conversations)

    def __getitem__(self, index: int) -> Conversation:
        return self._conversations[index]

    def picture_codes(self) -> np.ndarray:
        """Return a number for the picture of every conversation, [n] int32.

        Equal numbers mean the same picture. No conversation is read for it from a table.
        """
        if isinstance(self._conversations, TableConversations):
            return self._conversations.picture_codes()
        codes: dict[Path | None, int] = {}
        images = (conversation.image for conversation in self._conversations)
        return np.array([codes.setdefault(image, len(codes)) for image in images], dtype=np.int32)


class TableConversations(Sequence[Conversation]):
    """The questions of a table as conversations of one turn each, read on demand."""

    def __init__(self, table: QuestionTable, images: Path) -> None:
        self._table = table
        self._images = images
        self._reasoning = table.reasoning

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, index: Any) -> Any:
        rows = self._table[index]
        return [self._of(row) for row in rows] if isinstance(index, slice) else self._of(rows)

    def picture_codes(self) -> np.ndarray:
        """Return a number for the picture of every question, [n] int32."""
        return self._table.codes("image")[0]

    def _of(self, row: dict[str, Any]) -> Conversation:
        question = row["question"].strip()
        answer = answer_with_steps(row["answer"], row["reasoning"], self._reasoning)
        where = f"{self._table.path}: question {row['question_id']!r}"
        if IMAGE_PLACEHOLDER in question or IMAGE_PLACEHOLDER in answer:
            raise UserError(f"{where}: {IMAGE_PLACEHOLDER} may not stand in its text")
        if not answer.strip():
            raise UserError(f"{where}: has no answer, so there is nothing to learn")
        turns: tuple[Turn, ...] = (("user", question), ("assistant", answer))
        return Conversation(row["question_id"], self._images / row["image"], turns)


def read_conversations(
    path: Path, *, images: Path, families: Sequence[str] = ()
) -> ConversationDataset:
    """Read a table of questions (`.parquet`) or a LLaVA JSON file; pictures lie under `images`.

    `families` keeps the questions of these families of a table. Without any, all are kept.

    Entries of a JSON file that cannot be trained on, or whose picture cannot be read, are left
    out; `UserError` names the first if none is left. A table is a result of the workflow: its
    rows are checked when they are read, that their pictures are there, at once.
    """
    if path.suffix == ".parquet":
        return _read_table(path, images, families)
    if families:
        raise UserError(
            f"{path}: which family an entry is of stands in no LLaVA JSON file, so families "
            f"({', '.join(families)}) cannot be chosen; give the table of questions (.parquet)"
        )
    check_if_recorded(path)
    entries = parse_json(read_text(path), path)
    if not isinstance(entries, list) or not entries:
        raise UserError(
            f"{path}: there is nothing to train on; it must be a list of at least one entry "
            "with id, image and conversations"
        )
    parsed: list[Conversation] = []
    skipped: list[tuple[str, str]] = []
    for number, entry in enumerate(entries):
        try:
            parsed.append(_conversation(path, number, entry, images))
        except UserError as error:
            skipped.append((_entry_name(number, entry), str(error)))
    reasons = unreadable_pictures(
        sorted({entry.image for entry in parsed if entry.image is not None})
    )
    kept = []
    for conversation in parsed:
        if conversation.image in reasons:
            where = f"{path}: entry {conversation.id!r}"
            skipped.append((conversation.id, f"{where}: {reasons[conversation.image]}"))
        else:
            kept.append(conversation)
    if not kept:
        rest = f" (and {len(skipped) - 1} more; none is left)" if len(skipped) > 1 else ""
        raise UserError(f"{skipped[0][1]}{rest}")
    for _, reason in skipped[:MAX_LOGGED]:
        logger.warning("left out: %s", reason)
    if skipped:
        logger.warning("%s: %d of %d entries left out", path, len(skipped), len(entries))
    return ConversationDataset(kept, skipped)


def unreadable_pictures(pictures: Sequence[Path]) -> dict[Path, str]:
    """Return why pictures of the user's cannot be read, of those that cannot."""
    missing = set(all_missing(pictures))
    reasons = {
        picture: f"there is no picture {picture}; paths are relative to --images"
        for picture in missing
    }
    present = [picture for picture in pictures if picture not in missing]
    with ThreadPoolExecutor() as pool:
        problems = zip(present, pool.map(_picture_problem, present), strict=True)
        return reasons | {picture: problem for picture, problem in problems if problem}


def _picture_problem(path: Path) -> str:
    try:
        _read_picture(path)
    except Exception as error:  # decoders raise many types for damaged bytes
        if is_system_error(error):
            raise
        return f"picture {path} cannot be read: {error}"
    return ""


def _entry_name(number: int, entry: Any) -> str:
    name = entry.get("id") if isinstance(entry, dict) else None
    return f"number {number}" if name is None else str(name)


def _read_table(path: Path, images: Path, families: Sequence[str]) -> ConversationDataset:
    columns = ("question_id", "image", "question", "answer", "reasoning")
    table = QuestionTable(path, columns=columns, families=families)
    if not len(table):
        _, names = QuestionTable(path, columns=columns).codes("family")
        raise UserError(
            f"{path}: there is nothing to train on"
            + (
                f": no question is of the families {', '.join(families)}; the table has "
                f"{', '.join(sorted(names.to_pylist()))} (config: train.experiments, families)"
                if families and len(names)
                else "; it holds no question"
            )
        )
    codes, names = table.codes("image")
    used = np.unique(codes)
    by_path = dict(zip((images / name for name in names.take(used).to_pylist()), used, strict=True))
    if missing := find_missing(by_path):
        first_row = int(np.flatnonzero(codes == by_path[missing])[0])
        raise _no_picture(path, table[first_row]["question_id"], missing)
    return ConversationDataset(TableConversations(table, images))


def find_missing(pictures: Iterable[Path]) -> Path | None:
    """Return the first picture, in the order of paths, that is no file; None if all are there.

    Folders are listed: far fewer questions to a shared file system than one for every picture.
    """
    return min(all_missing(pictures), default=None)


def all_missing(pictures: Iterable[Path]) -> list[Path]:
    """Return the pictures that are no files."""
    names: dict[Path, set[str]] = {}
    missing = []
    for picture in pictures:
        folder = picture.parent
        if folder not in names:
            names[folder] = _file_names(folder)
        if picture.name not in names[folder]:
            missing.append(picture)
    return missing


def _file_names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as files:
            return {file.name for file in files if file.is_file()}
    except OSError:
        return set()


def _no_picture(path: Path, entry_id: str, image: Path) -> UserError:
    return UserError(
        f"{path}: entry {entry_id!r}: there is no picture {image}. "
        "Paths are relative to --images; run the rule that makes them again."
    )


def _conversation(path: Path, number: int, entry: Any, images: Path) -> Conversation:
    name = _entry_name(number, entry)
    where = f"{path}: entry {name!r}"
    turns = []
    try:
        for turn in entry["conversations"]:
            turns.append((ROLES[turn["from"]], str(turn["value"])))
        image = entry.get("image")
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{where}: is not a conversation ({type(error).__name__}: {error}); it must have "
            "conversations of turns with 'from' (human or gpt) and 'value'"
        ) from error
    roles = [role for role, _ in turns]
    if not turns or roles != ["user", "assistant"] * (len(turns) // 2):
        raise UserError(f"{where}: human and gpt must take turns, human first; found {roles}")
    if any(IMAGE_PLACEHOLDER in text for _, text in turns[1:]):
        raise UserError(f"{where}: {IMAGE_PLACEHOLDER} may stand in the first human turn only")
    if turns[0][1].count(IMAGE_PLACEHOLDER) != (image is not None):
        raise UserError(
            f"{where}: its first human turn must hold {IMAGE_PLACEHOLDER} once if it has an "
            "'image', and not at all otherwise"
        )
    if not all(text.strip() for role, text in turns if role == "assistant"):
        raise UserError(f"{where}: a gpt turn is empty, so there is nothing to learn")
    turns[0] = ("user", turns[0][1].replace(IMAGE_PLACEHOLDER, "").strip())
    if image is not None and (not isinstance(image, str) or "\0" in image):
        raise UserError(f"{where}: its image is {image!r:.60}, no path")
    return Conversation(name, None if image is None else images / image, tuple(turns))


class Collator:
    """Make a batch for a processor; labels are the answers, all else is ignored.

    Ignored are the prompt, the picture's tokens and padding. The end of an answer is learned
    too, and is added where a chat template does not write it.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._tokenizer.padding_side = "right"

    def __call__(self, batch: Sequence[Conversation]) -> dict[str, torch.Tensor]:
        """Return what the model takes, with `labels` [n, tokens]."""
        texts = [self.text(conversation) for conversation in batch]
        images = open_images(batch)
        inputs = self._processor(text=texts, images=images, padding=True, return_tensors="pt")
        labels = torch.full_like(inputs["input_ids"], IGNORE_INDEX)
        for row, (conversation, text) in enumerate(zip(batch, texts, strict=True)):
            tokens = self._tokens(text)
            length = int(inputs["attention_mask"][row].sum())
            # Only the image token is expanded, and it comes before every answer.
            shift = length - len(tokens)
            for start, stop in self.answers(conversation, tokens):
                span = slice(start + shift, stop + shift)
                labels[row, span] = inputs["input_ids"][row, span]
        return {**inputs, "labels": labels}

    def text(self, conversation: Conversation) -> str:
        """Write a conversation with the end of its last answer."""
        text = self._render_text(conversation.turns, conversation, ask=False)
        end = self._tokenizer.eos_token
        if end and not text.rstrip().endswith(end):
            text = text.rstrip() + end
        return text

    def answers(self, conversation: Conversation, tokens: list[int]) -> list[tuple[int, int]]:
        """Return where answers stand in the tokens of `text` before the picture is expanded."""
        spans = []
        turns = conversation.turns
        for number in range(1, len(turns), 2):
            before = self._tokens(self._render_text(turns[:number], conversation, ask=True))
            stop = len(tokens)
            if number + 1 < len(turns):
                upto = self._tokens(self._render_text(turns[: number + 1], conversation, ask=False))
                stop = common_prefix_length(upto, tokens)
            spans.append((common_prefix_length(before, tokens), stop))
        return spans

    def _render_text(self, turns: Sequence[Turn], conversation: Conversation, *, ask: bool) -> str:
        has_image = conversation.image is not None
        return conversation_text(self._processor, turns, ask=ask, image=has_image)

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text)["input_ids"]
        return ids


def open_images(batch: Sequence[Conversation]) -> list[list[Image.Image]] | None:
    """Return the picture of every conversation, None if none has one."""
    with_image = [conversation for conversation in batch if conversation.image is not None]
    if len(with_image) not in (0, len(batch)):
        without = next(entry.id for entry in batch if entry.image is None)
        raise UserError(
            "entries with and without a picture cannot be mixed in one file; "
            f"entry {without!r} has none"
        )
    return [[open_image(conversation)] for conversation in batch] if with_image else None


def common_prefix_length(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many leading tokens are equal."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def open_image(conversation: Conversation) -> Image.Image:
    """Return a conversation's picture; `UserError` names the entry if it cannot be read."""
    try:
        return _read_picture(conversation.image)  # type: ignore[arg-type]
    except DamagedResultError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(
            f"entry {conversation.id!r}: picture {conversation.image} cannot be read: {error}"
        ) from error


def _read_picture(path: Path) -> Image.Image:
    with Image.open(io.BytesIO(read_file_of_result(path))) as picture:
        return picture.convert("RGB")
