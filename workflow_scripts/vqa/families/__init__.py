"""The families of questions, in the order of config/question_families.py.

A new family is a file in this folder with an object of a type of `question_types`, and a line in
config/question_families.py. A name may stand for several objects of one file if no form is in two.
"""

from importlib import import_module

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.config.question_families import QUESTION_FAMILIES
from workflow_scripts.vqa.question_types.base import Family, OneViewFamily
from workflow_scripts.vqa.question_types.two_views import TwoViews

NAMES: tuple[str, ...] = tuple(QUESTION_FAMILIES)


def load_families(name: str, file: str) -> list[Family]:
    """Return the families of a name that a file of this folder defines, in its order.

    Raises `UserError` if there are none, or if two of them share a form.
    """
    module = import_module(f"{__name__}.{file}")
    families = [
        value for value in vars(module).values() if isinstance(value, Family) and value.name == name
    ]
    where = f"config/question_families.py: {name!r}: {file!r}"
    if not families:
        defined = [value.name for value in vars(module).values() if isinstance(value, Family)]
        raise UserError(f"{where} defines no such family; {allowed_values(name, defined)}")
    forms = [form for family in families for form in family.forms]
    if len(forms) > len(set(forms)):
        raise UserError(f"{where} defines it twice for one form; give each its own forms")
    return families


ALL_FAMILIES: tuple[Family, ...] = tuple(
    family for name, file in QUESTION_FAMILIES.items() for family in load_families(name, file)
)
FAMILIES: tuple[OneViewFamily, ...] = tuple(
    family for family in ALL_FAMILIES if isinstance(family, OneViewFamily)
)
TWO_VIEW_FAMILIES: tuple[TwoViews, ...] = tuple(
    family for family in ALL_FAMILIES if isinstance(family, TwoViews)
)
_BY_NAME = {family.name: family for family in ALL_FAMILIES}


def family_of(name: str) -> Family:
    """Return a family by its name; of several for different forms, one."""
    if name not in _BY_NAME:
        raise UserError(
            f"{name!r} is not a family of questions; {allowed_values(name, NAMES)}. "
            "Questions of an older version must be made again: remove results/vqa"
        )
    return _BY_NAME[name]
