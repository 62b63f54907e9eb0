"""What a caption backend must offer, and the table of backends."""

from dataclasses import dataclass
from typing import Literal, Protocol

from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.common import backend_registry
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings

BACKENDS = {
    "openai": "workflow_scripts.captions.backends.openai:OpenAICaptioner",
    "scene": "workflow_scripts.captions.backends.scene:SceneCaptioner",
}


@dataclass(frozen=True)
class CaptionReply:
    """The reply of a backend to one request: a text, or the reason why there is none."""

    status: Literal["ok", "refused", "failed"]
    text: str
    reason: str = ""
    model: str = ""
    prompt: str = ""


class Captioner(Protocol):
    """A backend; called from several threads."""

    def __init__(
        self, settings: ServerCaptionSettings, limits: ConnectionSettings, *, seed: int
    ) -> None:
        """`seed` chooses among equivalent wordings of backends that write from templates."""

    def caption(self, request: CaptionRequest) -> CaptionReply:
        """Write one caption; `UserError` only for what would stop every other caption too."""
        ...


def load_backend(
    settings: ServerCaptionSettings, limits: ConnectionSettings, *, seed: int
) -> Captioner:
    """Return the backend that the settings name."""
    backend: type[Captioner] = backend_registry.load_backend(
        settings.backend, BACKENDS, kind="captions"
    )
    return backend(settings, limits, seed=seed)


def num_workers(settings: ServerCaptionSettings, limits: ConnectionSettings) -> int:
    """Return how many captions are written at once: only waiting for a server gains by it."""
    return 1 if settings.backend == "scene" else limits.concurrency
