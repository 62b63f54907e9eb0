"""Captions by a vision-language model behind any OpenAI-compatible server."""

from pathlib import Path

from workflow_scripts.captions.backends import CaptionReply
from workflow_scripts.captions.prompts import fill_prompt, read_prompt
from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.models.chat.client import ChatClient, ChatRequest
from workflow_scripts.models.chat.parse_reply import ChatReply
from workflow_scripts.models.chat.prompt_files import Prompt

_KINDS = ("room", "top_down", "asset")
_KEY = "caption"


class OpenAICaptioner:
    """Ask a server, a few requests at once, within a budget."""

    def __init__(
        self, settings: ServerCaptionSettings, limits: ConnectionSettings, *, seed: int
    ) -> None:
        del seed  # A server takes none.
        self.settings = settings
        self.chat = ChatClient(settings, limits, section="captions", task="You describe pictures.")
        self.prompts = {kind: read_prompt(Path(settings.prompts), kind) for kind in _KINDS}

    def caption(self, request: CaptionRequest) -> CaptionReply:
        """Return the first good reply, or why there was none in `max_attempts`."""
        prompt = self.prompts[request.kind]
        if request.image is None:
            return self._reply(ChatReply("failed", reason="no view shows it clearly"), prompt)
        chat_request = ChatRequest(
            name=request.name,
            prompt=prompt.name,
            text=fill_prompt(prompt, request),
            keys=(_KEY,),
            images=(request.image,),
            max_image_px=self.settings.max_image_px,
        )
        return self._reply(self.chat.ask(chat_request), prompt)

    def _reply(self, reply: ChatReply, prompt: Prompt) -> CaptionReply:
        # Captions are taken as they come, so none is rejected.
        status = "failed" if reply.status == "rejected" else reply.status
        text = reply.texts.get(_KEY, "")
        return CaptionReply(
            status, text, reply.reason, model=self.settings.model, prompt=prompt.name
        )
