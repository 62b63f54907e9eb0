"""A finished training is recognised by its identity, and only while its result is whole."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from workflow_scripts.common.storage import atomic_write, write_json
from workflow_scripts.train.resume import IDENTITY_FILE, is_finished

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
