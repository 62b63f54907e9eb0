"""Working copies of the project, and one finished tiny run that all tests share."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from testing.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a fresh copy with the tiny configuration and no results."""
    return Project.create(tmp_path / "project")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the tiny configuration once, undisturbed; do not change what it made.

    Its folder has a name as people give them, which every command of every rule has to stand.
    With several workers the first that needs the run makes it, and the others wait for it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished/Zoë's project"
    complete = shared / "finished/complete"
    with FileLock(shared / "finished.lock"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            project = Project.create(folder)
            project.snakemake("--cores", "2", "results/eval.csv", "results/report.html")
            complete.touch()
    return Project(folder)


@pytest.fixture
def copy_of_finished(finished_run: Project, tmp_path: Path) -> Callable[[], Project]:
    """Return a function that copies the finished run, file times and Snakemake's memory too."""

    def copy() -> Project:
        folder = tmp_path / "copy"
        shutil.copytree(finished_run.folder, folder, symlinks=True)
        return Project(folder)

    return copy
