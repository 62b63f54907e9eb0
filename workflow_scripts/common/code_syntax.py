"""One walk over a statement of Python: its text without positions, and the names in it by scope."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

# What may name or make definitions that no name in the text leads to.
_BUILTINS = {"__import__", "globals", "vars", "eval", "exec"}
# As attributes: `model.eval()` is harmless.
_ATTRIBUTES = {
    *("import_module", "iter_modules", "walk_packages", "run_module", "run_path"),
    *("entry_points", "__subclasses__"),
}
_OWN_NAME = {"__package__", "__name__", "__path__", "__spec__"}
DYNAMIC = frozenset(_BUILTINS | _ATTRIBUTES | _OWN_NAME)
_MUTATORS = {
    *("append", "add", "update", "setdefault", "insert", "extend", "register", "appendleft"),
    *("remove", "pop", "clear"),
}
_HOOKS = {"__init_subclass__", "__set_name__"}
_LONGEST_NAME = 200  # characters of a string that may name a file or a module
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_LEFT_OUT = {"ctx", "type_comment", "kind"}


class Import(NamedTuple):
    """A name bound by an import; `attribute` is None where the module itself is bound."""

    local: str
    module: str
    attribute: str | None
    is_optional: bool  # inside `try`


def _root(node: ast.AST) -> str | None:
    """Return the variable that a chain of attributes, items and calls starts from."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else None


def _dotted(node: ast.AST) -> str | None:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(names)])


class Reader:
    """Walks one statement once: its text without positions, and its names by scope."""

    def __init__(self, package: Sequence[str]) -> None:
        self.package = package
        self.out: list[str] = []
        self.mentions: set[str] = set()
        self.bound: set[str] = set()
        self.globals: set[str] = set()
        self.mutated: set[str] = set()
        self.called: set[str] = set()
        self.strings: set[str] = set()
        self.imports: list[Import] = []
        self.dynamic: set[str] = set()
        self.has_hook = False
        self.depth = self.tries = self.annotations = 0

    def visit(self, node: ast.AST) -> None:
        """Read a node and what it holds."""
        _READ[node.__class__](self, node)

    def generic(self, node: ast.AST, skip: frozenset[str] = frozenset()) -> None:
        """Write a node's class and fields; empty fields are left out: new Pythons have more."""
        out = self.out
        out.append(node.__class__.__name__)
        for name in node._fields:
            value = getattr(node, name, None)
            if value is None or name in _LEFT_OUT or name in skip:
                continue
            if value.__class__ is not list:
                out.append(name)
                _READ[value.__class__](self, value)
            elif value:
                out.append(name)
                self.each(value)
        out.append(")")

    def each(self, values: Iterable[Any]) -> None:
        """Read the parts of a list."""
        for value in values:
            _READ[value.__class__](self, value)
        self.out.append("]")

    def plain(self, value: object) -> None:
        self.out.append(repr(value))

    def name(self, node: ast.Name) -> None:
        self.out.append(node.id)
        if node.ctx.__class__ is ast.Load:
            self.mentions.add(node.id)
            if node.id in DYNAMIC:
                self.dynamic.add(node.id)
        else:
            self.bound.add(node.id)

    def attribute(self, node: ast.Attribute) -> None:
        dotted = _dotted(node)
        if node.attr in _ATTRIBUTES:
            self.dynamic.add(node.attr)
        if node.ctx.__class__ is not ast.Load:
            self.change(node)
        if dotted is None:
            self.generic(node)
        else:
            self.out.append("." + dotted)
            self.mentions.add(dotted)

    def subscript(self, node: ast.Subscript) -> None:
        if node.ctx.__class__ is not ast.Load:
            self.change(node)
        self.generic(node)

    def change(self, node: ast.AST) -> None:
        """Note that a variable's content changes."""
        root = _root(node)
        if root == "cls":
            self.has_hook = True
        elif root is not None:
            self.mutated.add(root)

    def call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _MUTATORS:
            self.change(function)
        name = _dotted(function) or f"{_root(function)}.__call__"
        if not self.depth:
            self.called.add(name)
        dynamic = set(self.dynamic)
        self.generic(node)
        if name in ("logging.getLogger", "getLogger"):
            self.dynamic = dynamic

    def constant(self, node: ast.Constant) -> None:
        value = node.value
        self.out.append(repr(value))
        if isinstance(value, str) and len(value) <= _LONGEST_NAME:
            self.strings.add(value)
            if self.annotations:
                self.mentions.update(_DOTTED.findall(value))

    def joined(self, node: ast.JoinedStr) -> None:
        parts = [str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values]
        self.strings.add("".join(parts)[:_LONGEST_NAME])
        self.generic(node)

    def expression(self, node: ast.Expr) -> None:
        value = node.value
        if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
            self.generic(node)

    def annotation(self, node: ast.AST | None) -> None:
        if node is not None:
            self.annotations += 1
            self.visit(node)
            self.annotations -= 1

    def annotated(self, node: ast.AnnAssign) -> None:
        self.annotation(node.annotation)
        self.generic(node, frozenset({"annotation"}))

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.bound.add(node.name)
        if node.name in _HOOKS:
            self.has_hook = True
        if not self.depth:
            self.called.update(self.named(node.decorator_list))
        self.each(node.decorator_list)
        self.annotation(node.returns)
        for argument in _arguments(node.args):
            self.out.append(argument.arg)
            self.annotation(argument.annotation)
        self.scope(node, node.args, frozenset({"decorator_list", "returns", "args"}))

    def lambda_(self, node: ast.Lambda) -> None:
        self.scope(node, node.args, frozenset({"args"}))

    def scope(self, node: ast.AST, arguments: ast.arguments, skip: frozenset[str]) -> None:
        for kind in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
            held = getattr(arguments, kind)
            names = held if isinstance(held, list) else [held] if held else []
            self.out.append(f"{kind} {' '.join(one.arg for one in names)}")
        self.each(arguments.defaults)
        self.each(arguments.kw_defaults)
        self.inner({one.arg for one in _arguments(arguments)}, lambda: self.generic(node, skip))

    def inner(self, bound: set[str], walk: Callable[[], None]) -> None:
        """Walk a scope of its own: only names that it does not bind are its surroundings'."""
        outer = self.mentions, self.bound, self.globals, self.mutated
        self.mentions, self.bound, self.globals, self.mutated = set(), bound, set(), set()
        num_imports = len(self.imports)
        self.depth += 1
        walk()
        self.depth -= 1
        # A name that is both imported and assigned may be what was imported.
        imported = {one.local for one in self.imports[num_imports:]}
        local = self.bound - self.globals - imported
        mentions = {one for one in self.mentions if one.partition(".")[0] not in local}
        mutated = self.mutated - local
        self.mentions, self.bound, self.globals, self.mutated = outer
        self.mentions |= mentions
        self.mutated |= mutated

    def comprehension(self, node: Any) -> None:
        # The first iterable is evaluated outside.
        self.visit(node.generators[0].iter)
        depth, self.depth = self.depth, self.depth - 1
        self.inner(set(), lambda: self.generic(node))
        self.depth = depth

    def class_(self, node: ast.ClassDef) -> None:
        self.bound.add(node.name)
        self.has_hook |= any(one.arg == "metaclass" for one in node.keywords)
        if not self.depth:
            self.called.update(self.named([*node.decorator_list, *node.bases]))
        # Methods do not see the names of the class, so these hide nothing.
        outer, self.bound = self.bound, set()
        self.generic(node)
        self.bound = outer

    def named(self, nodes: Iterable[ast.AST]) -> Iterator[str]:
        """Return the dotted names of decorators and base classes, without their arguments."""
        for node in nodes:
            while isinstance(node, ast.Call | ast.Subscript):
                node = node.func if isinstance(node, ast.Call) else node.value
            yield _dotted(node) or f"{_root(node)}.__call__"

    def global_(self, node: ast.Global) -> None:
        self.globals.update(node.names)
        self.mentions.update(node.names)
        self.has_hook = True
        self.generic(node)

    def handler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic(node)

    def try_(self, node: ast.AST) -> None:
        self.tries += 1
        self.generic(node)
        self.tries -= 1

    def import_(self, node: ast.Import) -> None:
        self.generic(node)
        for one in node.names:
            first = one.name.partition(".")[0]
            is_optional = self.tries > 0
            if one.asname:
                self.imports.append(Import(one.asname, one.name, None, is_optional))
            else:
                self.imports.append(Import(first, first, None, is_optional))
                self.imports.append(Import("", one.name, None, is_optional))

    def import_from(self, node: ast.ImportFrom) -> None:
        self.generic(node)
        base = node.module or ""
        if node.level:
            kept = self.package[: len(self.package) + 1 - node.level]
            base = ".".join([*kept, *([base] if base else [])])
        for one in node.names:
            self.imports.append(Import(one.asname or one.name, base, one.name, self.tries > 0))


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    single = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]


class _Readers(dict[type, Callable[[Reader, Any], None]]):
    """How to read a value, by its class."""

    def __missing__(self, key: type) -> Callable[[Reader, Any], None]:
        return self.setdefault(key, Reader.generic if issubclass(key, ast.AST) else Reader.plain)


_READ = _Readers()
_READ |= {
    ast.Name: Reader.name,
    ast.Attribute: Reader.attribute,
    ast.Subscript: Reader.subscript,
    ast.Call: Reader.call,
    ast.Constant: Reader.constant,
    ast.JoinedStr: Reader.joined,
    ast.Expr: Reader.expression,
    ast.AnnAssign: Reader.annotated,
    ast.FunctionDef: Reader.function,
    ast.AsyncFunctionDef: Reader.function,
    ast.Lambda: Reader.lambda_,
    ast.ListComp: Reader.comprehension,
    ast.SetComp: Reader.comprehension,
    ast.DictComp: Reader.comprehension,
    ast.GeneratorExp: Reader.comprehension,
    ast.ClassDef: Reader.class_,
    ast.Global: Reader.global_,
    ast.ExceptHandler: Reader.handler,
    ast.Try: Reader.try_,
    ast.TryStar: Reader.try_,
    ast.Import: Reader.import_,
    ast.ImportFrom: Reader.import_from,
}
