"""The base class of all settings, the types that fields are made of, and JSON for one rule."""

import contextlib
import json
import math
import os
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from workflow_scripts.common.errors import UserError

Number = int | float
Keys = tuple[str | int, ...]
Model = TypeVar("Model", bound="Settings")


class SettingsError(ValueError):
    """Problems that a cross-check found, each with the key below the model, as a tuple of parts."""

    def __init__(self, *problems: tuple[Keys, str]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


class Settings(BaseModel):
    """A group of settings. Every field has a description; unknown keys are errors.

    Texts that stand for numbers, true, false or null are read as such where no text may stand:
    inside braces Snakemake's `--config` takes everything for text.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, regex_engine="python-re"
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        without = [name for name, field in cls.model_fields.items() if not field.description]
        if without:
            raise TypeError(f"{cls.__name__}: no description: {', '.join(without)}")

    @classmethod
    def parse(cls, values: Any) -> Self:
        """Return settings from plain values, such as JSON.

        Raises `UserError` that names every wrong key with its value and what is allowed.
        """
        # Messages need the walk over models, which needs this class.
        from workflow_scripts.config.load import explained

        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError("; ".join(explained(error, cls, values))) from None

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Any:
        return read_value(value, cls.model_fields[str(info.field_name)].annotation)


def read_value(value: Any, annotation: Any) -> Any:
    """Return a raw value as the annotated type wants it; the wrong type is an error.

    Raises `PydanticCustomError` "wrong_type" with the names of the types that are allowed.
    """
    options = list(options_of(annotation))
    if Any in options or any(_is_model(option) for option in options):
        return _read_text(value) if _is_null_text(value) else value
    literals = [text for option in options for text in _literals(option)]
    if value in literals and not isinstance(value, bool):
        return value
    is_text_allowed = str in options or (bool(literals) and not _others(options))
    if isinstance(value, str):
        if _is_null_text(value) and type(None) in options:
            return None
        value = value if is_text_allowed else _read_text(value)
    allowed = {
        name
        for option in options
        if is_text_allowed or get_origin(option) is not Literal
        for name in _json_types(option)
    }
    if isinstance(value, float) and "number" not in allowed and "integer" in allowed:
        if not math.isfinite(value):
            raise PydanticCustomError("finite_number", "{value} is not a finite number", {})
        value = int(value) if value.is_integer() else value
    if _json_type(value) not in allowed and not (
        _json_type(value) == "integer" and "number" in allowed
    ):
        raise PydanticCustomError("wrong_type", "wrong type", {"allowed": _named(options)})
    return _read_inside(value, options)


def _read_inside(value: Any, options: Sequence[Any]) -> Any:
    for option in options:
        if isinstance(value, list | tuple) and get_origin(option) in (list, tuple):
            inner = get_args(option)[0]
            return [_element(item, inner, index) for index, item in enumerate(value)]
        if isinstance(value, Mapping) and get_origin(option) in (dict, Mapping):
            inner = get_args(option)[1]
            return {key: _element(item, inner, key) for key, item in value.items()}
    return value


def _element(value: Any, annotation: Any, key: str | int) -> Any:
    """Read an element of a list or mapping; where its type is wrong pydantic says so itself."""
    try:
        return read_value(value, annotation)
    except PydanticCustomError as error:
        where = (key, *error.context.get("inside", ())) if error.context else (key,)
        context = {**(error.context or {}), "inside": where}
        raise PydanticCustomError(error.type, error.message_template, context) from None


def options_of(annotation: Any) -> Iterable[Any]:
    """Yield the alternatives of an annotation, without what is annotated."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from options_of(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from options_of(option)
    else:
        yield annotation


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _literals(option: Any) -> tuple[Any, ...]:
    return get_args(option) if get_origin(option) is Literal else ()


def _others(options: Sequence[Any]) -> bool:
    return any(get_origin(option) is not Literal and option is not type(None) for option in options)


def _is_null_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() == "null"


def _read_text(text: str) -> Any:
    """Read a text as YAML; text it stays if it is nothing else."""
    with contextlib.suppress(yaml.YAMLError):
        value = yaml.safe_load(text)
        if not isinstance(value, str):
            return value
    # YAML 1.1 has neither 1e-3 nor 1e3.
    with contextlib.suppress(ValueError):
        return float(text)
    return text


# How messages name the JSON types.
TYPE_PHRASES = {
    "object": "a group of keys",
    "array": "a list",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_JSON_TYPES = {
    **{bool: ("boolean",), int: ("integer",), float: ("number", "integer"), str: ("string",)},
    type(None): ("null",),
}


def _json_types(option: Any) -> tuple[str, ...]:
    """Return the JSON types that an alternative takes; a word of a list is any type at all."""
    if get_origin(option) in (list, tuple):
        return ("array",)
    if get_origin(option) in (dict, Mapping):
        return ("object",)
    if get_origin(option) is Literal:
        return tuple({_json_type(text) for text in get_args(option)})
    return _JSON_TYPES.get(option, ())


def _json_type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, list | tuple):
        return "array"
    return _JSON_TYPES.get(type(value), ("unknown",))[0]


def _named(options: Sequence[Any]) -> str:
    """Name the types that are allowed, as a user knows them from YAML."""
    names = []
    for option in options:
        if get_origin(option) is Literal:
            names += [repr(text) for text in get_args(option)]
        else:
            names += [TYPE_PHRASES[name] for name in _json_types(option)[:1]]
    return " or ".join(dict.fromkeys(names))


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise PydanticCustomError("twice", "{twice} stands twice", {"twice": repr(twice)})
    return values


_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
Item = TypeVar("Item")
Text = Annotated[str, Field(min_length=1)]
#: The path of a user's file or folder; a leading ~ is the home folder.
UserPath = Annotated[Text, AfterValidator(os.path.expanduser)]
#: A list in which nothing stands twice.
UniqueList = Annotated[
    tuple[Item, ...], AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True})
]


def one_of(names: Iterable[str]) -> Any:
    """Return the annotation of a text that must be one of some names, for `Annotated[str, ...]`."""
    allowed = tuple(names)

    def check(value: str) -> str:
        if value not in allowed:
            raise PydanticCustomError("not_allowed", "not allowed", {"names": list(allowed)})
        return value

    return _Names(check, allowed)


class _Names(AfterValidator):
    """A validator of names that also puts them into the JSON schema."""

    def __init__(self, check: Callable[[str], str], names: tuple[str, ...]) -> None:
        super().__init__(check)
        object.__setattr__(self, "names", names)

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.names)}  # type: ignore[attr-defined]


def section_json(settings: BaseModel | Mapping[str, Any], model: type[Settings]) -> str:
    """Return exactly the fields of `model` from some settings, as JSON with sorted keys.

    For one param of a rule: the job runs again when one of these fields changes, and for no other.
    Braces inside of texts are escaped: Snakemake would take "{name}" for a wildcard.
    """
    values = settings.model_dump() if isinstance(settings, BaseModel) else settings
    chosen = {name: values[name] for name in model.model_fields if name in values}
    text = json.dumps(model.model_validate(chosen).model_dump(mode="json"), sort_keys=True)
    return without_wildcards(text)


def without_wildcards(text: str) -> str:
    """Return JSON whose texts hold no braces that Snakemake would take for wildcards."""
    return _JSON_TEXT.sub(lambda match: match[0].replace("{", r"\u007b"), text)
