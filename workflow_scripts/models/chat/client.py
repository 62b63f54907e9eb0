"""Ask a chat model behind any OpenAI-compatible server.

The key comes from OPENAI_API_KEY alone and goes nowhere but into the request's header. What a
server answers is kept on disk before anything else is done with it, so a reply is paid once.
"""

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import openai

from workflow_scripts.common.errors import UserError
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
from workflow_scripts.models.chat.server_settings import ServerSettings

KEY_VARIABLE = "OPENAI_API_KEY"
# Servers of one's own take any key, but the SDK insists on one.
_NO_KEY = "none"
_REFUSAL_CODES = {"content_filter", "content_policy_violation", "moderation_blocked"}
ReplyCheck = Callable[[Mapping[str, str]], str]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChatRequest:
    """One request: a text, and perhaps a picture u8 [h, w, 3] shrunk to a longest side.

    `name` says what it is about in messages, `prompt` which prompt file the text is from, `keys`
    which texts the reply must have.
    """

    name: str
    prompt: str
    text: str
    keys: tuple[str, ...]
    image: np.ndarray | None = field(default=None, repr=False)
    max_image_px: int = 0


class ChatClient:
    """A server that is asked for texts; called from several threads.

    `task` is the sentence that tells the model what it does: "You describe pictures."
    """

    def __init__(self, server: ServerSettings, *, task: str) -> None:
        self.server, self.task = server, task
        self.key = os.environ.get(KEY_VARIABLE, "")
        own_server = server.base_url or os.environ.get("OPENAI_BASE_URL")
        if not self.key and not own_server:
            raise UserError(
                f"{server.section} asks a server and needs a key: export {KEY_VARIABLE}=... "
                f"(never in config.yaml), or set {server.section}.base_url to a server that "
                "needs none"
            )
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.client = openai.OpenAI(
            api_key=self.key or _NO_KEY,
            base_url=server.base_url,
            timeout=server.timeout_s,
            max_retries=server.max_retries,
        )
        self.price = find_price(
            server.model,
            section=server.section,
            input_usd_per_million=server.input_usd_per_million,
            output_usd_per_million=server.output_usd_per_million,
            max_cost_usd=server.max_cost_usd,
        )
        self.cache = ReplyCache(server.cache)
        self.budget = Budget(self.cache, cap_usd=server.max_cost_usd, section=server.section)
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._locks_guard = threading.Lock()

    def ask(self, request: ChatRequest, check_reply: ReplyCheck | None = None) -> ChatReply:
        """Return the first good reply, or why there was none in `max_attempts`.

        `accept` says what is wrong with a reply's texts, '' if nothing is; such a reply is asked
        for again like a malformed one.
        """
        section = self.server.section
        key = request_hash(self._parameters(request), request.image)
        with self._lock(key):
            found = ChatReply("failed", reason=f"{section}.max_attempts is 0")
            for attempt in range(self.server.max_attempts):
                paid = self.cache.get(key, attempt)
                if paid is None:
                    try:
                        paid = self._send(request, key=key, attempt=attempt)
                    except openai.APIError as error:
                        return self._reply_from_error(error)
                found = parse_reply(
                    paid.body, self.server.reply_format, request.keys, section=section
                )
                if found.status == "ok" and check_reply is not None:
                    problem = check_reply(found.texts)
                    found = ChatReply("rejected", reason=problem) if problem else found
                if found.status == "ok":
                    break
                log.log(
                    logging.INFO if found.status == "rejected" else logging.WARNING,
                    "%s, attempt %d: %s: %s",
                    request.name,
                    attempt + 1,
                    found.status,
                    found.reason,
                )
        return found

    def _send(self, request: ChatRequest, *, key: str, attempt: int) -> PaidReply:
        """Send one request and keep the reply before its share of the budget is set free."""
        server = self.server
        system = self._system(request)
        input_tokens = text_tokens(system + request.text)
        content: list[dict[str, Any]] = [{"type": "text", "text": request.text}]
        if request.image is not None:
            height, width = request.image.shape[:2]
            size = resized_size(width, height, max_px=request.max_image_px)
            input_tokens += self.price.image_tokens(*size)
            url = jpeg_data_url(encode_jpeg(request.image, max_px=request.max_image_px))
            content.append({"type": "image_url", "image_url": {"url": url, "detail": "high"}})
        most_usd = self.price.usd(input_tokens=input_tokens, output_tokens=server.max_tokens)
        messages: list[Any] = [
            {"role": "system", "content": system},
            {"role": "user", "content": content},
        ]
        # OpenAI's newer models refuse `max_tokens`; many other servers know nothing else.
        limit = "max_tokens" if server.base_url else "max_completion_tokens"
        extra: dict[str, Any] = {limit: server.max_tokens}
        if server.temperature is not None:
            extra["temperature"] = server.temperature
        if server.reply_format != "text":
            extra["response_format"] = response_format(server.reply_format, request.keys)
        with self.budget.reserve(most_usd):
            raw = self.client.chat.completions.with_raw_response.create(
                model=server.model, messages=messages, **extra
            )
            body = self._redacted(raw.content.decode("utf-8", errors="replace"))
            billed = usage(body) or (input_tokens, min(text_tokens(body), server.max_tokens))
            paid = PaidReply(
                name=request.name,
                model=server.model,
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
        return system_message(self.task, request.keys, self.server.reply_format)

    def _parameters(self, request: ChatRequest) -> dict[str, str | int | float | None]:
        """Return what a reply depends on, besides the image's pixels."""
        picture: dict[str, str | int | float | None] = {}
        if request.image is not None:
            picture = {"max_image_px": request.max_image_px, "jpeg_quality": JPEG_QUALITY}
        return {
            "base_url": str(self.client.base_url),
            "model": self.server.model,
            "system": self._system(request),
            "text": request.text,
            "reply_format": self.server.reply_format,
            **picture,
            "max_tokens": self.server.max_tokens,
            "temperature": self.server.temperature,
        }

    def _reply_from_error(self, error: openai.APIError) -> ChatReply:
        """Judge an error that outlived the SDK's retries; `UserError` if it will hit every one."""
        message = self._redacted(shorten(error.message))
        status = error.status_code if isinstance(error, openai.APIStatusError) else None
        section = self.server.section
        if status in (401, 403, 404) or error.code == "insufficient_quota":
            raise UserError(
                f"the server of {section} says {status}: {message}. Check {KEY_VARIABLE}, "
                f"{section}.base_url ({self.client.base_url}), {section}.model "
                f"({self.server.model}) and the account's credit."
            ) from None
        if error.code in _REFUSAL_CODES:
            return ChatReply("refused", reason=message)
        what = f"HTTP {status}" if status else type(error).__name__
        return ChatReply("failed", reason=f"{what}: {message}")

    def _redacted(self, text: str) -> str:
        """Take the key out of a server's words; some servers repeat it in their errors."""
        return text.replace(self.key, "***") if self.key else text

    def _lock(self, key: str) -> threading.Lock:
        """Return the lock of a request, so that two equal ones are paid once."""
        with self._locks_guard:
            return self._locks[key]
