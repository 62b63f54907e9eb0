"""Read what a server answered: the texts asked for, a refusal, or something that is neither."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from workflow_scripts.models.chat.reply_text import unwrapped, without_reasoning

MAX_CHARACTERS = 4000
_MAX_TOKENS = 10**9
_TEXT_PARTS = ("text", "output_text")
_REFUSAL_PATTERN = re.compile(
    r"^\W*(i['’]?m (really |very )?sorry|sorry|i am sorry|i apologi[sz]e|unfortunately, i|"
    r"i (cannot|can['’]?t|can not|am unable|['’]m unable)|i['’]m (unable|not able)|as an ai)\b",
    re.IGNORECASE,
)


class _Part(BaseModel):
    """One part of a content in parts; parts that are no text (reasoning) are left out."""

    type: str = "text"
    text: Any = None
    refusal: str | None = None


class _Message(BaseModel):
    content: str | list[str | _Part] | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        """The texts of the content, one after the other."""
        if not isinstance(self.content, list):
            return self.content or ""
        texts = (
            part if isinstance(part, str) else part.text
            for part in self.content
            if isinstance(part, str) or part.type in _TEXT_PARTS
        )
        return "".join(text for text in texts if isinstance(text, str))

    @property
    def refusal_text(self) -> str:
        """Why the model refuses, '' if it does not."""
        parts = self.content if isinstance(self.content, list) else []
        refusals = [part.refusal for part in parts if isinstance(part, _Part) and part.refusal]
        return self.refusal or " ".join(refusals)


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0, le=_MAX_TOKENS)
    completion_tokens: int = Field(ge=0, le=_MAX_TOKENS)


class _Completion(BaseModel):
    """The part of a chat completion that we read; servers add fields of their own."""

    choices: list[_Choice] = Field(min_length=1)


class _Billed(BaseModel):
    usage: _Usage


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


@cache
def _content_model(keys: tuple[str, ...], max_characters: int) -> type[BaseModel]:
    """Return the model of a JSON object with these texts and nothing else."""
    text = (str, Field(min_length=1, max_length=max_characters))
    return create_model("Content", __base__=_Strict, **dict.fromkeys(keys, text))  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class ChatReply:
    """What a body holds: texts by name, or the reason why there are none.

    `rejected`: the format is right, but the caller's check refused the texts.
    """

    status: Literal["ok", "refused", "failed", "rejected"]
    texts: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


def response_format(reply_format: str, keys: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the `response_format` parameter of a request; None for plain text."""
    if reply_format == "text":
        return None
    if reply_format == "json_object":
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "json_schema": {
            "name": "_".join(keys),
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {key: {"type": "string"} for key in keys},
                "required": list(keys),
                "additionalProperties": False,
            },
        },
    }


def system_message(task: str, keys: tuple[str, ...], reply_format: str) -> str:
    """Return the system message that goes with a reply format."""
    if reply_format == "text":
        return f"{task} Answer with the {' and the '.join(keys)} alone."
    if len(keys) == 1:
        return f'{task} Answer with a JSON object that has one key, "{keys[0]}".'
    named = " and ".join(f'"{key}"' for key in keys)
    return f"{task} Answer with a JSON object that has the keys {named}."


def usage(body: str) -> tuple[int, int] | None:
    """Return the (input, output) tokens that a server billed, None if it does not say."""
    try:
        billed = _Billed.model_validate_json(body).usage
    except ValidationError:
        return None
    return billed.prompt_tokens, billed.completion_tokens


def parse_reply(
    body: str,
    reply_format: str,
    keys: tuple[str, ...],
    *,
    section: str,
    redact: Callable[[str], str],
    max_characters: int = MAX_CHARACTERS,
    keep_lines: bool = False,
) -> ChatReply:
    """Judge the body of a reply that should hold texts by these names; `text` holds one.

    `redact` removes secrets from reasons; the texts themselves are not touched, but for white
    space, which is one space each; with `keep_lines` it stays as it is.
    """
    try:
        choice = _Completion.model_validate_json(body).choices[0]
    except ValidationError as error:
        return ChatReply("failed", reason=f"not a chat completion: {_first_problem(error, redact)}")
    message = choice.message
    if message.refusal_text:
        return ChatReply("refused", reason=shorten(redact(message.refusal_text)))
    if choice.finish_reason == "content_filter":
        return ChatReply("refused", reason="stopped by the server's content filter")
    if choice.finish_reason == "length":
        return ChatReply("failed", reason=f"cut off: longer than {section}.max_tokens")
    content = unwrapped(message.text)
    if message.text.strip() and not content:
        return ChatReply("failed", reason="the model's reasoning and no answer")
    texts = {keys[0]: content}
    if reply_format != "text":
        try:
            texts = _read_json(message.text, content, keys, max_characters)
        except ValidationError as error:
            if _REFUSAL_PATTERN.match(content):
                return ChatReply("refused", reason=shorten(redact(content)))
            problem = _first_problem(error, redact)
            return ChatReply("failed", reason=f"not the JSON asked for: {problem}")
    texts = {
        key: text.strip() if keep_lines else " ".join(text.split()) for key, text in texts.items()
    }
    for key, text in texts.items():
        if not text or len(text) > max_characters:
            return ChatReply("failed", reason=f"{key} of {len(text)} characters")
        if _REFUSAL_PATTERN.match(text):
            return ChatReply("refused", reason=shorten(redact(text)))
    return ChatReply("ok", texts=texts)


def _read_json(
    raw: str, content: str, keys: tuple[str, ...], max_characters: int
) -> dict[str, str]:
    """Return the texts of a reply that is JSON, alone or behind reasoning or in a fence."""
    model = _content_model(keys, max_characters)
    try:
        # First as it is: what looks like a fence may stand inside a text.
        texts = model.model_validate_json(raw).model_dump()
    except ValidationError:
        texts = model.model_validate_json(content).model_dump()
    return {key: without_reasoning(text) for key, text in texts.items()}


def shorten(text: str, *, max_characters: int = 200) -> str:
    """Return a text on one line, cut to a length fit for a message."""
    line = " ".join(text.split())
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"


def _first_problem(error: ValidationError, redact: Callable[[str], str]) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return shorten(redact(f"{where}: {problem['msg']}" if where else problem["msg"]))
