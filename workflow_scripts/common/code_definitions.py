"""The top-level definitions of a Python file: a digest of each, and the names that it mentions.

Comments, docstrings and formatting do not count; decorators, defaults and annotations do.
"""

import ast
import gc
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from workflow_scripts.common.code_syntax import Import, Reader
from workflow_scripts.common.errors import UserError


@dataclass(slots=True, eq=False)
class Definition:
    """One top-level statement that is not an import.

    Attributes:
        kind: function, class, variable, main (`if __name__ == "__main__"`) or effect (the rest).
        digest: of the statement's syntax tree.
        mentions: dotted names that are not local variables: `name`, `module.attribute`.
        called: those called while the module is imported, decorators and base classes.
        strings: short string constants; `*` stands for what an f-string fills in.
        imports: made inside of it.
        dynamic: the names of `code_syntax.DYNAMIC` in it.
        mutates: it changes a variable of a module, or has a hook that may.
    """

    kind: str
    digest: bytes
    mentions: frozenset[str]
    called: frozenset[str]
    strings: frozenset[str]
    imports: tuple[Import, ...]
    dynamic: frozenset[str]
    mutates: bool


@dataclass(slots=True, eq=False)
class Module:
    """A file: its definitions in order, and what each top-level name is bound to."""

    name: str
    path: Path
    is_package: bool
    definitions: list[Definition] = field(default_factory=list)
    bindings: dict[str, list[Definition | Import]] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)

    def bind(self, name: str, value: Definition | Import) -> None:
        """Add what a name may stand for: every one counts where there are several."""
        if name:
            self.bindings.setdefault(name, []).append(value)


def read_module(path: Path, name: str) -> Module:
    """Return the definitions of a file; `UserError` for a file that Python cannot parse."""
    module = Module(name, path, path.name == "__init__.py")
    # The collector would walk over a million new nodes again and again: most of the time spent.
    collects = gc.isenabled()
    gc.disable()
    try:
        _fill(module, ast.parse(path.read_bytes(), str(path)).body)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}:{line}" if line else str(path)
        raise UserError(f"{where}: not valid Python: {getattr(error, 'msg', error)}") from None
    finally:
        if collects:
            gc.enable()
    return module


def _fill(module: Module, statements: Iterable[ast.stmt]) -> None:
    names = module.name.split(".")
    package = names if module.is_package else names[:-1]
    for statement in statements:
        reader = Reader(package)
        reader.visit(statement)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module.imports += reader.imports
            for one in reader.imports:
                module.bind(one.local, one)
            continue
        if not reader.out:  # a docstring
            continue
        definition = _definition(_kind(statement, reader), reader)
        module.definitions.append(definition)
        for name in reader.bound:
            module.bind(name, definition)
        if definition.kind == "effect":
            for one in reader.imports:
                module.bind(one.local, one)


def _kind(statement: ast.stmt, reader: Reader) -> str:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return "function"
    if isinstance(statement, ast.ClassDef):
        return "class"
    if isinstance(statement, ast.If) and _is_main_guard(statement):
        return "main"
    plain = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    is_variable = plain or statement.__class__.__name__ == "TypeAlias"
    return "variable" if is_variable and not reader.mutated else "effect"


def _is_main_guard(statement: ast.If) -> bool:
    return not statement.orelse and ast.unparse(statement.test) == "__name__ == '__main__'"


def _definition(kind: str, reader: Reader) -> Definition:
    text = "\0".join(reader.out).encode("utf-8", "surrogatepass")
    return Definition(
        kind,
        blake2b(text, digest_size=16).digest(),
        frozenset(reader.mentions),
        frozenset(reader.called),
        frozenset(reader.strings),
        tuple(reader.imports),
        frozenset(reader.dynamic - ({"__name__"} if kind == "main" else set())),
        bool(reader.mutated or reader.has_hook),
    )
