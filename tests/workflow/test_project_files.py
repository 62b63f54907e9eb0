"""What contributors and services read: Makefile, versions, hooks, templates, the CI workflow."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import GROUPS, group_of
from tests.workflow.test_layout import ROOT, tracked

MAKEFILE = (ROOT / "Makefile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = ("eval", "test", "test-cluster", "lint", "schema", "benchmarks", "docs", "env")


def test_make_help_lists_every_target() -> None:
    printed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = {line.split()[0] for line in printed.splitlines()}
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony is not None
    assert listed == set(phony[1].split())
    assert listed >= set(TARGETS)


def test_the_version_is_the_same_everywhere() -> None:
    version = PYPROJECT["project"]["version"]
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]) == version
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest is not None
    assert newest[1] == version


def test_the_ci_workflow_calls_the_ci_script_within_its_time() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])
    assert (ROOT / ".ci/run").stat().st_mode & 0o100


def test_templates_and_hooks_are_valid_yaml() -> None:
    for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        assert yaml.safe_load(path.read_text()), path
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} == {"ruff", "ruff-format", "snakefmt", "mypy"}
    for hook in hooks:
        # The tools of `make lint`, in the environment of `make env`.
        assert hook["entry"].startswith(".venv/bin/")
        assert f"$(BIN)/{hook['entry'].split()[0].removeprefix('.venv/bin/')}" in MAKEFILE


def test_types_are_checked_strictly_everywhere() -> None:
    mypy = PYPROJECT["tool"]["mypy"]
    assert mypy["strict"] is True
    assert mypy["files"] == ["workflow_scripts"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_of_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_contributing_names_what_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"\bmake ([a-z-]+)", text))
    assert targets <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    for name in re.findall(r"`((?:workflow_scripts|tests|testing|rules|docs)/[\w/.]*)`", text):
        assert (ROOT / name).exists(), name


def test_tests_that_share_something_expensive_are_in_one_group(
    request: pytest.FixtureRequest,
) -> None:
    """A renamed file, test or fixture must not leave a group, or a group a test."""
    items = request.session.items
    if not set(tracked("tests/workflow/test_*.py", "tests/slurm/test_*.py")) <= {
        item.path for item in items
    }:
        pytest.skip("only part of the tests were collected")
    groups = {name: [item for item in items if group_of(item.nodeid) == name] for name in GROUPS}
    assert all(groups.values())
    for fixture, names in (("cluster", {"slurm"}), ("finished_run", {"finished_run", "kills"})):
        users = [item for item in items if fixture in getattr(item, "fixturenames", ())]
        assert {group_of(item.nodeid) for item in users} == names
    assert len(groups["kills"]) == 1
    alone = [item for item in items if "no_cluster" in item.keywords]
    assert alone
    assert all(item in groups["slurm"] for item in alone)
