"""Kinds of experiments are described in their own files; nothing else compares their names."""

import re
import subprocess
from pathlib import Path

import pytest

from workflow_scripts.common.code_fingerprint import fingerprint
from workflow_scripts.experiments import EXPERIMENT_KINDS
from workflow_scripts.experiments.base import Arguments

ROOT = Path(__file__).parents[2]


def test_every_kind_has_its_name_and_commands_that_exist() -> None:
    for name, kind in EXPERIMENT_KINDS.items():
        assert kind.name == name
        assert kind.settings.model_fields["kind"].default == name
        for part in (kind.training, *kind.predictors, kind.scorer):
            if part is not None:
                assert fingerprint(part.module)


@pytest.mark.parametrize("name", EXPERIMENT_KINDS)
def test_no_other_file_compares_a_kind(name: str) -> None:
    compared = re.compile(rf"""(kind|benchmark)\b.{{0,20}}(==|!=|\bin\b).{{0,30}}["']{name}["']""")
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.smk", "*.j2", "Snakefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = [
        path
        for path in listed
        if not path.startswith(("tests/", "testing/", "benchmarks/"))
        and path != f"workflow_scripts/experiments/{name}.py"
        and (ROOT / path).is_file()
        and compared.search((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert not found


def test_arguments_are_quoted_and_empty_flags_left_out() -> None:
    arguments = Arguments(
        settings='{"a": 1}',
        inputs={"views": ["a b.zarr", "c.zarr"], "no_files": []},
        dependencies={"weights": "w.safetensors"},
        flags={"base": "org/model"},
    )
    assert arguments.command_line() == (
        """--settings '{"a": 1}' --views 'a b.zarr' c.zarr --base org/model"""
    )
    assert arguments.paths() == ["a b.zarr", "c.zarr", "w.safetensors"]
