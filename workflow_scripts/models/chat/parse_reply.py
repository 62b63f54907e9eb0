"""Read what a server answered: the texts asked for, a refusal, or something that is neither."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

MAX_CHARACTERS = 4000
_REFUSAL_PATTERN = re.compile(
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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


@cache
def _content_model(keys: tuple[str, ...]) -> type[BaseModel]:
    """Return the model of a JSON object with these texts and nothing else."""
    text = (str, Field(min_length=1, max_length=MAX_CHARACTERS))
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


def parse_reply(body: str, reply_format: str, keys: tuple[str, ...], *, section: str) -> ChatReply:
    """Judge the body of a reply that should hold texts by these names; `text` holds one."""
    try:
        choice = _Completion.model_validate_json(body).choices[0]
    except ValidationError as error:
        return ChatReply("failed", reason=f"not a chat completion: {_first_problem(error)}")
    if choice.message.refusal:
        return ChatReply("refused", reason=shorten(choice.message.refusal))
    if choice.finish_reason == "content_filter":
        return ChatReply("refused", reason="stopped by the server's content filter")
    if choice.finish_reason == "length":
        return ChatReply("failed", reason=f"cut off: longer than {section}.max_tokens")
    content = choice.message.content or ""
    texts = {keys[0]: content}
    if reply_format != "text":
        try:
            texts = _content_model(keys).model_validate_json(content).model_dump()
        except ValidationError as error:
            if _REFUSAL_PATTERN.match(content):
                return ChatReply("refused", reason=shorten(content))
            return ChatReply("failed", reason=f"not the JSON asked for: {_first_problem(error)}")
    texts = {key: " ".join(text.split()) for key, text in texts.items()}
    for key, text in texts.items():
        if not text or len(text) > MAX_CHARACTERS:
            return ChatReply("failed", reason=f"{key} of {len(text)} characters")
        if _REFUSAL_PATTERN.match(text):
            return ChatReply("refused", reason=shorten(text))
    return ChatReply("ok", texts=texts)


def shorten(text: str, *, max_characters: int = 200) -> str:
    """Return a text on one line, cut to a length fit for a message."""
    line = " ".join(text.split())
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return shorten(f"{where}: {problem['msg']}" if where else problem["msg"])
