"""The prompt of paraphrases."""

from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.models.chat.prompt_files import Prompt

SECTION = "vqa.paraphrase"
PROMPT_KEY = f"{SECTION}.prompt"
PLACEHOLDERS = ("{question}", "{answer}", "{protected_terms}")
_OLD_PLACEHOLDER = "{kept}"


def read_prompt(path: Path) -> Prompt:
    """Read a prompt file; `UserError` if it is missing or lacks a placeholder."""
    prompt = Prompt.read(path, kind="paraphrase", key=PROMPT_KEY)
    if _OLD_PLACEHOLDER in prompt.template:
        raise UserError(
            f"{path}: the placeholder {_OLD_PLACEHOLDER} is now {PLACEHOLDERS[-1]} ({PROMPT_KEY})"
        )
    for name in PLACEHOLDERS:
        if name not in prompt.template:
            raise UserError(f"{path}: the placeholder {name} is missing ({PROMPT_KEY})")
    return prompt
