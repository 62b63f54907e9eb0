"""The flags that say which model puts questions in other words, and which questions."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from workflow_scripts.common.records import Split
from workflow_scripts.models.chat.server_settings import ServerSettings

PROMPT, PROMPT_KEY = Path(__file__).with_name("prompt.txt"), "vqa.paraphrase.prompt"


@dataclass(frozen=True)
class Options(ServerSettings):
    """Who is asked, and for what.

    Attributes:
        splits: questions of other splits stay as they are.
        share: share of those questions that is put in other words.
        seed: seed of the workflow, which draws that share.
        prompt: file with {question}, {answer} and {kept}.
        reply_format: json_schema, or json_object for servers without schemas.
    """

    section: ClassVar[str] = "vqa.paraphrase"

    model: str = "gpt-4o-mini"
    cache: Path = Path("results/vqa/cache")
    max_tokens: int = 200
    temperature: float | None = 0.9
    # A bare text cannot hold a question and its answer.
    reply_format: Literal["json_schema", "json_object"] = "json_schema"
    max_attempts: int = 2
    splits: tuple[Split, ...] = ("train",)
    share: float = 1.0
    seed: int = 7
    prompt: Path = PROMPT
