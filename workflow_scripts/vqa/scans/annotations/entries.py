"""Read the fields of an entry of an annotation file; `UserError` says which one is wrong.

Ids may be numbers or texts: 5, 5.0, "5" and "5.0" are one id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.sources.readers.scans.language_files import scan_name


@dataclass(frozen=True)
class Entry:
    """An entry of an annotation file."""

    values: Mapping[str, Any]

    @classmethod
    def read(cls, value: Any) -> "Entry":
        """Return an entry; `UserError` if it has no fields."""
        if not isinstance(value, dict):
            raise UserError(f"{value!r:.40} is not an entry with fields")
        return cls(value)

    def field(self, key: str) -> Any:
        """Return a field; `UserError` if it is missing."""
        if self.values.get(key) is None:
            raise UserError(f"no {key!r}")
        return self.values[key]

    def text(self, key: str) -> str:
        """Return a text without blanks around it; `UserError` if it is empty or no text."""
        return read_text_value(self.field(key), key)

    def texts(self, key: str) -> list[Any]:
        """Return a list of texts, not yet checked; one text is a list of one."""
        value = self.field(key)
        return value if isinstance(value, list) else [value]

    def identifier(self, key: str) -> str:
        """Return an id as text."""
        return read_identifier(self.field(key), key)

    def identifiers(self, key: str) -> list[str]:
        """Return a list of ids as texts, each once; one id is a list of one."""
        return list(dict.fromkeys(read_identifier(item, key) for item in self.texts(key)))

    @property
    def scan(self) -> str:
        """Return the name of its scan; the processed form calls it `video`."""
        return scan_name(self.text("video" if "video" in self.values else "scene_id"))


def read_text_value(value: Any, key: str) -> str:
    """Return a text without blanks around it; `UserError` if it is empty or no text."""
    if not isinstance(value, str):
        raise UserError(f"{key!r} is {value!r:.40}, not a text")
    if not value.strip():
        raise UserError(f"{key!r} is empty")
    return value.strip()


def read_identifier(value: Any, key: str) -> str:
    """Return an id as text; whole numbers and texts of digits are the same ids."""
    if isinstance(value, str) and value.strip():
        text = re.sub(r"\.0+$", "", value.strip())
        return str(int(text)) if text.isdecimal() and len(text) < 40 else value.strip()
    if is_finite_number(value) and float(value).is_integer():
        return str(int(value))
    raise UserError(f"{key!r} is {value!r:.40}; an id is a whole number or a text")
