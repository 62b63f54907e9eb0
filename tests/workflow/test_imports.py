"""Which package may import which: arrows run one way, and no import leads back."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.workflow.test_layout import ROOT, STAGES, tracked

# stages -> models, experiments, layouts -> sources -> geometry, config -> common
LOWEST = ("common",)
LOW = ("geometry", "config", *LOWEST)
MIDDLE = ("layouts", "models", "experiments", "sources", *LOW)
ALLOWED = {
    "common": (),
    "geometry": LOWEST,
    "config": LOWEST,
    # Rooms are read from houses, and objects have the sizes of assets.
    "layouts": ("sources", *LOW),
    "models": LOW,
    "experiments": LOW,
    "sources": LOW,
    "cluster": MIDDLE,
    **dict.fromkeys(STAGES, MIDDLE),
}
# Records that hold cameras, boxes and outlines, which geometry does not know; and the kind of
# experiment whose settings hold those of a model's noise.
EXCEPTIONS = {
    ("workflow_scripts/experiments/pose.py", "models"),
    ("workflow_scripts/common/view_shard.py", "geometry"),
    ("workflow_scripts/common/measurements.py", "geometry"),
    ("workflow_scripts/common/drawn_shapes.py", "geometry"),
}
# Tests of what the benchmarks themselves generate, and of the plain versions that they time.
TESTS_OF_BENCHMARKS = {
    "tests/config/test_schema.py": ("configuration",),
    "tests/evaluate/video/test_report_section.py": ("scan_tables",),
    "tests/models/video/test_token_coordinates.py": ("token_coordinates",),
    "tests/vqa/test_docs.py": ("question_examples", "video_families"),
    "tests/vqa/scans/test_solvable_samples.py": ("scan_text_only",),
    "tests/vqa/scans/test_text_only.py": ("scan_text_only", "usual_descriptions"),
    "tests/vqa/test_truth.py": ("question_check",),
    "tests/workflow/test_layout.py": ("run",),
    "tests/workflow/test_readme.py": ("update_readme", "results_page"),
    "tests/workflow/test_rule_costs.py": ("rule_costs",),
}


def imports(path: Path, *, in_functions: bool = True) -> Iterator[str]:
    """Yield the dotted name of every module that a file imports, without or with functions."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if in_functions else tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if is_module(name) else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def is_module(name: str) -> bool:
    """Say whether a dotted name is a module or package of this project."""
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imports_of(package: str) -> Iterator[tuple[str, str]]:
    """Yield (file, dotted name) of every import in a top-level package."""
    for path in tracked(f"{package}/*.py"):
        for name in imports(path):
            yield str(path.relative_to(ROOT)), name


def test_every_package_has_its_arrows() -> None:
    folders = {path.parent.name for path in (ROOT / "workflow_scripts").glob("*/__init__.py")}
    assert folders == set(ALLOWED)


@pytest.mark.parametrize("package", ALLOWED)
def test_arrows_run_one_way(package: str) -> None:
    allowed = {*ALLOWED[package], package}
    for path, name in imports_of(f"workflow_scripts/{package}"):
        top, _, rest = name.partition(".")
        assert top not in ("tests", "testing", "benchmarks"), f"{path} imports {name}"
        imported = rest.partition(".")[0]
        if top == "workflow_scripts" and imported and (path, imported) not in EXCEPTIONS:
            assert imported in allowed, f"{path} imports {name}"


def test_no_import_leads_back() -> None:
    modules = {
        str(path.relative_to(ROOT))
        .removesuffix(".py")
        .removesuffix("/__init__")
        .replace("/", "."): path
        for path in tracked("workflow_scripts/*.py")
    }
    graph = {
        name: set(imports(path, in_functions=False)) & set(modules) - {name}
        for name, path in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_benchmarks_and_shared_helpers_do_not_import_tests() -> None:
    for package, forbidden in (("benchmarks", ("tests",)), ("testing", ("tests", "benchmarks"))):
        for path, name in imports_of(package):
            assert name.partition(".")[0] not in forbidden, f"{path} imports {name}"


def test_tests_import_only_the_benchmark_that_they_test() -> None:
    for path, name in imports_of("tests"):
        top, _, rest = name.partition(".")
        if top == "benchmarks" and rest:
            allowed = TESTS_OF_BENCHMARKS.get(path, ())
            assert rest.partition(".")[0] in allowed, f"{path} imports {name}"


# Every start of Snakemake, and each of its jobs on a cluster, waits for what the rules import.
SLOW_TO_IMPORT = ("matplotlib", "numba", "scipy", "shapely", "torch", "transformers")


def test_rules_import_nothing_that_only_jobs_need() -> None:
    text = "\n".join(path.read_text() for path in tracked("*.smk", "Snakefile"))
    modules = sorted(set(re.findall(r"^ *(?:from|import) (workflow_scripts[\w.]*)", text, re.M)))
    assert len(modules) > 20
    code = f"import sys, {', '.join(modules)}; print(*set({SLOW_TO_IMPORT}) & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not done.stdout.split()
