"""What a caption backend must offer, and the table of backends."""

from dataclasses import dataclass
from typing import Literal, Protocol

from workflow_scripts.captions.options import Options
from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.common import backend_registry

BACKENDS = {
    "openai": "workflow_scripts.captions.backends.openai:OpenAICaptioner",
    "scene": "workflow_scripts.captions.backends.scene:SceneCaptioner",
}


@dataclass(frozen=True)
class CaptionReply:
    """What a backend says to one request: a text, or the reason why there is none."""

    status: Literal["ok", "refused", "failed"]
    text: str
    reason: str = ""
    model: str = ""
    prompt: str = ""


class Captioner(Protocol):
    """A backend, made from the command line's options; called from several threads."""

    def __init__(self, options: Options) -> None: ...

    def caption(self, request: CaptionRequest) -> CaptionReply:
        """Write one caption; `UserError` only for what would stop every other one too."""
        ...


def load_backend(options: Options) -> Captioner:
    """Make the backend that the options name."""
    return backend_registry.load_backend(options.backend, BACKENDS, kind="captions")(options)
