"""Small projects, and a line in each whose change the fingerprint of `app.render` must show.

A line `--- path` begins a file. The line that changes ends in ` -> ` and what it becomes.
"""

CHANGES = {
    "lazy import": """
--- app/render.py
def main():
    from app import lazy
    lazy.go()
--- app/lazy.py
def go():
    return 1 -> return 2
""",
    "relative import": """
--- app/render.py
from .deep.down import go

go()
--- app/deep/__init__.py
--- app/deep/down.py
from ..low import n

def go():
    return n
--- app/low.py
n = 1 -> n = 2
""",
    "package re-exports": """
--- app/render.py
from app import deep

deep.go()
--- app/deep/__init__.py
from app.deep.down import went as go
--- app/deep/down.py
def went():
    return 1 -> return 2
""",
    "re-export under a submodule's name": """
--- app/render.py
from app.deep import go

go()
--- app/deep/__init__.py
from app.deep.go import go
--- app/deep/go.py
def go():
    return 1 -> return 2
""",
    "module without a package's file": """
--- app/render.py
import app.bare.low

print(app.bare.low.n)
--- app/bare/low.py
n = 1 -> n = 2
""",
    "star import": """
--- app/render.py
from app.low import *

print(n)
--- app/low.py
n = 1 -> n = 2
""",
    "conditional import": """
--- app/render.py
import sys
if sys.platform == 'x':
    from app.low import n
else:
    n = 0

def main():
    print(n)
--- app/low.py
n = 1 -> n = 2
""",
    "import in try": """
--- app/render.py
try:
    from app.low import n
except ImportError:
    n = None
print(n)
--- app/low.py
n = 1 -> n = 2
""",
    "cycle of imports": """
--- app/render.py
from app import a

a.go()
--- app/a.py
from app import b

def go():
    return b.back()
n = 1 -> n = 2
--- app/b.py
from app import a

def back():
    return a.n
""",
    "getattr of a module": """
--- app/render.py
from app import low

getattr(low, 'n' + 'm')
--- app/low.py
nm = 1 -> nm = 2
""",
    "module's __getattr__": """
--- app/render.py
from app.low import anything
--- app/low.py
n = 1 -> n = 2
def __getattr__(name):
    return n
""",
    "effect of an import": """
--- app/render.py
from app import low
--- app/low.py
import os
os.environ['A'] = 'x' -> os.environ['A'] = 'y'
""",
    "effect of the package around": """
--- app/render.py
from app.deep import low
--- app/deep/__init__.py
import os
os.umask(1) -> os.umask(2)
--- app/deep/low.py
""",
    "decorator that registers": """
--- app/render.py
from app import low, table

print(table.ALL)
--- app/table.py
ALL = {}
def add(f):
    ALL[f.__name__] = f
    return f
--- app/low.py
from app.table import add
@add
def go():
    return 1 -> return 2
""",
    "method that registers": """
--- app/render.py
from app import low, table

table.ALL.run()
--- app/table.py
class Table:
    def add(self, f):
        self.f = f
        return f
ALL = Table()
--- app/low.py
from app.table import ALL
@ALL.add
def go():
    return 1 -> return 2
""",
    "call that registers": """
--- app/render.py
from app import low, table

print(table.ALL)
--- app/table.py
ALL = []
def add(f):
    ALL.append(f)
    return f
--- app/low.py
from app import table
ONE = table.add(1) -> ONE = table.add(2)
""",
    "registration handed over": """
--- app/render.py
from app import low, table

print(table.ALL)
--- app/table.py
ALL = []
def add(f):
    ALL.append(f)
--- app/low.py
from app import table
ONE = list(map(table.add, [1])) -> ONE = list(map(table.add, [2]))
""",
    "subclass that registers": """
--- app/render.py
from app import low, table

print(table.ALL)
--- app/table.py
ALL = []
class Base:
    def __init_subclass__(cls):
        ALL.append(cls)
--- app/low.py
from app.table import Base
class One(Base):
    n = 1 -> n = 2
""",
    "list of subclasses": """
--- app/render.py
from app import low, table

print(table.every())
--- app/table.py
class Base:
    pass
def every():
    return Base.__subclasses__()
--- app/low.py
from app.table import Base
class One(Base):
    n = 1 -> n = 2
""",
    "string that names a module": """
--- app/render.py
import importlib
TABLE = {'low': 'app.low:n'}
importlib.import_module(TABLE['low'])
--- app/low.py
n = 1 -> n = 2
""",
    "modules found in a package": """
--- app/render.py
from app import deep
print(deep.ALL)
--- app/deep/__init__.py
import importlib
import pkgutil
FOUND = [one.name for one in pkgutil.iter_modules(__path__)]
ALL = [importlib.import_module(f'{__name__}.{name}') for name in FOUND]
--- app/deep/low.py
n = 1 -> n = 2
""",
    "package handed over": """
--- app/render.py
from app import tools
from app.deep import NAME
tools.load(NAME)
--- app/tools.py
import importlib
def load(name):
    importlib.import_module(name + '.low')
--- app/deep/__init__.py
NAME = __name__
--- app/deep/low.py
n = 1 -> n = 2
""",
    "prefix of a module's name": """
--- app/render.py
import importlib
def load(name):
    return importlib.import_module(f'app.deep.{name}')
--- app/deep/__init__.py
--- app/deep/low.py
n = 1 -> n = 2
""",
    "annotation as a string": """
--- app/render.py
from app.low import Size

def main(size: 'Size | None'):
    pass
--- app/low.py
class Size:
    n: int = 1 -> n: float = 1
""",
    "name that a nested scope hides": """
--- app/render.py
from app.low import n

def main():
    return [n for n in range(3)], n
--- app/low.py
n = 1 -> n = 2
""",
    "data beside the module": """
--- app/render.py
from pathlib import Path
WORDS = Path(__file__).with_name('words.txt').read_text()
--- app/words.txt
one -> two
""",
    "data in a folder, by an f-string": """
--- app/render.py
from pathlib import Path
def read(n):
    return Path(__file__).parent / 'texts' / f'{n}.txt'
--- app/texts/a.txt
one -> two
""",
    "data of the package around": """
--- app/render.py
from app.deep import low
low.read()
--- app/deep/__init__.py
--- app/deep/low.py
from pathlib import Path
def read():
    return (Path(__file__).parents[1] / 'words.txt').read_text()
--- app/words.txt
one -> two
""",
    "data by a pattern": """
--- app/render.py
from pathlib import Path
ALL = sorted(Path(__file__).parent.glob('*.csv'))
--- app/a.csv
one -> two
""",
}


def files_of(text: str, *, changed: bool) -> dict[str, str]:
    """Return a project's files by name, before or after the change."""
    files: dict[str, str] = {}
    name = ""
    for line in text.strip("\n").split("\n"):
        if line.startswith("--- "):
            name = line.removeprefix("--- ")
            files[name] = ""
            continue
        old, is_changed, new = line.partition(" -> ")
        margin = old[: len(old) - len(old.lstrip())]
        files[name] += f"{margin}{new}\n" if changed and is_changed else f"{old}\n"
    return files
