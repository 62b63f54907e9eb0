"""Captions by a vision-language model behind any OpenAI-compatible server.

The key comes from OPENAI_API_KEY alone and goes nowhere but into the request's header. What a
server answers is kept on disk before anything else is done with it, so a reply is paid once.
"""

import logging
import os
import threading
from collections import defaultdict
from typing import Any

import openai

from workflow_scripts.captions.backends import Reply
from workflow_scripts.captions.cache import Budget, Cache, PaidReply, request_hash
from workflow_scripts.captions.images import JPEG_QUALITY, data_url, fitted_size, jpeg
from workflow_scripts.captions.options import Options
from workflow_scripts.captions.prices import price_of, text_tokens
from workflow_scripts.captions.prompts import Prompt
from workflow_scripts.captions.replies import (
    Verdict,
    instruction,
    response_format,
    shortened,
    usage,
    verdict,
)
from workflow_scripts.captions.requests import Request
from workflow_scripts.common.errors import UserError

KEY_VARIABLE = "OPENAI_API_KEY"
# Servers of one's own take any key, but the SDK insists on one.
_NO_KEY = "none"
_KINDS = ("room", "top_down", "asset")
_REFUSAL_CODES = {"content_filter", "content_policy_violation", "moderation_blocked"}

log = logging.getLogger(__name__)


class OpenAICaptioner:
    """Ask a server, a few requests at once, within a budget."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.key = os.environ.get(KEY_VARIABLE, "")
        own_server = options.base_url or os.environ.get("OPENAI_BASE_URL")
        if not self.key and not own_server:
            raise UserError(
                f"captions.backend openai needs a key: export {KEY_VARIABLE}=... (never in "
                "config.yaml), or set captions.base_url to a server that needs none"
            )
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.client = openai.OpenAI(
            api_key=self.key or _NO_KEY,
            base_url=options.base_url,
            timeout=options.timeout_s,
            max_retries=options.max_retries,
        )
        self.prompts = {kind: Prompt.read(options.prompts, kind) for kind in _KINDS}
        self.price = price_of(
            options.model,
            input_usd_per_million=options.input_usd_per_million,
            output_usd_per_million=options.output_usd_per_million,
            max_cost_usd=options.max_cost_usd,
        )
        self.cache = Cache(options.cache)
        self.budget = Budget(self.cache, cap_usd=options.max_cost_usd)
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._locks_guard = threading.Lock()

    def caption(self, request: Request) -> Reply:
        """Return the first good reply, or why there was none in `max_attempts`."""
        prompt = self.prompts[request.kind]
        if request.image is None:
            found = Verdict("failed", reason="no view shows it clearly")
            return self._reply(found, prompt)
        text = prompt.fill(request)
        key = request_hash(self._parameters(text), request.image)
        with self._lock(key):
            found = Verdict("failed", reason="captions.max_attempts is 0")
            for attempt in range(self.options.max_attempts):
                paid = self.cache.get(key, attempt)
                if paid is None:
                    try:
                        paid = self._ask(request, text, prompt, key=key, attempt=attempt)
                    except openai.APIError as error:
                        return self._reply(self._of_error(error), prompt)
                found = verdict(paid.body, self.options.reply_format)
                if found.status == "ok":
                    break
                log.warning(
                    "%s, attempt %d: %s: %s", request.name, attempt + 1, found.status, found.reason
                )
        return self._reply(found, prompt)

    def _ask(
        self, request: Request, text: str, prompt: Prompt, *, key: str, attempt: int
    ) -> PaidReply:
        """Send one request and keep the reply before its share of the budget is set free."""
        options = self.options
        height, width = request.image.shape[:2]
        size = fitted_size(width, height, max_px=options.max_image_px)
        system = instruction(options.reply_format)
        input_tokens = text_tokens(system + text) + self.price.image_tokens(*size)
        most_usd = self.price.usd(input_tokens=input_tokens, output_tokens=options.max_tokens)
        url = data_url(jpeg(request.image, max_px=options.max_image_px))
        image = {"type": "image_url", "image_url": {"url": url, "detail": "high"}}
        messages: list[Any] = [
            {"role": "system", "content": system},
            {"role": "user", "content": [{"type": "text", "text": text}, image]},
        ]
        # OpenAI's newer models refuse `max_tokens`; many other servers know nothing else.
        limit = "max_tokens" if options.base_url else "max_completion_tokens"
        extra: dict[str, Any] = {limit: options.max_tokens}
        if options.temperature is not None:
            extra["temperature"] = options.temperature
        if options.reply_format != "text":
            extra["response_format"] = response_format(options.reply_format)
        with self.budget.reserved(most_usd):
            raw = self.client.chat.completions.with_raw_response.create(
                model=options.model, messages=messages, **extra
            )
            body = self._redacted(raw.content.decode("utf-8", errors="replace"))
            billed = usage(body) or (input_tokens, min(text_tokens(body), options.max_tokens))
            paid = PaidReply(
                name=request.name,
                model=options.model,
                prompt=prompt.name,
                attempt=attempt,
                input_tokens=billed[0],
                output_tokens=billed[1],
                cost_usd=self.price.usd(input_tokens=billed[0], output_tokens=billed[1]),
                body=body,
            )
            self.cache.put(key, paid)
            return paid

    def _parameters(self, text: str) -> dict[str, str | int | float | None]:
        """Return what a reply depends on, besides the image's pixels."""
        return {
            "base_url": str(self.client.base_url),
            "model": self.options.model,
            "system": instruction(self.options.reply_format),
            "text": text,
            "reply_format": self.options.reply_format,
            "max_image_px": self.options.max_image_px,
            "jpeg_quality": JPEG_QUALITY,
            "max_tokens": self.options.max_tokens,
            "temperature": self.options.temperature,
        }

    def _of_error(self, error: openai.APIError) -> Verdict:
        """Judge an error that outlived the SDK's retries; `UserError` if it will hit every one."""
        message = self._redacted(shortened(error.message))
        status = error.status_code if isinstance(error, openai.APIStatusError) else None
        if status in (401, 403, 404) or error.code == "insufficient_quota":
            raise UserError(
                f"the caption server says {status}: {message}. Check {KEY_VARIABLE}, "
                f"captions.base_url ({self.client.base_url}), captions.model "
                f"({self.options.model}) and the account's credit."
            ) from None
        if error.code in _REFUSAL_CODES:
            return Verdict("refused", reason=message)
        what = f"HTTP {status}" if status else type(error).__name__
        return Verdict("failed", reason=f"{what}: {message}")

    def _reply(self, found: Verdict, prompt: Prompt) -> Reply:
        return Reply(
            found.status, found.text, found.reason, model=self.options.model, prompt=prompt.name
        )

    def _redacted(self, text: str) -> str:
        """Take the key out of a server's words; some servers repeat it in their errors."""
        return text.replace(self.key, "***") if self.key else text

    def _lock(self, key: str) -> threading.Lock:
        """Return the lock of a request, so that two equal ones are paid once."""
        with self._locks_guard:
            return self._locks[key]
