"""Names are terms that engineers of this field search for: those that were replaced stay away.

Words in sentences are free; only identifiers count: names in Python and in rules, wildcards, file
names.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.workflow.test_layout import ROOT, tracked

# Not used for anything: banned name -> what is written instead.
BANNED = {
    "Sight": "ViewContext",
    "Sights": "ViewContext",
    "sights": "contexts",
    "Book": "ReferringExpressions",
    "Books": "ReferringExpressions",
    "Wishes": "QuestionConfig",
    "wishes": "question_config",
    "Asking": "QuestionContext",
    "Asker": "QuestionGenerator",
    "Asked": "GeneratedQuestion",
    "asked": "question_set, questions, requests",
    "asker": "generator",
    "Cell": "Stratum",
    "lot": "start_index",
    "Fact": "QuestionInstance",
    "told": "format_mismatches, messages",
    "mend": "fix",
    "mendable": "rejection_reason",
    "Lesson": "PretrainSample",
    "lesson": "sample",
    "lessons": "samples",
    "Course": "PretrainModel",
    "Heads": "AuxiliaryHeads",
    "leaving": "preemption",
    "is_leaving": "should_stop",
    "meet": "init_distributed",
    "begin_together": "broadcast_resume_checkpoint",
    "Ticket": "JobRecord",
    "ticket": "job_record",
    "living": "find_running_job",
    "carry_out": "run_or_attach",
    "carried": "supported",
    "deal": "assign_shards",
    "dealt": "assigned",
    "deals": "assigns",
    "deal_photos": "assign_photo_shards",
    "fittings": "doors_windows",
    "thing": "object, placed_object",
    "things": "objects, placed_objects",
    "Thing": "SceneObject",
    "soup": "mesh",
    "Spots": "SurfaceHits",
    "glint": "specular",
    "gone": "the plain noun",
    "wish": "the plain noun",
    "is_of_the_machine": "is_system_error",
    "is_litter": "is_system_file",
    "why_off": "disabled_reason",
    "never_off": "never_disabled",
    "ConnectionFault": "ConnectionProblem",
    "connection_fault": "connection_problem",
}
# Plain words in a formula or a loop; not the name of a module, class, function, parameter or field.
BANNED_DEFINITIONS = {
    "fault": "as_workflow_error, the kind of error",
    "film": "tone_mapping",
    "found": "hit_mask, matches, the plain noun",
    "looks": "materials",
    "spots": "surface_hits",
    "whole": "atomic_write",
}
BANNED_FILES = (*BANNED, *BANNED_DEFINITIONS, "cells", "exact", "eye", "survive")
# These say what the words of old files, keys and columns are replaced by.
EXEMPT = ("workflow_scripts/config/renamed.py",)


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of every identifier in a file of Python or of rules."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string
        elif token.type == tokenize.STRING and path.suffix == ".smk":
            yield from (
                (token.start[0], name)
                for name in re.findall(r"\{(?:wildcards\.)?(\w+)\}", token.string)
            )


def definitions(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of the classes, functions, parameters and fields of a Python file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            yield node.lineno, node.name
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                    yield part.lineno, part.target.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
            arguments = node.args
            every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
            yield from ((argument.lineno, argument.arg) for argument in every)


def test_replaced_names_are_not_used() -> None:
    word = re.compile(rf"\b({'|'.join(BANNED)})\b")
    used = [
        f"{path.relative_to(ROOT)}:{line}: {name}, write {BANNED[name]}"
        for path in tracked("*.py", "*.smk", "Snakefile")
        if str(path.relative_to(ROOT)) not in EXEMPT and word.search(path.read_text())
        for line, name in names(path)
        if name in BANNED
    ]
    assert not used, "\n".join(used)


def test_replaced_definitions_are_not_made() -> None:
    made = [
        f"{path.relative_to(ROOT)}:{line}: {name}, write {BANNED_DEFINITIONS[name]}"
        for path in tracked("*.py")
        for line, name in definitions(path)
        if name in BANNED_DEFINITIONS
    ]
    assert not made, "\n".join(made)


def test_replaced_names_are_not_names_of_files() -> None:
    files = [path.relative_to(ROOT) for path in tracked() if path.stem in BANNED_FILES]
    assert not files


def test_replaced_names_that_are_no_english_words_are_on_no_page() -> None:
    odd = ("Sights", "Asker", "mendable", *(name for name in BANNED if "_" in name))
    pattern = re.compile(rf"\b({'|'.join(odd)})\b")
    for path in tracked("*.md", "*.j2", "*.yaml", "*.rst", "*.toml", "Makefile"):
        name = str(path.relative_to(ROOT))
        if name not in ("docs/glossary.md", "CHANGELOG.md"):
            match = pattern.search(path.read_text())
            assert match is None, f"{name}: {match}"
