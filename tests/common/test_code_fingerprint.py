"""What changes the fingerprint of a command's code, and what does not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.common.code_changes import CHANGES, files_of
from workflow_scripts.common.code_fingerprint import CodeGraph, code_of
from workflow_scripts.common.errors import UserError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the root of a small project: two commands and what they share."""
    write(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/render.py": """
                from app.shared import draw, LIMIT as limit

                def main() -> None:
                    draw(limit)

                if __name__ == "__main__":
                    main()
                """,
            "app/count.py": """
                import app.shared as shared

                def main() -> int:
                    return shared.count()

                if __name__ == "__main__":
                    main()
                """,
            "app/shared.py": """
                LIMIT = 3
                STEP = 1

                def draw(limit):
                    return pen(limit)

                def pen(limit):
                    return limit

                def count():
                    return STEP

                def unused():
                    return 0
                """,
        },
    )
    return tmp_path


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.strip("\n").split("\n")
        margin = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
        path.write_text("".join(f"{line[margin:]}\n" for line in lines))


def digest(root: Path, module: str = "app.render", backends: tuple[str, ...] = ()) -> str:
    """Return a fingerprint from files as they are now."""
    return CodeGraph(root, module.partition(".")[0]).fingerprint(module, backends)


def changed(root: Path, file: str, old: str, new: str, module: str = "app.render") -> bool:
    """Say whether a change of a file's text changes a module's fingerprint; undo the change."""
    path = root / file
    text = path.read_text()
    assert old in text
    before = digest(root, module)
    path.write_text(text.replace(old, new, 1))
    try:
        return digest(root, module) != before
    finally:
        path.write_text(text)


def test_a_definition_counts_for_those_that_reach_it(project: Path) -> None:
    for old, new, who in (
        ("return limit", "return -limit", ["app.render"]),
        ("LIMIT = 3", "LIMIT = 4", ["app.render"]),
        ("STEP = 1", "STEP = 2", ["app.count"]),
        ("return 0", "return 1", []),
        ("def draw(limit)", "def draw(limit=0)", ["app.render"]),
        ("def draw(limit)", "def draw(limit: int)", ["app.render"]),
        ("def pen", "@staticmethod\ndef pen", ["app.render"]),
    ):
        both = ("app.count", "app.render")
        expected = [n for n in both if changed(project, "app/shared.py", old, new, n)]
        assert expected == who, new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return pen(limit)", "return pen(  # a pen\n        limit,\n    )"),
        ("    return pen", '    """Draw."""\n    return pen'),
        ("LIMIT = 3", '"""A module."""\nLIMIT = (3)\n"""The limit."""'),
        ("def unused", "\n\n\ndef unused"),
    ],
)
def test_words_and_formatting_do_not_count(project: Path, old: str, new: str) -> None:
    assert not changed(project, "app/shared.py", old, new)


def test_a_name_that_moves_to_other_code_counts(project: Path) -> None:
    write(project, {"app/other.py": "LIMIT = 3\n\ndef draw(limit):\n    return 5\n"})
    assert changed(project, "app/render.py", "app.shared import draw", "app.other import draw")
    assert changed(project, "app/shared.py", "def pen", "import numpy as limit\n\ndef pen") is False


def test_a_name_both_imported_and_assigned_in_a_function_counts(project: Path) -> None:
    write(
        project,
        {
            "app/render.py": "def start():\n    pen = None\n    try:\n"
            "        from app.low import pen\n    except ImportError:\n        pass\n"
            "    return pen\n\nstart()\n",
            "app/low.py": "def pen():\n    return 1\n",
        },
    )
    assert changed(project, "app/low.py", "return 1", "return 2")


def test_annotations_stay_with_their_arguments(project: Path) -> None:
    write(project, {"app/shared.py": "LIMIT = 3\ndef draw(a: int, b=0):\n    return a\n"})
    assert changed(project, "app/shared.py", "a: int, b=0", "a, b: int=0")


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_seen_through(project: Path, case: str) -> None:
    write(project, files_of(CHANGES[case], changed=False))
    before = digest(project)
    write(project, files_of(CHANGES[case], changed=True))
    assert digest(project) != before


def test_a_decorator_that_registers_nothing_is_followed_by_name(project: Path) -> None:
    write(
        project,
        {
            "app/render.py": "from app.low import one\n\none()\n",
            "app/low.py": "from functools import cache\n@cache\ndef one():\n    return 1\n"
            "@cache\ndef two():\n    return 2\n",
        },
    )
    assert not changed(project, "app/low.py", "return 2", "return 3")


def test_the_main_part_counts_for_the_command_alone(project: Path) -> None:
    write(project, {"app/render.py": "from app.count import main\n\nmain()\n"})
    main = ('if __name__ == "__main__":\n    ', 'if __name__ == "__main__":\n    print();')
    assert not changed(project, "app/count.py", *main)
    assert changed(project, "app/count.py", *main, "app.count")


def test_chosen_backends_count_alone_in_their_table(project: Path) -> None:
    write(
        project,
        {
            "app/render.py": 'BACKENDS = {"a": "app.a:go", "b": "app.b:go"}\n'
            'OTHERS = {"c": "app.c:go"}\nprint(BACKENDS, OTHERS)\n',
            **{f"app/{name}.py": "def go():\n    return 1\n" for name in "abc"},
        },
    )
    graphs = {}
    for name in "abc":
        before = {one: digest(project, backends=one) for one in [("app.a",), ("app.b:go",), ()]}
        (project / f"app/{name}.py").write_text("def go():\n    return 2\n")
        graphs[name] = [
            digest(project, backends=one) != expected for one, expected in before.items()
        ]
    assert graphs == {"a": [True, False, True], "b": [False, True, True], "c": [True] * 3}
    with pytest.raises(UserError, match=r"app\.render: no table .* lists app\.nothing"):
        digest(project, backends=("app.nothing",))


def test_what_cannot_be_read_is_named(project: Path) -> None:
    with pytest.raises(UserError, match=r"app\.none: no such module"):
        digest(project, "app.none")
    write(project, {"app/shared.py": "def broken(:\n    pass\n"})
    with pytest.raises(UserError, match=r"app/shared\.py:1: not valid Python"):
        digest(project)
    write(project, {"app/shared.py": "from app.gone import draw, LIMIT\n"})
    with pytest.raises(UserError, match=r"app/shared\.py: imports app\.gone, which does not exist"):
        digest(project)
    write(project, {"app/shared.py": "try:\n    import app.gone\nexcept ImportError:\n    pass\n"})
    assert digest(project)


def test_rules_get_a_function_of_the_wildcards(project: Path) -> None:
    write(project, {"app/count.py": 'T = {"a": "app.shared:draw", "b": "app.shared:count"}\n'})
    code = code_of("app.render", "app.count", root=project)
    assert code(None) == f"{digest(project)}-{digest(project, 'app.count')}"
    chosen = code_of("app.count", root=project, backends=lambda wildcards: [wildcards])
    assert chosen("app.shared:draw") != chosen("app.shared:count")
