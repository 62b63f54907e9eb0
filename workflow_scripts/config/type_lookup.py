"""Find the type of a key in nested settings."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from workflow_scripts.config.base import Keys, options_of


def type_at(model: type[BaseModel], config: Any, path: Keys) -> tuple[Any, str]:
    """Return the annotation and the description of the key at `path`.

    `config` is the raw configuration, which says by `kind` which of several models is meant.
    (None, "") for a key that does not exist.
    """
    annotation: Any = model
    description = ""
    value = config
    for part in path:
        chosen = model_of(annotation, value)
        value = child(value, part)
        if chosen is not None:
            field = chosen.model_fields.get(str(part))
            if field is None:
                return None, ""
            # Without the metadata of the field itself the names of `one_of` would be lost.
            annotation = field.annotation
            for item in field.metadata:
                annotation = Annotated[annotation, item]
            description = field.description or ""
            continue
        inner = _inner(annotation, part)
        if inner is None:
            return None, ""
        annotation = inner
    return annotation, description


def model_of(annotation: Any, value: Any) -> type[BaseModel] | None:
    """Return the model among an annotation's alternatives; of several the one of its `kind`."""
    models = [
        option
        for option in options_of(annotation)
        if isinstance(option, type) and issubclass(option, BaseModel)
    ]
    if len(models) < 2:
        return models[0] if models else None
    kind = value.get("kind") if isinstance(value, Mapping) else None
    found = [model for model in models if kind in kinds_of(model)]
    return found[0] if found else models[0]


def kinds_of(model: type[BaseModel]) -> tuple[Any, ...]:
    """Return the values of a model's field `kind`."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field else ()


def child(value: Any, part: str | int) -> Any:
    """Return what stands at a key or index, None if there is nothing."""
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def literals_of(annotation: Any) -> list[str]:
    """Return the words that an annotation allows."""
    words = []
    for option in options_of(annotation):
        if get_origin(option) is Literal:
            words += [str(word) for word in get_args(option)]
    return words


def _inner(annotation: Any, part: str | int) -> Any:
    for option in options_of(annotation):
        origin, arguments = get_origin(option), get_args(option)
        if origin in (list, tuple) and isinstance(part, int):
            return arguments[0]
        if origin in (dict, Mapping):
            return arguments[1]
    return None
