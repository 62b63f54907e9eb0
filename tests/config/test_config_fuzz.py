"""Hundreds of broken configurations: each is refused in lines that name the place, or is valid."""

import json
from pathlib import Path

import pytest
import yaml

from testing.mutations import byte_mutations, cpu_limit, json_mutations
from tests.config import MODEL
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.files import check_config_file
from workflow_scripts.config.load import load_config

CONFIG = {
    "seed": 7,
    "sources": {"procthor": {"num_houses": 8, "houses": "generate"}, "images": None},
    "splits": {"train": 0.7, "val": 0.1, "test": 0.2},
    "views": {"width_px": 64, "preset": "draft", "policies": {"corner": 2, "top_down": 0}},
    "captions": {"base_url": "http://127.0.0.1:9/v1", "max_cost_usd": 5.0},
    "vqa": {"families": ["wider"], "weights": {"left_right": 5}, "margin_m": 0.1},
    "train": {"experiments": {"a": {"kind": "vlm", "lora": {"r": 8}}, "b": {"kind": "pose"}}},
    "evaluate": {
        "benchmarks": {"b": {"format": "vsi-bench", "path": "b.json", "images": "b"}},
        "keypoint_noise": [1, 2.5],
    },
}


def load_file(path: Path) -> None:
    """Read a configuration file as the workflow does."""
    check_config_file(path)
    config = yaml.safe_load(path.read_bytes().decode("utf-8-sig"))
    resolved = load_config(config, MODEL, files=[path]).model_dump(mode="json")
    json.dumps(resolved).encode()


def test_the_unbroken_configuration_is_valid(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(CONFIG))
    load_file(tmp_path / "c.yaml")


@pytest.mark.parametrize("kind", ["values", "bytes"])
def test_a_broken_configuration_is_refused_or_valid(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c.yaml"
    text = yaml.safe_dump(CONFIG).encode()
    mutated = json_mutations(CONFIG, seed=5) if kind == "values" else byte_mutations(text, seed=6)
    refused = 0
    for broken in mutated:
        path.write_bytes(broken)
        with cpu_limit():
            try:
                load_file(path)
            except UserError as error:
                message = str(error)
                message.encode()
                assert message.startswith(("the configuration is wrong", str(path)))
                assert len(message) < 20_000
                refused += 1
    assert refused > 200
