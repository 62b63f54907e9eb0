"""The generated schema and page of the configuration say what the models say."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from benchmarks.configuration import ROOT, generated

FILES = generated()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path], "run `make schema`"


def test_the_schema_accepts_the_shipped_configuration_and_refuses_mistakes() -> None:
    schema = yaml.safe_load((ROOT / "rules/schemas/config.schema.yaml").read_text())
    check = jsonschema.Draft202012Validator(schema)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert list(check.iter_errors(config)) == []
    config["views"]["preset"] = "hihg"
    config["train"]["experiments"]["tiny-lora"]["stepz"] = 1
    assert len(list(check.iter_errors(config))) == 2


def test_the_shipped_configuration_is_short() -> None:
    assert len((ROOT / "config.yaml").read_text().splitlines()) <= 80
