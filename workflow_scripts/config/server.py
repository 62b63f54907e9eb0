"""Settings of requests to an OpenAI-compatible server, for captions and paraphrases."""

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from workflow_scripts.common.errors import SecretValueError
from workflow_scripts.config.base import Settings, SettingsError, UserPath

ReplyFormat = Literal["json_schema", "json_object", "text"]
_SECRET_PARAMETER = re.compile(r"(?:^|[&;])[^=&;]*(?:key|token|secret|passw|pwd|auth|sig)[^=&;]*=")


def address_problem(url: str) -> str:
    """Return why a text is no address of a server, '' if it is one.

    The text may hold a password, so no part of it is repeated.
    """
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds a space, a line break or a control character"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "is no address: its brackets do not match"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname:
        return "names no host"
    if "@" in parts.netloc or _SECRET_PARAMETER.search(parts.query.lower()):
        return "holds a password, which would reach logs and records"
    try:
        if parts.port == 0:
            return "has the port 0"
    except ValueError:
        return "has a port that is not a number up to 65535"
    return ""


class PriceSettings(Settings):
    """What a model costs."""

    input_usd_per_million: float | None = Field(
        None,
        ge=0,
        description="price of a million input tokens, for a model without a known price; 0 for "
        "your own server",
    )
    output_usd_per_million: float | None = Field(
        None, ge=0, description="price of a million output tokens, as above"
    )

    @model_validator(mode="after")
    def _both_prices(self) -> "PriceSettings":
        names = ("input_usd_per_million", "output_usd_per_million")
        missing = [name for name in names if getattr(self, name) is None]
        if len(missing) == 1:
            (given,) = set(names) - set(missing)
            problem = f"null, but {given} is {getattr(self, given):g}; they go together: give both"
            raise SettingsError(((missing[0],), problem))
        return self


class ServerSettings(PriceSettings):
    """A server and what its replies depend on; a stage has defaults and descriptions of its own."""

    model: str = Field("gpt-4o", description="model name")
    base_url: str | None = Field(
        None, description="address of an OpenAI-compatible server; null: the SDK's default"
    )
    max_tokens: int = Field(300, ge=16, description="longest reply of a server in tokens")
    temperature: float | None = Field(
        0.2,
        ge=0,
        le=2,
        description="randomness of a server's replies; null leaves it to the server, as some "
        "models demand",
    )
    reply_format: ReplyFormat = Field(
        "json_schema",
        description="how a server is asked to answer; json_object and text are for servers "
        "without JSON schemas",
    )
    max_attempts: int = Field(
        3, ge=1, le=10, description="times a text is asked for while replies cannot be used"
    )
    cache: UserPath = Field(
        "results/cache", description="folder of paid replies; nothing in it is paid twice"
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        problem = address_problem(value) if value is not None else ""
        if problem:
            raise SecretValueError(
                f"the address {problem}; allowed: an address such as http://localhost:8000/v1. A "
                "key belongs into the environment variable OPENAI_API_KEY, an address with a "
                "password into OPENAI_BASE_URL"
            )
        return value


class RequestLimits(Settings):
    """What changes neither requests nor replies: no reason to run a job again."""

    concurrency: int = Field(4, ge=1, le=256, description="parallel requests of one job")
    max_cost_usd: float | None = Field(
        5.0,
        ge=0,
        description="no further requests are sent when the replies in the cache have cost this "
        "much in total; null: no limit",
    )


class ConnectionSettings(RequestLimits):
    """The limits of requests, and how often and how long a server is waited for.

    The two fields of its own are flags of a command line, not keys of the configuration.
    """

    max_retries: int = Field(
        6, ge=0, description="times a request is repeated after a time-out, 429 or server error"
    )
    timeout_s: float = Field(60.0, gt=0, description="longest wait for one reply")
