"""The flags that both caption commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from workflow_scripts.models.chat.server_settings import ServerSettings

PROMPTS = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class Options(ServerSettings):
    """Who writes captions, and how: the flags of the server matter to the backend openai.

    Attributes:
        backend: scene writes from the scene's own metadata; openai asks a server.
        seed: chooses among equivalent wordings (scene).
        overrides: JSONL file whose captions win over every backend.
        prompts: folder of room.txt, top_down.txt and asset.txt (openai).
        max_image_px: images are shrunk to this longest side (openai).
    """

    section: ClassVar[str] = "captions"

    model: str = "gpt-4o"
    cache: Path = Path("results/captions/cache")
    backend: str = "scene"
    seed: int = 7
    overrides: Path | None = None
    prompts: Path = PROMPTS
    max_image_px: int = 512

    @property
    def workers(self) -> int:
        """How many captions are written at once: only waiting for a server gains by it."""
        return 1 if self.backend == "scene" else max(1, self.concurrency)
