"""Which checkpoint a training may be resumed from: the newest complete one of the same training."""

import logging
import os
import shutil
from pathlib import Path
from typing import Any

from workflow_scripts.common.checksums import check_folder, checksum_path, describe_checksum
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json, write_json, write_text
from workflow_scripts.train.training import TrainingSpec

logger = logging.getLogger(__name__)
COMPLETE_MARKER = "complete"
IDENTITY_FILE = "settings.json"


def write_checkpoint_checksums(checkpoint: Path) -> None:
    """Write the checksums of a checkpoint that every rank has saved.

    Those of checkpoints that have been removed are removed, too.
    """
    record = checksum_path(checkpoint)
    write_text(record, describe_checksum(checkpoint, checkpoint.name))
    for other in record.parent.glob("checkpoint-*.json"):
        if not (checkpoint.parent / other.stem).is_dir():
            other.unlink(missing_ok=True)


def latest_complete_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that is as it was saved, None if there is none.

    One that is damaged counts no more; the log says so.
    """
    steps = {
        int(path.parent.name.removeprefix("checkpoint-")): path.parent
        for path in folder.glob(f"checkpoint-*/{COMPLETE_MARKER}")
    }
    for _, checkpoint in sorted(steps.items(), reverse=True):
        try:
            check_folder(checkpoint, is_whole=True)
        except UserError as error:
            logger.warning("%s; it is not used, an earlier checkpoint is", _problem(error))
            (checkpoint / COMPLETE_MARKER).unlink()
        else:
            return checkpoint
    return None


def _problem(error: UserError) -> str:
    """Return what is wrong, without the advice to remove it."""
    return str(error).partition(". To make it again")[0]


def prepare_resume(folder: Path, identity: dict[str, Any]) -> Path | None:
    """Return the checkpoint to resume from; those of another training are removed first."""
    identity_file = folder / IDENTITY_FILE
    if folder.exists() and (not identity_file.exists() or read_json(identity_file) != identity):
        if list(folder.glob("checkpoint-*")):
            logger.warning("%s: checkpoints of another training are removed", folder)
        shutil.rmtree(folder)
    if not identity_file.exists():
        write_json(identity_file, identity)
    for stale in folder.glob(".saving-*"):
        shutil.rmtree(stale)
    return latest_complete_checkpoint(folder)


def broadcast_resume_checkpoint(spec: TrainingSpec, *, num_ranks: int) -> Path | None:
    """Let rank 0 choose the checkpoint to resume from, and send its path to the other ranks."""
    import torch

    checkpoint: list[Path | None] = [None]
    if int(os.environ.get("RANK", "0")) == 0:
        checkpoint[0] = prepare_resume(spec.checkpoints, spec.identity(num_ranks=num_ranks))
    if torch.distributed.is_initialized():
        torch.distributed.broadcast_object_list(checkpoint, src=0)
    return checkpoint[0]


def is_finished(spec: TrainingSpec, identity: dict[str, Any]) -> bool:
    """Say whether the result of this very training lies whole beside its checkpoints."""
    identity_file = spec.checkpoints / IDENTITY_FILE
    if not spec.result.is_dir() or not identity_file.exists():
        return False
    if read_json(identity_file) != identity:
        return False
    try:
        check_folder(spec.result, is_whole=True)
    except UserError as error:
        logger.warning("%s; trained again from the last checkpoint", error)
        return False
    return True
