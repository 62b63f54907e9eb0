"""The fingerprints of the project's own commands: what runs again after a change."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from workflow_scripts.common.code_fingerprint import CodeGraph, fingerprint

ROOT = Path(__file__).parents[2]
PACKAGE = "workflow_scripts"
COMMANDS = sorted(
    {
        name
        for path in (ROOT / "rules").glob("*.smk")
        for name in re.findall(rf"python -m ({PACKAGE}(?:\.\w+)+)", path.read_text())
    }
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project's code."""
    root = tmp_path_factory.mktemp("project")
    skip = shutil.ignore_patterns("__pycache__", "*.nbc", "*.nbi")
    shutil.copytree(ROOT / PACKAGE, root / PACKAGE, ignore=skip)
    return root


def every_digest(root: Path) -> dict[str, str]:
    graph = CodeGraph(root, PACKAGE)
    return {name: graph.fingerprint(name) for name in COMMANDS}


@pytest.fixture(scope="module")
def before(copied: Path) -> dict[str, str]:
    """Return the fingerprints of the copy as it is: whoever changes a file puts it back."""
    return every_digest(copied)


def runs_again(before: Mapping[str, str], root: Path, path: Path, text: str) -> set[str]:
    """Return the commands whose fingerprint changes with a file's text; put the old text back."""
    old = path.read_text()
    path.write_text(text)
    try:
        after = every_digest(root)
    finally:
        path.write_text(old)
    return {name for name in COMMANDS if before[name] != after[name]}


def docstrings(tree: ast.AST) -> list[ast.Expr]:
    return [
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node) is not None
        and isinstance(node.body[0], ast.Expr)
    ]


def test_words_in_any_file_of_the_project_change_nothing(
    copied: Path, before: dict[str, str]
) -> None:
    texts = {path: path.read_text() for path in (copied / PACKAGE).rglob("*.py")}
    for path, text in texts.items():
        lines = text.encode().split(b"\n")
        for node in sorted(docstrings(ast.parse(text)), key=lambda one: -one.lineno):
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            rest = lines[node.end_lineno - 1][node.end_col_offset :]
            first = lines[node.lineno - 1][: node.col_offset]
            lines[node.lineno - 1 : node.end_lineno] = [first + b'"""Other.\n\nWords."""' + rest]
        path.write_bytes(b"\n".join(lines) + b"\n# A comment.\n")
    assert sum(path.read_text() != text for path, text in texts.items()) == len(texts)
    try:
        assert every_digest(copied) == before
    finally:
        for path, text in texts.items():
            path.write_text(text)


def test_a_constant_of_view_selection_runs_views_and_no_scenes(
    copied: Path, before: dict[str, str]
) -> None:
    path = copied / PACKAGE / "views/policies.py"
    text = path.read_text()
    number = re.search(r"^[A-Z_]+ = ([\d.]+)", text, re.MULTILINE)
    assert number is not None
    other = f"{text[: number.start(1)]}1{text[number.start(1) :]}"
    renders = {f"{PACKAGE}.views.shard", f"{PACKAGE}.views.scans.render_walks"}
    assert runs_again(before, copied, path, other) == renders


def imported(root: Path) -> dict[str, set[str]]:
    """Return the modules that each module's text names, by a simple search: too many, if any."""
    names = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in (root / PACKAGE).rglob("*.py")
    }
    found: dict[str, set[str]] = {}
    for name in names:
        text = name_path(root, name).read_text()
        words = set(re.findall(rf"{PACKAGE}(?:\.\w+)*", text))
        for base, inside in re.findall(rf"from ({PACKAGE}[\w.]*) import (\([^)]*\)|[^\n]*)", text):
            words |= {f"{base}.{one}" for one in re.findall(r"\w+", inside)}
        if "import_module(f" in text:  # the tasks of robots
            words |= {one for one in names if ".robots.tasks." in one}
        found[name] = words & names
    return found


def closure(edges: Mapping[str, set[str]], start: str) -> set[str]:
    seen, waiting = set[str](), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += edges[name]
            waiting += [name.rpartition(".")[0]] if "." in name else []
    return seen


def functions(path: Path) -> list[ast.FunctionDef]:
    return [one for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef)]


@pytest.mark.parametrize("stem", ["storage", "records", "cameras", "seeds"])
def test_a_shared_function_runs_its_users_only(
    copied: Path, before: dict[str, str], stem: str
) -> None:
    """Users: the commands that import a module of which a definition with that name is used."""
    path = next(p for p in (copied / PACKAGE).rglob(f"{stem}.py") if functions(p))
    module = ".".join(path.relative_to(copied).with_suffix("").parts)
    edges = imported(copied)
    texts = {name: name_path(copied, name).read_text() for name in edges}
    closures = {name: closure(edges, name) for name in COMMANDS}
    importers = {name for name in COMMANDS if module in closures[name]}
    chosen = functions(path)[::3][:4]
    sizes = []
    for function in chosen:
        lines = path.read_text().split("\n")
        line = function.body[-1].lineno - 1
        margin = " " * function.body[-1].col_offset
        other = "\n".join([*lines[:line], f"{margin}assert 1", *lines[line:]])
        found = runs_again(before, copied, path, other)
        assert found <= importers, function.name
        mentions = re.compile(rf"\b{function.name}\b")
        counts = {name: len(mentions.findall(one)) for name, one in texts.items()}
        for command in found:
            assert sum(counts[name] for name in closures[command]) > 1, command
        sizes.append(len(found))
    assert any(size < len(importers) for size in sizes) or len(chosen) == 1


def name_path(root: Path, name: str) -> Path:
    path = root.joinpath(*name.split("."))
    package = path / "__init__.py"
    return package if package.is_file() else path.with_suffix(".py")


TRACE = """
import importlib, json, sys
called = set()
def note(frame, event, argument):
    called.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))
sys.setprofile(note)
module = importlib.import_module(sys.argv[1])
sys.setprofile(None)
print(json.dumps([
    [m.__name__, m.__file__] for m in list(sys.modules.values())
    if m.__name__.startswith("workflow_scripts") and getattr(m, "__file__", None)
]))
print(json.dumps(sorted(called)))
"""


@pytest.mark.parametrize(
    "module", ["views.shard", "vqa.generate_questions", "pointclouds.fuse_shard", "evaluate.score"]
)
def test_what_an_import_really_runs_is_in_reach(module: str) -> None:
    """Modules that Python imports, and the functions of the project that run meanwhile."""
    name = f"{PACKAGE}.{module}"
    done = subprocess.run(
        [sys.executable, "-c", TRACE, name],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    modules, called = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    graph = CodeGraph(ROOT, PACKAGE)
    reach = graph.reach(name)
    assert {one for one, _ in modules} <= {one.name for one in reach.modules}
    assert called
    by_file = {str(one.path): one for one in reach.modules}
    used = {
        (by_file[file].name, function.name)
        for file, line in called
        if file in by_file
        for function in functions(Path(file))
        if line == min([function.lineno, *(one.lineno for one in function.decorator_list)])
    }
    # A variable that runs a function when it is made counts when it is used; if it is not, its
    # function need not. Whoever is not in reach must then be called by no definition in reach.
    for owner, function in used:
        bound = graph.module(owner).bindings[function]  # type: ignore[union-attr]
        if not any(one in reach.definitions for one in bound):
            names = {m.rpartition(".")[2] for d in reach.definitions for m in d.mentions}
            assert function not in names, f"{owner}.{function}"


def test_the_commands_of_all_rules_take_half_a_second(copied: Path) -> None:
    best = 9.0
    for _ in range(3):
        start = time.process_time()
        every_digest(copied)
        best = min(best, time.process_time() - start)
    assert best < 2.0  # 0.5 on a machine that does nothing else
    assert fingerprint(COMMANDS[0], root=copied)
