"""Every longer configuration under studies/ is one that the workflow accepts."""

from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from tests.config import resolved

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_is_a_valid_configuration(path: Path) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load(path.read_text()))
    resolved(config)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_docs_say_how_to_run_a_study(path: Path) -> None:
    pages = [(ROOT / name).read_text() for name in ("README.md", "docs/results.md")]
    assert any(f"make eval CONFIG=studies/{path.name}" in page for page in pages)
