"""A configuration file that cannot be read is one line, before Snakemake reads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.project import ROOT, Project
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.files import check_config_file

BROKEN = [
    (b"seed: 7\nviews: {", "c.yaml:2: not valid YAML: "),
    (b"views:\n\twidth_px: 64\n", "c.yaml:2: not valid YAML: .*indent with spaces, not tabs"),
    (b"- a\n- b\n", "c.yaml: contains a list; a configuration has lines `key: value`"),
    (b"just text", "c.yaml: contains a str"),
    (b"", "c.yaml: contains nothing"),
    (b"seed: 7\nnames: caf\xe9\n", "c.yaml:2: not UTF-8; save the file as UTF-8"),
    ("seed: 7\n".encode("utf-16"), "c.yaml:1: not UTF-8"),
    (b"[" * 100_000, "c.yaml: nested too deeply"),
    (
        b"seed: !!python/name:os.system\n",
        "c.yaml:1: not valid YAML: could not determine a constructor",
    ),
    (b"seed: *nobody\n", "c.yaml:1: not valid YAML: found undefined alias"),
    (b"when: 2024-99-99\n", "c.yaml: not valid YAML: month must be"),
    (b"seed: \x00\n", "c.yaml: not valid YAML: unacceptable character"),
    (b"a: &a [*a]\n", "c.yaml: its anchors .* contain themselves"),
    (
        b"a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (name, name, b", ".join([b"*%c" % (name - 1)] * 10))
            for name in b"bcdefghi"
        ),
        "c.yaml: its anchors .* expand to more than 100000 values",
    ),
    (b"? [a]\n: 1\n", "c.yaml:1: not valid YAML: found unhashable key"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_a_broken_file_is_one_line_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_bytes(content)
    with pytest.raises(UserError, match=f"^{message}") as caught:
        check_config_file(tmp_path / "c.yaml")
    assert len(str(caught.value).splitlines()) == 1


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.yaml: no such file"):
        check_config_file(tmp_path / "no.yaml")
    with pytest.raises(UserError, match="a folder"):
        check_config_file(tmp_path)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbfseed: 7\r\n")
    check_config_file(tmp_path / "c.yaml")


def test_the_command_checks_what_make_eval_is_given(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 {x}.yaml")

    def check(*paths: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "workflow_scripts.config.files", *paths]
        environment = {**os.environ, "HOME": str(tmp_path)}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    assert check().returncode == 0
    (tmp_path / name).write_text("seed: 8\n")
    assert check(f"~/{name}").returncode == 0
    (tmp_path / name).write_text("seed: [\n")
    done = check(str(tmp_path / name))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert r"caf\xe9 {x}.yaml:2: not valid YAML" in done.stderr


@pytest.mark.parametrize(("content", "message"), [BROKEN[0], BROKEN[4], BROKEN[5]])
def test_snakemake_reports_the_projects_own_file_in_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    project = Project.create(tmp_path / "project")
    project.config_path.write_bytes(content)
    done = project.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert line.startswith("error: config.yaml")


def test_mistakes_in_the_configuration_come_without_lines_of_the_workflow(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.edit({"views": {"width_px": -3}})
    done = project.snakemake("--dry-run", check=False)
    printed = done.stdout + done.stderr
    assert printed.startswith("error: the configuration is wrong:\n  config.yaml:")
    assert "common.smk" not in printed
    assert not (project.folder / ".snakemake/run.lock").exists()
