"""Read what a server answered: a caption, a refusal, or something that is neither."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SCHEMA_NAME = "caption"
MAX_CHARACTERS = 4000
_SORRY = re.compile(
    r"^\W*(i['’]?m (really |very )?sorry|sorry|i am sorry|i apologi[sz]e|unfortunately, i|"
    r"i (cannot|can['’]?t|can not|am unable|['’]m unable)|i['’]m (unable|not able)|as an ai)\b",
    re.IGNORECASE,
)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Completion(BaseModel):
    """The part of a chat completion that we read; servers add fields of their own."""

    choices: list[_Choice] = Field(min_length=1)


class _Billed(BaseModel):
    usage: _Usage


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    caption: str = Field(min_length=1, max_length=MAX_CHARACTERS)


@dataclass(frozen=True)
class Verdict:
    """What a body holds: a text, or the reason why there is none."""

    status: Literal["ok", "refused", "failed"]
    text: str = ""
    reason: str = ""


def response_format(reply_format: str) -> dict[str, Any] | None:
    """Return the `response_format` parameter of a request; None for plain text."""
    if reply_format == "text":
        return None
    if reply_format == "json_object":
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "json_schema": {
            "name": SCHEMA_NAME,
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"caption": {"type": "string"}},
                "required": ["caption"],
                "additionalProperties": False,
            },
        },
    }


def instruction(reply_format: str) -> str:
    """Return the system message that goes with a reply format."""
    if reply_format == "text":
        return "You describe pictures. Answer with the caption alone."
    return 'You describe pictures. Answer with a JSON object that has one key, "caption".'


def usage(body: str) -> tuple[int, int] | None:
    """Return the (input, output) tokens that a server billed, None if it does not say."""
    try:
        billed = _Billed.model_validate_json(body).usage
    except ValidationError:
        return None
    return billed.prompt_tokens, billed.completion_tokens


def verdict(body: str, reply_format: str) -> Verdict:
    """Judge the body of a reply."""
    try:
        choice = _Completion.model_validate_json(body).choices[0]
    except ValidationError as error:
        return Verdict("failed", reason=f"not a chat completion: {_first(error)}")
    if choice.message.refusal:
        return Verdict("refused", reason=shortened(choice.message.refusal))
    if choice.finish_reason == "content_filter":
        return Verdict("refused", reason="stopped by the server's content filter")
    if choice.finish_reason == "length":
        return Verdict("failed", reason="cut off: longer than captions.max_tokens")
    content = choice.message.content or ""
    if reply_format != "text":
        try:
            content = _Content.model_validate_json(content).caption
        except ValidationError as error:
            if _SORRY.match(content):
                return Verdict("refused", reason=shortened(content))
            return Verdict("failed", reason=f"not the JSON asked for: {_first(error)}")
    text = " ".join(content.split())
    if not text or len(text) > MAX_CHARACTERS:
        return Verdict("failed", reason=f"a caption of {len(text)} characters")
    if _SORRY.match(text):
        return Verdict("refused", reason=shortened(text))
    return Verdict("ok", text=text)


def shortened(text: str, *, max_characters: int = 200) -> str:
    """Return a text on one line, cut to a length fit for a message."""
    line = " ".join(text.split())
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"


def _first(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return shortened(f"{where}: {problem['msg']}" if where else problem["msg"])
