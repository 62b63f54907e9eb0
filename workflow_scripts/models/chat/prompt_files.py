"""Prompt files: text with {placeholders}, known by what they are for and by hash."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import read_text

_HASH_LENGTH = 12


@dataclass(frozen=True)
class Prompt:
    """A prompt file: `name` is what it is for and the start of its SHA-256."""

    name: str
    template: str

    @classmethod
    def read(cls, path: Path, *, kind: str, key: str) -> "Prompt":
        """Read a file; `UserError` names `key` of the configuration if it cannot be read."""
        if not path.is_file():
            raise UserError(f"{path}: no such prompt file ({key})")
        try:
            template = read_text(path)
        except UserError as error:
            problem = str(error).removesuffix(" ('iconv -f LATIN1 -t UTF-8')")
            raise UserError(f"{problem} ({key})") from None
        digest = hashlib.sha256(template.encode()).hexdigest()[:_HASH_LENGTH]
        return cls(f"{kind}@{digest}", template)
