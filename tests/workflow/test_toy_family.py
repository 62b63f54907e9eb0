"""A question family is one new file and one line: the configuration, a run and the docs have it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testing.vqa.scenes import furnished_shard

ROOT = Path(__file__).parents[2]
NAME = "toy_left_half"
FILE = f'''
"""Whether an object's mark is in the left half of the picture."""

import numpy as np

from workflow_scripts.vqa.question_types.base import QuestionContext, Requirements
from workflow_scripts.vqa.question_types.yes_no import PredicateValues, YesNo
from workflow_scripts.vqa.reasoning.question_instance import QuestionInstance, pixels, sentence


def in_left_half(context: QuestionContext) -> PredicateValues:
    """Say of every object how many pixels left of the middle its mark is."""
    view_context = context.view_context
    columns = view_context.mark_px[context.usable, 0]
    middle = view_context.size_px[0] / 2
    return PredicateValues(context.usable[:, None], middle - columns, np.zeros(len(columns)))


def _steps(question: QuestionInstance, digits: int) -> list[str]:
    (row,) = question.object_rows
    (column,) = pixels(question.view_context.mark_px[[row], 0])
    return [sentence(f"{{question.name(row)}} {{question.verb_be(row)}} at column {{column}}")]


TOY = YesNo(
    name="{NAME}",
    predicate=in_left_half,
    unit="px",
    reasoning=_steps,
    requires=Requirements(shape=False, position_independent=True),
    frame="picture",
    questions=("{{Is_a}} {{a}} in the left half of the picture?",),
    statements=("{{a}} {{is_a}} in the left half of the picture",),
    negations=("{{a}} {{is_a}} not in the left half of the picture",),
)
'''.lstrip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project to which the family was added."""
    copy = tmp_path_factory.mktemp("project")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("workflow_scripts", "benchmarks", "testing"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("rules", "envs", "docs", "Snakefile", "config.yaml", "pyproject.toml"):
        (copy / name).symlink_to(ROOT / name)
    (copy / "workflow_scripts/vqa/families/toy.py").write_text(FILE)
    registry = copy / "workflow_scripts/config/question_families.py"
    lines = registry.read_text().replace("\n}\n", f'\n    "{NAME}": "toy",\n}}\n')
    registry.write_text(lines)
    return copy


def run(project: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=project,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_dry_run_accepts_it(project: Path) -> None:
    settings = {"vqa": {"families": [NAME, "left_right"], "weights": {NAME: 2}}}
    (project / "mine.json").write_text(json.dumps(settings))
    done = run(project, "snakemake", "-n", "-p", "--cores", "1", "vqa", "--configfile", "mine.json")
    assert NAME in done.stdout + done.stderr


def test_a_run_asks_it_with_the_steps_to_its_answer(project: Path, tmp_path: Path) -> None:
    views = furnished_shard(tmp_path)
    out = tmp_path / "vqa"
    settings = {"families": [NAME], "min_pixels": 20, "forms": ["named", "marked", "region"]}
    run(
        project, "workflow_scripts.vqa.generate_questions", "--views", views,
        "--out", out / "0000.jsonl", "--images", out / "0000.images",
        "--dropped", out / "0000.dropped.jsonl", "--picture", out / "0000.png",
        "--settings", json.dumps(settings), "--with-reasoning", "--seed", "7",
    )  # fmt: skip
    questions = [json.loads(line) for line in (out / "0000.jsonl").read_text().splitlines()]
    assert {question["form"] for question in questions} == {"named", "marked", "region"}
    assert {question["truth"] for question in questions} == {"yes", "no"}
    for question in questions:
        assert question["family"] == NAME
        (referent,) = question["referents"]
        assert question["truth"] == ("yes" if referent["pixel"][0] < 80 else "no")
        assert "at column" in question["reasoning"]


def test_the_rule_runs_again_when_it_changes(project: Path) -> None:
    path = project / "workflow_scripts/vqa/families/toy.py"
    digests = []
    for text in (FILE, FILE.replace("[0] / 2", "[0] / 3"), f"# A comment.\n{FILE}"):
        path.write_text(text)
        command = ["from workflow_scripts.common.code_fingerprint import fingerprint"]
        command.append("print(fingerprint('workflow_scripts.vqa.generate_questions'))")
        done = subprocess.run(
            [sys.executable, "-c", "; ".join(command)],
            cwd=project,
            env=os.environ | {"PYTHONPATH": str(project)},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(done.stdout)
    assert digests[0] == digests[2] != digests[1]


def test_the_docs_list_it(project: Path, tmp_path: Path) -> None:
    run(project, "benchmarks.question_examples", "--out", tmp_path)
    row = next(
        line
        for line in (tmp_path / "questions.md").read_text().splitlines()
        if line.startswith(f"| `{NAME}` ")
    )
    assert "left half of the picture" in row
    assert (tmp_path / f"questions/{NAME}.jpg").stat().st_size > 0


def test_a_line_without_its_family_is_one_clear_error(project: Path, tmp_path: Path) -> None:
    registry = project / "workflow_scripts/config/question_families.py"
    text = registry.read_text()
    registry.write_text(text.replace(f'"{NAME}": "toy"', '"toy_of_another_name": "toy"'))
    try:
        with pytest.raises(AssertionError, match="'toy_of_another_name': 'toy' defines no such"):
            run(project, "benchmarks.question_examples", "--out", tmp_path)
    finally:
        registry.write_text(text)
