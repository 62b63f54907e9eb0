"""Check a configuration against its schema, fill in defaults, and say clearly what is wrong."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from workflow_scripts.common.errors import UserError, nearest


def checked(config: Mapping[str, Any], schema_path: Path) -> dict[str, Any]:
    """Return the configuration with the schema's defaults filled in.

    Raises `UserError` that lists every problem on a line of its own: the key, the value, what
    is allowed, and for an unknown key the nearest valid one.
    """
    schema = yaml.safe_load(schema_path.read_text(encoding="utf-8"))
    complete = copy.deepcopy(dict(config))
    problems = list(_problems(complete, schema))
    if not problems:
        _fill_defaults(complete, schema)
        problems = list(_problems(complete, schema))
    if problems:
        raise UserError("the configuration is wrong:\n  " + "\n  ".join(problems))
    return complete


def _problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    errors = Draft202012Validator(schema).iter_errors(config)
    for error in sorted(errors, key=lambda error: [str(part) for part in error.absolute_path]):
        yield from _explained(error)


def _explained(error: ValidationError) -> Iterator[str]:
    key = ".".join(str(part) for part in error.absolute_path) or "(top level)"
    rule = error.schema if isinstance(error.schema, Mapping) else {}
    description = f" ({rule['description']})" if "description" in rule else ""
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = set(rule.get("properties", {}))
        for name in sorted(set(error.instance) - known, key=str):
            where = f"{key}.{name}" if error.absolute_path else str(name)
            yield f"{where}: unknown key; {nearest(str(name), known)}"
    elif error.validator == "enum":
        allowed = [str(value) for value in rule["enum"]]
        yield f"{key}: {error.instance!r} is not allowed; {nearest(str(error.instance), allowed)}"
    elif error.validator == "required":
        missing = sorted(set(rule["required"]) - set(error.instance))  # type: ignore[arg-type]
        yield f"{key}: missing {', '.join(missing)}"
    elif error.validator == "type":
        yield f"{key}: {error.instance!r} must be of type {rule['type']}{description}"
    else:
        yield f"{key}: {error.message}{description}"


def _fill_defaults(value: Any, schema: Mapping[str, Any]) -> None:
    if not isinstance(value, dict):
        return
    for name, rule in schema.get("properties", {}).items():
        if name not in value and "default" in rule:
            value[name] = copy.deepcopy(rule["default"])
        if name in value:
            _fill_defaults(value[name], rule)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        for name in set(value) - set(schema.get("properties", {})):
            _fill_defaults(value[name], extra)
