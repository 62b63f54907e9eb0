"""One shard of simulated scans for all tests of this folder."""

from pathlib import Path

import pytest

from tests.vqa.scans.simulated import make_scans, run_generate


@pytest.fixture(scope="session")
def scan_shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scans of generated houses with their chosen frames; do not change them."""
    return make_scans(tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="session")
def samples_path(scan_shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is asked about them; do not change it."""
    return run_generate(scan_shard, tmp_path_factory.mktemp("samples"))
