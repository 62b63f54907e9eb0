"""Ask a chat model behind any OpenAI-compatible server.

The key comes from OPENAI_API_KEY alone and goes nowhere but into the request's header. What a
server answers is stored on disk before anything else is done with it, so a reply is paid once.
"""

import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import openai

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.server import ConnectionSettings, ServerSettings
from workflow_scripts.models.chat.connection import (
    call_within,
    connection_problem,
    http_client,
    retry_wait_s,
    status_text,
)
from workflow_scripts.models.chat.image_encoding import (
    JPEG_QUALITY,
    encode_jpeg,
    jpeg_data_url,
    resized_size,
)
from workflow_scripts.models.chat.parse_reply import (
    MAX_CHARACTERS,
    ChatReply,
    parse_reply,
    response_format,
    shorten,
    system_message,
    usage,
)
from workflow_scripts.models.chat.prices import find_price, text_tokens
from workflow_scripts.models.chat.redaction import Redactor
from workflow_scripts.models.chat.reply_cache import Budget, PaidReply, ReplyCache, request_hash
from workflow_scripts.models.chat.server_access import (
    DEFAULT_ADDRESS,
    KEY_VARIABLE,
    read_access,
)

# A local server takes any key, but the SDK insists on one.
_NO_KEY = "none"
# Retries while no server has answered yet: one may be starting, or there may be none.
_MAX_UNREACHED_RETRIES = 3
# Statuses that every other request would meet too: credentials, credit, address, proxy.
_LASTING_STATUSES = (401, 402, 403, 404, 405, 407)
_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")
_NOT_SUPPORTED = re.compile(
    r"unsupported|not supported|unknown|unrecognized|unexpected|extra|not permitted|deprecated",
    re.IGNORECASE,
)
_REFUSAL_CODES = {"content_filter", "content_policy_violation", "moderation_blocked"}
ReplyCheck = Callable[[Mapping[str, str]], str]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChatRequest:
    """One request: a text, and images u8 [h, w, 3], each shrunk to a longest side.

    `name` identifies it in messages, `prompt` is the prompt file of the text, `keys` are the texts
    that the reply must have, each of at most `max_characters`; `keep_lines` leaves their line
    breaks.
    """

    name: str
    prompt: str
    text: str
    keys: tuple[str, ...]
    images: tuple[np.ndarray, ...] = field(default=(), repr=False)
    max_image_px: int = 0
    max_characters: int = MAX_CHARACTERS
    keep_lines: bool = False


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
        access = read_access(settings.base_url, section=section)
        self.address = access.address
        self.redactor = Redactor(access.secrets)
        self.limits = limits
        for name in ("httpx2", "httpx"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._is_reached = threading.Event()
        try:
            self.client = openai.OpenAI(
                api_key=access.key or _NO_KEY,
                base_url=access.address,
                default_headers=access.headers,
                # Attempts are repeated here, where the cause of a failure can be told.
                max_retries=0,
                http_client=http_client(
                    access.address, timeout_s=limits.timeout_s, on_reply=self._is_reached.set
                ),
            )
        except (openai.OpenAIError, ValueError, httpx2.InvalidURL) as error:
            if isinstance(error, UserError):
                raise UserError(f"{section}: {error}") from None
            reason = shorten(self.redactor.redact(str(error)))
            raise UserError(f"{section} cannot ask {access.address}: {reason}") from None
        # OpenAI's newer models refuse `max_tokens`; many other servers know nothing else.
        self._token_limit = _TOKEN_LIMITS[access.address == DEFAULT_ADDRESS]
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
        key = request_hash(self._parameters(request), request.images)
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
                    paid.body,
                    self.settings.reply_format,
                    request.keys,
                    section=section,
                    redact=self.redactor.redact,
                    max_characters=request.max_characters,
                    keep_lines=request.keep_lines,
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
        for image in request.images:
            height, width = image.shape[:2]
            size = resized_size(width, height, max_px=request.max_image_px)
            input_tokens += self.price.image_tokens(*size)
            url = jpeg_data_url(encode_jpeg(image, max_px=request.max_image_px))
            content.append({"type": "image_url", "image_url": {"url": url, "detail": "high"}})
        most_usd = self.price.usd(input_tokens=input_tokens, output_tokens=settings.max_tokens)
        messages: list[Any] = [
            {"role": "system", "content": system},
            {"role": "user", "content": content},
        ]
        extra: dict[str, Any] = {}
        if settings.temperature is not None:
            extra["temperature"] = settings.temperature
        if settings.reply_format != "text":
            extra["response_format"] = response_format(settings.reply_format, request.keys)
        with self.budget.reserve(most_usd):
            content_bytes = self._complete(messages, extra)
            body = self.redactor.redact_completion(content_bytes.decode("utf-8", errors="replace"))
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

    def _complete(self, messages: list[Any], extra: Mapping[str, Any]) -> bytes:
        """Return the body of a completion, with the name that the server has for the limit."""
        limit = self._token_limit
        try:
            return self._with_retries(messages, {**extra, limit: self.settings.max_tokens})
        except openai.APIStatusError as error:
            (other,) = set(_TOKEN_LIMITS) - {limit}
            text = status_text(error)
            is_named = re.search(rf"\b{limit}\b", text) is not None
            is_refused = other in text or _NOT_SUPPORTED.search(text)
            if error.status_code not in (400, 422) or not is_named or not is_refused:
                raise
            body = self._with_retries(messages, {**extra, other: self.settings.max_tokens})
            self._token_limit = other
            return body

    def _with_retries(self, messages: list[Any], extra: Mapping[str, Any]) -> bytes:
        """Send a request until it succeeds, cannot succeed, or was repeated often enough."""
        num_retries = 0

        def send() -> bytes:
            try:
                raw = self.client.chat.completions.with_raw_response.create(
                    model=self.settings.model, messages=messages, **extra
                )
            except (httpx2.InvalidURL, ValueError) as error:
                # The SDK lets what happens before anything is sent through as it is.
                request = httpx2.Request("POST", self.address)
                raise openai.APIConnectionError(request=request) from error
            return raw.content

        while True:
            try:
                return call_within(send, seconds=self.limits.timeout_s, address=self.address)
            except openai.APIError as error:
                wait_s = retry_wait_s(error, num_retries)
                cause = self._cause(error)
                most = self.limits.max_retries
                if isinstance(error, openai.APIConnectionError):
                    problem = connection_problem(error, address=self.address)
                    is_unreached = problem.kind == "unreachable" and not self._is_reached.is_set()
                    most = min(most, _MAX_UNREACHED_RETRIES) if is_unreached else most
                    if problem.kind == "lasting" or (is_unreached and num_retries >= most):
                        raise UserError(
                            f"{self.section} failed: no reply from {self.address}: {cause}. Check "
                            f"{self.section}.base_url, that the server runs, and the network."
                        ) from None
                    wait_s = None if problem.kind == "reply" else wait_s
                if wait_s is None or num_retries >= most:
                    raise
                num_retries += 1
                log.warning(
                    "%s: %s; retry %d of %d in %.1f s", self.section, cause, num_retries, most,
                    wait_s,
                )  # fmt: skip
                time.sleep(wait_s)

    def _cause(self, error: openai.APIError) -> str:
        """Return what is behind an error on one line, without secrets."""
        if isinstance(error, openai.APIStatusError):
            text = f"HTTP {error.status_code}: {status_text(error)}"
        elif isinstance(error, openai.APITimeoutError):
            text = f"no complete reply within {self.limits.timeout_s:g} s"
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                text = connection_problem(error, address=self.address).text
        elif isinstance(error, openai.APIConnectionError):
            text = connection_problem(error, address=self.address).text
        else:
            text = error.message
        # All of it is redacted before it is shortened: half a key is one too.
        return shorten(self.redactor.redact(text))

    def _system(self, request: ChatRequest) -> str:
        return system_message(self.task, request.keys, self.settings.reply_format)

    def _parameters(self, request: ChatRequest) -> dict[str, str | int | float | None]:
        """Return what a reply depends on, besides the images' pixels."""
        image_parameters: dict[str, str | int | float | None] = {}
        if request.images:
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
        cause = self._cause(error)
        status = error.status_code if isinstance(error, openai.APIStatusError) else None
        section = self.section
        if status in _LASTING_STATUSES or error.code == "insufficient_quota":
            raise UserError(
                f"the server of {section} says {cause}. Check {KEY_VARIABLE}, "
                f"{section}.base_url ({self.address}), {section}.model "
                f"({self.settings.model}) and the account's credit."
            ) from None
        if error.code in _REFUSAL_CODES:
            return ChatReply("refused", reason=cause)
        is_named = status is not None
        return ChatReply("failed", reason=cause if is_named else f"{type(error).__name__}: {cause}")

    def _lock(self, key: str) -> threading.Lock:
        """Return the lock of a request, so that two equal ones are paid once."""
        with self._locks_guard:
            return self._locks[key]
