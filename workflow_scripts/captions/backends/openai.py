"""Captions by a vision-language model behind any OpenAI-compatible server."""

from workflow_scripts.captions.backends import CaptionReply
from workflow_scripts.captions.options import Options
from workflow_scripts.captions.prompts import fill_prompt, read_prompt
from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.models.chat.client import ChatClient, ChatRequest
from workflow_scripts.models.chat.parse_reply import ChatReply
from workflow_scripts.models.chat.prompt_files import Prompt

_KINDS = ("room", "top_down", "asset")
_KEY = "caption"


class OpenAICaptioner:
    """Ask a server, a few requests at once, within a budget."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.chat = ChatClient(options, task="You describe pictures.")
        self.prompts = {kind: read_prompt(options.prompts, kind) for kind in _KINDS}

    def caption(self, request: CaptionRequest) -> CaptionReply:
        """Return the first good reply, or why there was none in `max_attempts`."""
        prompt = self.prompts[request.kind]
        if request.image is None:
            return self._reply(ChatReply("failed", reason="no view shows it clearly"), prompt)
        asked = ChatRequest(
            name=request.name,
            prompt=prompt.name,
            text=fill_prompt(prompt, request),
            keys=(_KEY,),
            image=request.image,
            max_image_px=self.options.max_image_px,
        )
        return self._reply(self.chat.ask(asked), prompt)

    def _reply(self, found: ChatReply, prompt: Prompt) -> CaptionReply:
        # Captions are taken as they come, so none is rejected.
        status = "failed" if found.status == "rejected" else found.status
        text = found.texts.get(_KEY, "")
        return CaptionReply(
            status, text, found.reason, model=self.options.model, prompt=prompt.name
        )
