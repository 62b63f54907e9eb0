"""Ask a chat model behind any OpenAI-compatible server.

The key comes from OPENAI_API_KEY alone and goes nowhere but into the request's header. What a
server answers is stored on disk before anything else is done with it, so a reply is paid once.
"""

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openai

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.server import ConnectionSettings, ServerSettings
from workflow_scripts.models.chat.image_encoding import (
    JPEG_QUALITY,
    encode_jpeg,
    jpeg_data_url,
    resized_size,
)
from workflow_scripts.models.chat.parse_reply import (
    ChatReply,
    parse_reply,
    response_format,
    shorten,
    system_message,
    usage,
)
from workflow_scripts.models.chat.prices import find_price, text_tokens
from workflow_scripts.models.chat.reply_cache import Budget, PaidReply, ReplyCache, request_hash

KEY_VARIABLE = "OPENAI_API_KEY"
# A local server takes any key, but the SDK insists on one.
_NO_KEY = "none"
_REFUSAL_CODES = {"content_filter", "content_policy_violation", "moderation_blocked"}
ReplyCheck = Callable[[Mapping[str, str]], str]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChatRequest:
    """One request: a text, and perhaps an image u8 [h, w, 3] shrunk to a longest side.

    `name` identifies it in messages, `prompt` is the prompt file of the text, `keys` are the texts
    that the reply must have.
    """

    name: str
    prompt: str
    text: str
    keys: tuple[str, ...]
    image: np.ndarray | None = field(default=None, repr=False)
    max_image_px: int = 0


class ChatClient:
    """A server that is asked for texts; called from several threads.

    `section` names the settings in messages: captions, vqa.paraphrase. `task` is the sentence
    that tells the model what it does: "You describe pictures."
    """

    def __init__(
        self,
        settings: ServerSettings,
        limits: ConnectionSettings,
        *,
        section: str,
        task: str,
    ) -> None:
        self.settings, self.section, self.task = settings, section, task
        self.key = os.environ.get(KEY_VARIABLE, "")
        has_address = settings.base_url or os.environ.get("OPENAI_BASE_URL")
        if not self.key and not has_address:
            raise UserError(
                f"{section} asks a server and needs a key: export {KEY_VARIABLE}=... "
                f"(never in config.yaml), or set {section}.base_url to a server that "
                "needs none"
            )
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.client = openai.OpenAI(
            api_key=self.key or _NO_KEY,
            base_url=settings.base_url,
            timeout=limits.timeout_s,
            max_retries=limits.max_retries,
        )
        self.price = find_price(
            settings.model,
            section=section,
            input_usd_per_million=settings.input_usd_per_million,
            output_usd_per_million=settings.output_usd_per_million,
            max_cost_usd=limits.max_cost_usd,
        )
        self.cache = ReplyCache(Path(settings.cache))
        self.budget = Budget(self.cache, cap_usd=limits.max_cost_usd, section=section)
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._locks_guard = threading.Lock()

    def ask(self, request: ChatRequest, check_reply: ReplyCheck | None = None) -> ChatReply:
        """Return the first good reply, or why there was none in `max_attempts`.

        `check_reply` returns what is wrong with a reply's texts, '' if nothing is; a wrong reply
        is asked for again like a malformed one.
        """
        section = self.section
        key = request_hash(self._parameters(request), request.image)
        with self._lock(key):
            reply = ChatReply("failed", reason=f"{section}.max_attempts is 0")
            for attempt in range(self.settings.max_attempts):
                paid = self.cache.get(key, attempt)
                if paid is None:
                    try:
                        paid = self._send(request, key=key, attempt=attempt)
                    except openai.APIError as error:
                        return self._reply_from_error(error)
                reply = parse_reply(
                    paid.body, self.settings.reply_format, request.keys, section=section
                )
                if reply.status == "ok" and check_reply is not None:
                    problem = check_reply(reply.texts)
                    reply = ChatReply("rejected", reason=problem) if problem else reply
                if reply.status == "ok":
                    break
                log.log(
                    logging.INFO if reply.status == "rejected" else logging.WARNING,
                    "%s, attempt %d: %s: %s",
                    request.name,
                    attempt + 1,
                    reply.status,
                    reply.reason,
                )
        return reply

    def _send(self, request: ChatRequest, *, key: str, attempt: int) -> PaidReply:
        """Send one request and store the reply before its reserved part of the budget is freed."""
        settings = self.settings
        system = self._system(request)
        input_tokens = text_tokens(system + request.text)
        content: list[dict[str, Any]] = [{"type": "text", "text": request.text}]
        if request.image is not None:
            height, width = request.image.shape[:2]
            size = resized_size(width, height, max_px=request.max_image_px)
            input_tokens += self.price.image_tokens(*size)
            url = jpeg_data_url(encode_jpeg(request.image, max_px=request.max_image_px))
            content.append({"type": "image_url", "image_url": {"url": url, "detail": "high"}})
        most_usd = self.price.usd(input_tokens=input_tokens, output_tokens=settings.max_tokens)
        messages: list[Any] = [
            {"role": "system", "content": system},
            {"role": "user", "content": content},
        ]
        # OpenAI's newer models refuse `max_tokens`; many other servers know nothing else.
        limit = "max_tokens" if settings.base_url else "max_completion_tokens"
        extra: dict[str, Any] = {limit: settings.max_tokens}
        if settings.temperature is not None:
            extra["temperature"] = settings.temperature
        if settings.reply_format != "text":
            extra["response_format"] = response_format(settings.reply_format, request.keys)
        with self.budget.reserve(most_usd):
            raw = self.client.chat.completions.with_raw_response.create(
                model=settings.model, messages=messages, **extra
            )
            body = self._redacted(raw.content.decode("utf-8", errors="replace"))
            billed = usage(body) or (input_tokens, min(text_tokens(body), settings.max_tokens))
            paid = PaidReply(
                name=request.name,
                model=settings.model,
                prompt=request.prompt,
                attempt=attempt,
                input_tokens=billed[0],
                output_tokens=billed[1],
                cost_usd=self.price.usd(input_tokens=billed[0], output_tokens=billed[1]),
                body=body,
            )
            self.cache.store(key, paid)
            return paid

    def _system(self, request: ChatRequest) -> str:
        return system_message(self.task, request.keys, self.settings.reply_format)

    def _parameters(self, request: ChatRequest) -> dict[str, str | int | float | None]:
        """Return what a reply depends on, besides the image's pixels."""
        image_parameters: dict[str, str | int | float | None] = {}
        if request.image is not None:
            image_parameters = {"max_image_px": request.max_image_px, "jpeg_quality": JPEG_QUALITY}
        return {
            "base_url": str(self.client.base_url),
            "model": self.settings.model,
            "system": self._system(request),
            "text": request.text,
            "reply_format": self.settings.reply_format,
            **image_parameters,
            "max_tokens": self.settings.max_tokens,
            "temperature": self.settings.temperature,
        }

    def _reply_from_error(self, error: openai.APIError) -> ChatReply:
        """Return the failed reply for an error that outlived the SDK's retries.

        `UserError` if every other request would meet it too.
        """
        message = self._redacted(shorten(error.message))
        status = error.status_code if isinstance(error, openai.APIStatusError) else None
        section = self.section
        if status in (401, 403, 404) or error.code == "insufficient_quota":
            raise UserError(
                f"the server of {section} says {status}: {message}. Check {KEY_VARIABLE}, "
                f"{section}.base_url ({self.client.base_url}), {section}.model "
                f"({self.settings.model}) and the account's credit."
            ) from None
        if error.code in _REFUSAL_CODES:
            return ChatReply("refused", reason=message)
        what = f"HTTP {status}" if status else type(error).__name__
        return ChatReply("failed", reason=f"{what}: {message}")

    def _redacted(self, text: str) -> str:
        """Remove the key from a server's text; some servers repeat it in their errors."""
        return text.replace(self.key, "***") if self.key else text

    def _lock(self, key: str) -> threading.Lock:
        """Return the lock of a request, so that two equal ones are paid once."""
        with self._locks_guard:
            return self._locks[key]
