"""The fingerprint of the code that a command can reach, so that a rule runs again when it changes.

From the module that a rule runs, names are followed from definition to definition (functions,
classes, top-level variables) through imports inside the project, also those inside functions. What
no name leads to is covered by rules, on the side of too much:

- A module that is imported counts with its statements that are more than definitions, and with
  definitions that may change a variable while it is imported: a decorator, base class or call that
  reaches code that changes one.
- A module used as a value, and names that cannot be resolved: the whole module; for a package, or
  its `__name__` or `__path__`, every module in it. Likewise the own module (own package, where
  `__name__` and the like are mentioned) of code with `import_module`, `globals`, `eval`.
- A string "package.module:attribute" or "package.module" leads there: tables of backends.
- A string that names a file or folder beside the module, or beside a package that it is in, counts
  as that data; in an f-string or a pattern, `*` stands for the unknown part ("*.txt").

Not seen: names put together from strings otherwise, data named by data (a template that includes
another), installed packages (their names count, not their versions), the use of docstrings as data.
The syntax tree, and with it the fingerprint, may differ between versions of Python.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from workflow_scripts.common.code_data import DataFiles
from workflow_scripts.common.code_definitions import (
    Definition,
    Module,
    read_module,
)
from workflow_scripts.common.code_syntax import Import
from workflow_scripts.common.errors import UserError

ROOT = Path(__file__).resolve().parents[__name__.count(".")]
# Methods that change nothing: `NAMES = TABLE.keys()` registers nothing.
_HARMLESS = frozenset(
    ["get", "keys", "items", "values", "copy", "split", "join", "format", "strip", "index", "count"]
)
_WHOLE_PACKAGE = frozenset(
    ["__package__", "__name__", "__path__", "__spec__", "__file__", "__dict__", "__loader__"]
)


def fingerprint(module: str, *, root: Path = ROOT, backends: Sequence[str] = ()) -> str:
    """Return the digest of the code and data that `python -m module` can reach below `root`.

    Args:
        module: dotted name of the command's module.
        root: folder that the dotted names start from.
        backends: "package.module" or "package.module:attribute". Of a table that lists one of
            them, the others do not count; of other tables all do.

    Files are read once a process. Raises `UserError` for a module that does not exist, a file
    that is not valid Python, and a backend that no table lists.
    """
    return _graph(Path(root).resolve(), module.partition(".")[0]).fingerprint(
        module, tuple(backends)
    )


def code_of(
    module: str,
    *extra: str,
    root: Path = ROOT,
    backends: Sequence[str] | Callable[[Any], Sequence[str]] = (),
) -> Callable[[Any], str]:
    """Return a function of wildcards for a rule's params: the fingerprint, when a job needs it.

    `extra` are further modules that the command starts. `backends` may depend on the wildcards.
    """

    def code(wildcards: Any) -> str:
        chosen = backends(wildcards) if callable(backends) else backends
        found = [fingerprint(module, root=root, backends=chosen)]
        return "-".join(found + [fingerprint(name, root=root) for name in extra])

    return code


@lru_cache
def _graph(root: Path, package: str) -> "CodeGraph":
    return CodeGraph(root, package)


@dataclass(slots=True)
class _Links:
    """What a definition leads to; `references` are strings that name a module."""

    definitions: set[Definition] = field(default_factory=set)
    modules: set[Module] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    data: set[Path] = field(default_factory=set)
    references: list[tuple[str, "_Links"]] = field(default_factory=list)


@dataclass(slots=True)
class Reach:
    """What counts for a command."""

    definitions: set[Definition] = field(default_factory=set)
    modules: set[Module] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    data: set[Path] = field(default_factory=set)


class CodeGraph:
    """The definitions of a package of the project, read as far as they are asked for."""

    def __init__(self, root: Path, package: str) -> None:
        self.root, self.package = root, package
        self._modules: dict[str, Module | None] = {}
        self._links: dict[Definition, _Links] = {}
        self._owner: dict[Definition, Module] = {}
        self._imports: dict[Module, list[Module]] = {}
        self._effects: dict[Module, list[Definition]] = {}
        self._harmless: set[Definition] = set()
        self._data = DataFiles(root, package)
        self._known: dict[tuple[str, tuple[str, ...]], str] = {}

    def fingerprint(self, module: str, backends: tuple[str, ...] = ()) -> str:
        """See `fingerprint`."""
        key = (module, backends)
        if key not in self._known:
            self._known[key] = self._digest(self.reach(module, backends))
        return self._known[key]

    def _digest(self, reach: Reach) -> str:
        digest = blake2b(digest_size=16)
        for module in sorted(reach.modules, key=lambda one: one.name):
            counted = [one.digest for one in module.definitions if one in reach.definitions]
            if counted:
                digest.update(f"\n{module.name}\n".encode() + b"".join(counted))
        digest.update("\n".join(sorted(reach.texts)).encode())
        for path in sorted(reach.data):
            digest.update(f"\n{path.relative_to(self.root).as_posix()}\n".encode())
            digest.update(self._data.digest(path))
        return digest.hexdigest()

    def module(self, name: str) -> Module | None:
        """Return a module of the project, None if there is no such file."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        if name.partition(".")[0] != self.package:
            return None
        place = self.root.joinpath(*name.split("."))
        if (place / "__init__.py").is_file():
            path = place / "__init__.py"
        elif place.with_name(f"{place.name}.py").is_file():
            path = place.with_name(f"{place.name}.py")
        elif place.is_dir():  # a package without `__init__.py`
            return Module(name, place / "__init__.py", True)
        else:
            return None
        module = read_module(path, name)
        self._owner.update(dict.fromkeys(module.definitions, module))
        return module

    def reach(
        self, name: str, backends: tuple[str, ...] = (), *, every_class: bool = False
    ) -> Reach:
        """Return what counts for `python -m name`; see `fingerprint` for errors.

        With `every_class`, all classes of the modules that are imported.
        """
        entry = self.module(name)
        if entry is None:
            raise UserError(f"{name}: no such module below {self.root}")
        mains = [one for one in entry.definitions if one.kind == "main"]
        first = _Links(set(mains or entry.definitions), {entry})
        reach, waiting, used = Reach(), [first], set[str]()
        while waiting:
            links = waiting.pop()
            reach.texts |= links.texts
            reach.data |= links.data
            chosen = [text for text, _ in links.references if _is_listed(text, backends)]
            used.update(one for one in backends if any(_is_listed(t, (one,)) for t in chosen))
            waiting += [to for text, to in links.references if not chosen or text in chosen]
            modules = links.modules | {self._owner[one] for one in links.definitions}
            definitions = set(links.definitions)
            for module in self._loaded(modules - reach.modules):
                if module not in reach.modules:
                    reach.modules.add(module)
                    definitions.update(self.effects(module))
                    if every_class:
                        definitions.update(d for d in module.definitions if d.kind == "class")
            for definition in definitions - reach.definitions:
                reach.definitions.add(definition)
                waiting.append(self.links(definition))
        if not every_class and any("__subclasses__" in d.dynamic for d in reach.definitions):
            return self.reach(name, backends, every_class=True)
        missing = [one for one in backends if one not in used]
        if missing:
            raise UserError(f"{name}: no table of backends in reach lists {', '.join(missing)}")
        return reach

    def _loaded(self, modules: Iterable[Module]) -> Iterator[Module]:
        """Return modules and those that are imported with them: packages around, imports."""
        waiting, seen = list(modules), set[Module]()
        while waiting:
            module = waiting.pop()
            if module in seen:
                continue
            seen.add(module)
            yield module
            above = self.module(module.name.rpartition(".")[0])
            waiting += [above] if above else []
            if module not in self._imports:
                every = [to for one in module.imports for to in self._imported(module, one)]
                self._imports[module] = list(dict.fromkeys(every))
            waiting += self._imports[module]

    def _imported(self, module: Module, one: Import) -> list[Module]:
        """Return the modules that an import statement imports."""
        if one.module.partition(".")[0] != self.package:
            return []
        found = self.module(one.module)
        below = None
        if found is not None and one.attribute not in (None, "*", *found.bindings):
            below = self.module(f"{one.module}.{one.attribute}")
        if found is None and not one.is_optional:
            raise UserError(f"{module.path}: imports {one.module}, which does not exist")
        return [each for each in (found, below) if each is not None]

    def effects(self, module: Module) -> list[Definition]:
        """Return the definitions that count for the importers of a module."""
        if module not in self._effects:
            found = [one for one in module.definitions if self._is_effect(module, one)]
            links = _Links()
            for name in ("*", "__getattr__"):
                for bound in module.bindings.get(name, ()):
                    self._follow(bound, [], module, links, set())
            self._effects[module] = [*found, *links.definitions]
        return self._effects[module]

    def _is_effect(self, module: Module, one: Definition) -> bool:
        """Return whether a definition may change a variable of the project when it is imported."""
        if one.kind in ("main", "effect"):
            return one.kind == "effect"
        # A variable may be made by a function that is handed over: `list(map(register, names))`.
        named = one.mentions if one.kind == "variable" and one.called else one.called
        for name in named:
            base, *rest = name.split(".")
            links = _Links()
            for bound in module.bindings.get(base, ()):
                self._follow(bound, rest, module, links, set())
            is_method = bool(rest) and rest[-1] not in _HARMLESS and name in one.called
            for to in links.definitions - {one}:
                if self._mutates(to) or (is_method and to.kind in ("variable", "effect")):
                    return True
        return False

    def _mutates(self, start: Definition) -> bool:
        waiting, seen = [start], set[Definition]()
        while waiting:
            one = waiting.pop()
            if one in seen or one in self._harmless:
                continue
            if one.mutates:
                return True
            seen.add(one)
            waiting += self.links(one).definitions
        self._harmless |= seen
        return False

    def links(self, definition: Definition) -> _Links:
        """Return what a definition leads to."""
        if definition not in self._links:
            self._links[definition] = self._find(definition, self._owner[definition])
        return self._links[definition]

    def _find(self, definition: Definition, module: Module) -> _Links:
        links = _Links()
        inside: dict[str, list[Import]] = {}
        for one in definition.imports:
            inside.setdefault(one.local, []).append(one)
            links.modules.update(self._imported(module, one))
            if one.attribute == "*":
                self._follow(one, [], module, links, set())
        for mention in definition.mentions:
            base, *rest = mention.split(".")
            for bound in (*module.bindings.get(base, ()), *inside.get(base, ())):
                self._follow(bound, rest, module, links, set())
        if definition.dynamic:
            is_package = module.is_package or _WHOLE_PACKAGE & definition.mentions
            above = self.module(module.name.rpartition(".")[0]) if is_package else None
            self._whole(module if module.is_package else above or module, links)
        near = self._data.near(module.path.parent)
        for text in definition.strings:
            self._refer(text, links)
            links.data.update(self._data.named(text, near))
        return links

    def _follow(
        self,
        bound: Definition | Import,
        rest: list[str],
        module: Module,
        links: _Links,
        seen: set[tuple[str, str]],
    ) -> None:
        """Add what a name of a module, with the attributes after it, leads to."""
        if isinstance(bound, Definition):
            links.definitions.add(bound)
            return
        links.texts.add(f"{module.name}:{bound.local}={bound.module}:{bound.attribute}")
        to = self.module(bound.module)
        links.modules.update(self._imported(module, bound))
        if to is None:
            return
        if bound.attribute == "*":
            self._whole(to, links)
        else:
            names = rest if bound.attribute is None else [bound.attribute, *rest]
            self._attribute(to, names, links, seen)

    def _attribute(
        self, module: Module, names: list[str], links: _Links, seen: set[tuple[str, str]]
    ) -> None:
        links.modules.add(module)
        if not names or names[0] in _WHOLE_PACKAGE:
            self._whole(module, links)
            return
        name, *rest = names
        key = (module.name, name)
        if name in module.bindings and key not in seen:
            for bound in module.bindings[name]:
                self._follow(bound, rest, module, links, seen | {key})
            return
        below = self.module(f"{module.name}.{name}") if module.is_package else None
        if below is not None:
            self._attribute(below, rest, links, seen | {key})
        elif key not in seen:
            self._whole(module, links)

    def _whole(self, module: Module, links: _Links) -> None:
        """Add every definition of a module; of a package, those of the modules in it too."""
        every = [module]
        if module.is_package:
            for path in sorted(module.path.parent.rglob("*.py")):
                parts = path.relative_to(self.root).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                every += [one for one in [self.module(name)] if one is not None]
        for one in every:
            links.modules.add(one)
            links.definitions.update(each for each in one.definitions if each.kind != "main")
            for bound in one.bindings.get("*", ()):
                if isinstance(bound, Import) and (to := self.module(bound.module)):
                    links.definitions.update(to.definitions)

    def _refer(self, text: str, links: _Links) -> None:
        """Add what a string "package.module:attribute" leads to."""
        if not text.startswith(f"{self.package}.") or "/" in text:
            return
        name, _, attribute = text.partition(":")
        name = name.partition("*")[0].rstrip(".")
        module = self.module(name)
        if module is None and not attribute:
            name, _, attribute = name.rpartition(".")
            module = self.module(name)
        if module is not None:
            to = _Links()
            self._attribute(module, attribute.split(".") if attribute else [], to, set())
            links.references.append((text, to))


def _is_listed(text: str, backends: Iterable[str]) -> bool:
    return any(text == one or text.startswith(f"{one}:") for one in backends)
