"""Check a configuration against its model, fill in defaults, and say clearly what is wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.config.base import (
    TYPE_PHRASES,
    Keys,
    Model,
    SettingsError,
    options_of,
)
from workflow_scripts.config.lines import Places, dotted
from workflow_scripts.config.renamed import RENAMED_VALUES, new_name
from workflow_scripts.config.type_lookup import child, kinds_of, literals_of, model_of, type_at

_LIMITS = {
    "greater_than_equal": ("ge", "{value!r} is less than the minimum of {limit:g}"),
    "less_than_equal": ("le", "{value!r} is greater than the maximum of {limit:g}"),
    "greater_than": ("gt", "{value!r} must be greater than {limit:g}"),
    "less_than": ("lt", "{value!r} must be less than {limit:g}"),
}
_TYPES = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "object"),
    **{"tuple_type": "array", "list_type": "array", "string_type": "string"},
    **{"int_type": "integer", "int_parsing": "integer", "int_from_float": "integer"},
    **{"float_type": "number", "float_parsing": "number"},
    **{"bool_type": "boolean", "bool_parsing": "boolean"},
}


def load_config(
    config: Mapping[str, Any],
    model: type[Model],
    *,
    files: Sequence[Path] = (),
    command_line: Mapping[str, Any] | None = None,
) -> Model:
    """Return a configuration as its model, with every default filled in.

    `files` are the YAML files that it was read from, the last one winning, and `command_line`
    what `--config` gave: they are only for saying where a mistake stands.

    Raises `UserError` that lists every problem on a line of its own: file and line, the key, the
    value, what is allowed, and for an unknown key the allowed_values valid one.
    """
    places = Places(files, command_line or {})
    problems = [*places.duplicates, *_names_of_other_types(config, places)]
    if not problems:
        try:
            return model.model_validate(config)
        except ValidationError as error:
            problems = list(explained(error, model, config, places))
    raise UserError("the configuration is wrong:\n  " + "\n  ".join(problems))


def explained(
    error: ValidationError, model: type[Model], config: Any, places: Places | None = None
) -> Iterator[str]:
    """Yield a line for every problem that a model found in raw settings."""
    where = places or Places((), {})
    by_path: dict[Keys, list[tuple[Keys, str]]] = {}
    for item in error.errors():
        for path, message in _problems(item, model, config):
            by_path.setdefault(path, []).append((path, message))
    for path in sorted(by_path, key=lambda path: [str(part) for part in path]):
        # An alternative between a word and a number complains twice about one value.
        messages = dict.fromkeys(message for _, message in by_path[path])
        numbers = [text for text in messages if "is not allowed" not in text]
        for message in numbers or messages:
            yield f"{where.prefix(path)}{dotted(path)}: {message}"


def _problems(item: Any, model: type[Model], config: Any) -> Iterator[tuple[Keys, str]]:
    """Yield the key and the message of one of pydantic's errors."""
    kind, context = item["type"], item.get("ctx", {})
    raw_path = (*item["loc"], *context.get("inside", ()))
    is_name = "[key]" in raw_path
    path = _own_path(tuple(part for part in raw_path if part != "[key]"), config, kind)
    value = _at(config, path)
    if is_name:
        value, path = path[-1], path[:-1]
    annotation, description = type_at(model, config, path)
    hint = f" ({description})" if description else ""
    own = context.get("error")
    if isinstance(own, SettingsError):
        yield from (((*path, *inner), message) for inner, message in own.problems)
    elif kind == "extra_forbidden":
        yield path, _unknown(path, model, config)
    elif kind == "missing":
        yield path, f"missing{hint}"
    elif kind == "not_allowed":
        renamed = RENAMED_VALUES.get(str(value))
        if renamed in context["names"]:
            yield path, f"{value!r} is not allowed; it is now {renamed!r}"
        else:
            yield path, f"{value!r} is not allowed; {allowed_values(str(value), context['names'])}"
    elif kind == "literal_error":
        yield (
            path,
            f"{value!r} is not allowed; {allowed_values(str(value), literals_of(annotation))}",
        )
    elif kind == "union_tag_invalid":
        kinds = [kind for option in options_of(annotation) for kind in _kinds(option)]
        given = value.get("kind") if isinstance(value, Mapping) else value
        yield (*path, "kind"), f"{given!r} is not allowed; {allowed_values(str(given), kinds)}"
    elif kind == "finite_number":
        yield path, f"{value!r} is not a finite number"
    elif kind == "wrong_type":
        yield path, f"{value!r} must be {context['allowed']}{hint}"
    elif kind in _TYPES:
        yield path, f"{value!r} must be {TYPE_PHRASES[_TYPES[kind]]}{hint}"
    elif kind == "union_tag_not_found":
        yield path, f"{value!r} must be {TYPE_PHRASES['object']} or null{hint}"
    elif kind in _LIMITS:
        name, text = _LIMITS[kind]
        # As it was read: inside braces on the command line, numbers come as text.
        yield path, text.format(value=item["input"], limit=context[name]) + hint
    elif kind == "too_short":
        least = context["min_length"]
        entries = "entry" if least == 1 else "entries"
        yield path, f"{value!r} must have at least {least} {entries}{hint}"
    elif kind == "string_pattern_mismatch":
        yield path, f"{value!r} is not allowed{hint or '; pattern: ' + context['pattern']}"
    elif own is not None:
        yield path, str(own)
    else:
        yield path, f"{value!r}: {item['msg']}{hint}"


def _kinds(option: Any) -> tuple[str, ...]:
    return kinds_of(option) if isinstance(option, type) and hasattr(option, "model_fields") else ()


def _own_path(location: Keys, config: Any, kind: str) -> Keys:
    """Return a location without the names of alternatives, which pydantic puts between."""
    path: list[str | int] = []
    value = config
    for number, part in enumerate(location):
        is_last = number == len(location) - 1
        is_here = (isinstance(value, Mapping) and part in value) or (
            isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        )
        if is_here:
            value = child(value, part)
            path.append(part)
        elif is_last and kind == "missing":
            path.append(part)
    return tuple(path)


def _at(config: Any, path: Keys) -> Any:
    value = config
    for part in path:
        value = child(value, part)
    return value


def _unknown(path: Keys, model: type[Model], config: Any) -> str:
    new = new_name(dotted(path))
    if new is not None:
        return f"unknown key; it is now {new}"
    annotation, _ = type_at(model, config, path[:-1])
    holder = model_of(annotation, _at(config, path[:-1]))
    known = list(holder.model_fields) if holder else []
    return f"unknown key; {allowed_values(str(path[-1]), known)}"


def _names_of_other_types(config: Any, places: Places, path: Keys = ()) -> Iterator[str]:
    """Yield the keys that YAML does not read as text, such as on, no and 2024."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(config, Mapping):
        items = config.items()
    elif isinstance(config, list):
        items = enumerate(config)
    for key, value in items:
        inner = (*path, key)
        if isinstance(config, Mapping) and not isinstance(key, str):
            text = places.text(inner) or str(key)
            yield (
                f"{places.prefix(inner)}{dotted((*path, text))}: YAML reads the name {text} as "
                f'{type(key).__name__} {key!r}; write it in quotes: "{text}"'
            )
        yield from _names_of_other_types(value, places, inner)
