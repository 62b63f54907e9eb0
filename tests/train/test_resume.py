"""A finished training is recognised by its identity; what is damaged is not resumed."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workflow_scripts.common.storage import atomic_write, write_json
from workflow_scripts.train.resume import (
    COMPLETE_MARKER,
    IDENTITY_FILE,
    is_finished,
    prepare_resume,
    write_checkpoint_checksums,
)

IDENTITY = {"name": "tiny-lora", "seed": 7}


def test_a_damaged_result_is_not_finished(tmp_path: Path) -> None:
    spec: Any = SimpleNamespace(result=tmp_path / "result", checkpoints=tmp_path)
    assert not is_finished(spec, IDENTITY)
    write_json(tmp_path / IDENTITY_FILE, IDENTITY)
    with atomic_write(spec.result, checksum=True) as partial:
        partial.mkdir()
        (partial / "model.safetensors").write_bytes(bytes(100_000))
    assert is_finished(spec, IDENTITY)
    assert not is_finished(spec, {**IDENTITY, "seed": 8})
    (spec.result / "model.safetensors").write_bytes(bytes(50_000) + b"\1" + bytes(49_999))
    assert not is_finished(spec, IDENTITY)
    (spec.result / "model.safetensors").unlink()
    assert not is_finished(spec, IDENTITY)


def save_checkpoint(folder: Path, step: int) -> Path:
    """Write a checkpoint as a training does that saves to the end."""
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "optimizer.pt"):
        (checkpoint / name).write_bytes(bytes([step]) * 200_000)
    write_json(checkpoint / COMPLETE_MARKER, {"loss_sum": 1.0, "num_steps": step})
    write_checkpoint_checksums(checkpoint)
    return checkpoint


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt", COMPLETE_MARKER])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_passed_over(
    tmp_path: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "checkpoints"
    prepare_resume(folder, IDENTITY)
    older, newer = save_checkpoint(folder, 10), save_checkpoint(folder, 20)
    assert prepare_resume(folder, IDENTITY) == newer
    file = newer / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    damaged = {"flip": bytes(content), "cut": bytes(content[:-10])}
    if damage == "remove":
        file.unlink()
    else:
        file.write_bytes(damaged[damage])
    with caplog.at_level(logging.WARNING):
        assert prepare_resume(folder, IDENTITY) == older
    if (name, damage) != (COMPLETE_MARKER, "remove"):
        assert "checkpoint-20" in caplog.text
        assert "an earlier checkpoint is" in caplog.text
    (older / "optimizer.pt").unlink()
    assert prepare_resume(folder, IDENTITY) is None


def test_a_checkpoint_that_was_killed_before_its_checksums_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    prepare_resume(folder, IDENTITY)
    older, newer = save_checkpoint(folder, 10), save_checkpoint(folder, 20)
    (folder / ".checksums/checkpoint-20.json").unlink()
    assert prepare_resume(folder, IDENTITY) == older
    # Saved again, it counts; checksums of checkpoints that are gone are removed.
    write_json(newer / COMPLETE_MARKER, {"loss_sum": 1.0, "num_steps": 20})
    (folder / ".checksums/checkpoint-5.json").write_text("{}")
    write_checkpoint_checksums(newer)
    assert prepare_resume(folder, IDENTITY) == newer
    names = {path.name for path in (folder / ".checksums").iterdir()}
    assert names == {"checkpoint-10.json", "checkpoint-20.json"}
