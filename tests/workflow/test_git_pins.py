"""Every package that is installed from git is pinned to a whole commit, everywhere the same."""

import re
import subprocess

from tests.workflow.test_layout import ROOT

PIN = re.compile(r"git\+https://[\w.-]+/([\w./-]+?)(?:\.git)?@([\w.-]+)")


def pins() -> list[tuple[str, str, str]]:
    """Return file, repository and revision of every pin in the project's files."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in (".yaml", ".yml", ".py", ".md", ".txt", ".toml", ".sh", ".smk"):
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            found += [(name, *match.groups()) for match in PIN.finditer(text)]
    return found


def test_a_commit_has_forty_hexadecimal_digits() -> None:
    assert {"envs/coppeliasim.yaml", "workflow_scripts/views/coppeliasim_install.py"} <= {
        name for name, _, _ in pins()
    }
    wrong = [pin for pin in pins() if not re.fullmatch(r"[0-9a-f]{40}", pin[2])]
    assert wrong == []


def test_a_repository_has_one_commit() -> None:
    commits: dict[str, set[str]] = {}
    for _, repository, commit in pins():
        commits.setdefault(repository, set()).add(commit)
    assert all(len(pinned) == 1 for pinned in commits.values()), commits
