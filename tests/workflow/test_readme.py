"""What README says is true: the picture of the rules, the figures, the scores, the commands."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from benchmarks.update_readme import PAGE, figures
from testing.project import Project
from tests.config import resolved
from tests.workflow.test_layout import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
RULES = sorted((ROOT / "rules").glob("*.smk"))
STAGES = [
    name
    for name in re.findall(r"rules/(\w+)\.smk", (ROOT / "Snakefile").read_text())
    if name not in ("common", "cluster")
]


def block(name: str, page: str = README) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", page, re.DOTALL)
    assert found is not None, f"the page has no block {name}"
    return found[1].strip()


def arrows(mermaid: str) -> set[tuple[str, str]]:
    """Return the (rule, next rule) pairs of a mermaid graph."""
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", mermaid, re.MULTILINE))
    pairs = re.findall(r"^\s*(id\d+) --> (id\d+)", mermaid, re.MULTILINE)
    return {(names[before], names[after]) for before, after in pairs}


def stage_of_rules() -> dict[str, str]:
    """Return the stage of every rule, which is where its log lies."""
    logs = re.findall(r"logs/(\w+)/(\w+)(?:/|\.log)", "".join(map(Path.read_text, RULES)))
    return {rule: stage for stage, rule in logs}


def test_the_drawing_of_the_stages_is_the_workflow_s(project: Project) -> None:
    """The stages stand in the order of the Snakefile, and no rule needs one of a later stage."""
    drawing = re.search(r"flowchart LR\n(.*?)\n```", README, re.DOTALL)
    assert drawing is not None
    stages = drawing[1].split(" --> ")
    assert [stage.strip() for stage in stages] == [stage.strip() for stage in STAGES]
    drawn = arrows(project.snakemake("--rulegraph", "mermaid-js").stdout)
    assert len(drawn) > 10
    order = {stage: number for number, stage in enumerate(STAGES)}
    stage_of = stage_of_rules()
    placed = {rule for arrow in drawn for rule in arrow if rule in stage_of}
    assert {stage_of[rule] for rule in placed} == set(STAGES)
    for before, after in drawn:
        if before in stage_of and after in stage_of:
            assert order[stage_of[before]] <= order[stage_of[after]], (before, after)


def test_figures_are_those_that_the_benchmarks_wrote() -> None:
    assert block("figures", PAGE.read_text(encoding="utf-8")) == figures()


def test_pictures_and_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_make_targets_and_modules_that_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for module in re.findall(r"python -m ((?:benchmarks|workflow_scripts)[\w.]+)", README):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


NAMES = ("my studies/long.yaml", "a{b}.yaml", "it's.yaml", 'say "hi".yaml', "-n.yaml", "50%.yaml")


@pytest.mark.parametrize("name", [*NAMES, "", "~/mine.yaml", b"caf\xe9.yaml"])
def test_make_takes_a_configuration_of_any_name(tmp_path: Path, name: str | bytes) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("python", "snakemake"):
        (programs / program).write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@" >> "$PRINTED"\n')
        (programs / program).chmod(0o755)
    printed = tmp_path / "printed"
    command = ["make", "-o", "env", "eval", f"VENV={tmp_path}", b"CONFIG=" + os.fsencode(name)]
    environment = {**os.environ, "PRINTED": str(printed), "HOME": "/home folder"}
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    words = printed.read_bytes().splitlines()
    path = os.fsencode(name).replace(b"~", b"/home folder")
    assert words[-1] == (b"--configfile=" + path if name else b"results/report.html")
    checked = words[: words.index(os.fsencode(programs / "snakemake"))]
    assert checked[1:3] == [b"-m", b"workflow_scripts.config.files"]
    assert checked[3:] == ([os.fsencode(name)] if name else [])


@pytest.mark.parametrize("line", re.findall(r"^snakemake .*--config .*", README, re.MULTILINE))
def test_settings_on_command_lines_are_valid(line: str) -> None:
    words = shlex.split(line)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    if "--configfile" in words:
        study = ROOT / words[words.index("--configfile") + 1]
        update_config(config, yaml.safe_load(study.read_text()))
    update_config(config, parse_config([words[words.index("--config") + 1]]))
    resolved(config)


def test_results_page_names_every_kind_of_file(finished_run: Project) -> None:
    page = Path(ROOT / "results/README.md").read_text()
    results = finished_run.folder / "results"
    for folder in sorted(path.name for path in results.iterdir() if path.is_dir()):
        assert f"`{folder}/" in page, folder
