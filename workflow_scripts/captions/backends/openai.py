"""Captions by a vision-language model behind any OpenAI-compatible server."""

from workflow_scripts.captions.backends import Reply
from workflow_scripts.captions.options import Options
from workflow_scripts.captions.prompts import fill, read_prompt
from workflow_scripts.captions.requests import Request
from workflow_scripts.common.chat.client import Asked, Chat
from workflow_scripts.common.chat.prompts import Prompt
from workflow_scripts.common.chat.replies import Verdict

_KINDS = ("room", "top_down", "asset")
_KEY = "caption"


class OpenAICaptioner:
    """Ask a server, a few requests at once, within a budget."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.chat = Chat(options, task="You describe pictures.")
        self.prompts = {kind: read_prompt(options.prompts, kind) for kind in _KINDS}

    def caption(self, request: Request) -> Reply:
        """Return the first good reply, or why there was none in `max_attempts`."""
        prompt = self.prompts[request.kind]
        if request.image is None:
            return self._reply(Verdict("failed", reason="no view shows it clearly"), prompt)
        asked = Asked(
            name=request.name,
            prompt=prompt.name,
            text=fill(prompt, request),
            keys=(_KEY,),
            image=request.image,
            max_image_px=self.options.max_image_px,
        )
        return self._reply(self.chat.ask(asked), prompt)

    def _reply(self, found: Verdict, prompt: Prompt) -> Reply:
        # Captions are taken as they come, so none is rejected.
        status = "failed" if found.status == "rejected" else found.status
        text = found.texts.get(_KEY, "")
        return Reply(status, text, found.reason, model=self.options.model, prompt=prompt.name)
