"""Each conda environment holds what the rules that use it import, at the pinned versions."""

import ast
import re
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.workflow.test_layout import ROOT, RULE_FILES, modules_of, rules_of
from workflow_scripts.experiments import EXPERIMENT_KINDS

# RLBench's own environment needs an older NumPy; tests/views/test_coppeliasim.py looks after it.
ENVIRONMENTS = sorted(path for path in (ROOT / "envs").glob("*.yaml") if path.stem != "coppeliasim")
# Reached through the descriptions of sources, whose shards Snakemake's own process plans: commands
# in these environments never import it.
PLANNING_ONLY = {"evaluate": {"prior", "datasets"}, "exports": {"prior", "av"}}
# A model asks DeepSpeed for weights that ZeRO-3 has divided, and only a training divides them.
TRAINING_ONLY = {"evaluate": {"deepspeed"}}


def listed_packages(path: Path) -> dict[str, str]:
    """Return the pip packages of an environment file: normalised name -> version."""
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    packages = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return {
        normalise_name(name): version for name, version in (text.split("==") for text in packages)
    }


def normalise_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def transitive_requirements(name: str) -> frozenset[str]:
    """Return a package and all that it needs."""
    names, todo = set(), [normalise_name(name)]
    while todo:
        current = todo.pop()
        if current in names:
            continue
        names.add(current)
        try:
            needs = requires(current) or []
        except PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                todo.append(normalise_name(need.name))
    return frozenset(names)


@cache
def imported_modules(path: Path) -> frozenset[str]:
    """Return the names of all modules that a file imports, also inside functions and by name."""
    text = path.read_text()
    names = set(re.findall(r'"(workflow_scripts(?:\.\w+)+):\w+"', text))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def third_party_distributions(script: Path) -> set[str]:
    """Return the distributions that a script and all of our modules it reaches import."""
    distributions = packages_distributions()
    names, seen, todo = set(), set(), [script]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imported_modules(path):
            top = name.split(".")[0]
            if top == "workflow_scripts":
                base = ROOT / name.replace(".", "/")
                for candidate in (base.with_suffix(".py"), base / "__init__.py"):
                    todo += [candidate] if candidate.is_file() else []
            elif top not in sys.stdlib_module_names and top in distributions:
                names.add(normalise_name(distributions[top][0]))
    return names


def registered_modules() -> dict[str, list[str]]:
    """Return the commands of the rules that a loop over the kinds of experiments makes."""
    kinds = list(EXPERIMENT_KINDS.values())
    answering = [one.module for kind in kinds for one in kind.predictors]
    return {
        "evaluate": [*answering, *(kind.scorer.module for kind in kinds)],
        "train": [kind.training.module for kind in kinds if kind.training],
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_pins_agree_with_the_pins_file(environment: Path) -> None:
    pins = dict(line.split("==") for line in (ROOT / "envs/pins.txt").read_text().split())
    pins = {normalise_name(name): version for name, version in pins.items()}
    assert listed_packages(environment).items() <= pins.items()


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_holds_what_its_rules_import(environment: Path) -> None:
    available = {
        need for name in listed_packages(environment) for need in transitive_requirements(name)
    }
    scripts = [
        (rule, module)
        for path in RULE_FILES
        for rule, text in rules_of(path).items()
        if f"envs/{environment.name}" in text
        for module in modules_of(text)
    ]
    scripts += [(module, module) for module in registered_modules().get(environment.stem, ())]
    missing: dict[str, set[str]] = {}
    for name, module in scripts:
        script = ROOT / f"{module.replace('.', '/')}.py"
        lacking = third_party_distributions(script) - available
        for unused in (PLANNING_ONLY, TRAINING_ONLY):
            lacking -= unused.get(environment.stem, set())
        if lacking:
            missing[name] = lacking
    assert not missing
