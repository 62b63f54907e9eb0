"""Check a configuration against its schema, fill in defaults, and say clearly what is wrong."""

import contextlib
import copy
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from workflow_scripts.common.errors import UserError, allowed_values

Keys = tuple[str | int, ...]


def checked(config: Mapping[str, Any], schema_path: Path) -> dict[str, Any]:
    """Return the configuration with the schema's defaults filled in.

    Raises `UserError` that lists every problem on a line of its own: the key, the value, what
    is allowed, and for an unknown key the nearest valid one.
    """
    schema = yaml.safe_load(schema_path.read_text(encoding="utf-8"))
    complete = copy.deepcopy(dict(config))
    _read_texts(complete, schema)
    problems = list(_problems(complete, schema))
    if not problems:
        _fill_defaults(complete, schema)
        problems = list(_problems(complete, schema))
    if problems:
        raise UserError("the configuration is wrong:\n  " + "\n  ".join(problems))
    return complete


def _read_texts(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Read texts that stand for numbers, true, false or null, where no text may stand.

    Inside braces Snakemake's `--config` takes everything for text.
    """
    for error in Draft202012Validator(schema).iter_errors(config):
        for path, _ in _leaves(error):
            holder: Any = config
            for part in path[:-1]:
                holder = holder[part]
            key = path[-1] if path else None
            if key is None or not isinstance(holder[key], str):
                continue
            with contextlib.suppress(yaml.YAMLError):
                holder[key] = yaml.safe_load(holder[key])
            if isinstance(holder[key], str):
                # YAML 1.1 has no 1e-3.
                with contextlib.suppress(ValueError):
                    holder[key] = float(holder[key])


def _problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for path, number in _numbers_without_end(config):
        yield f"{'.'.join(map(str, path))}: {number} is not a finite number"
    errors = Draft202012Validator(schema).iter_errors(config)
    for error in sorted(errors, key=lambda error: [str(part) for part in error.absolute_path]):
        for path, leaf in _leaves(error):
            yield from _explained(path, leaf)


def _numbers_without_end(value: Any, path: Keys = ()) -> Iterator[tuple[Keys, float]]:
    """Yield `.nan` and `.inf`, which pass every limit of a schema, and where they stand."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path, value
    elif isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _numbers_without_end(inner, (*path, key))


def _leaves(error: ValidationError, above: Keys = ()) -> Iterator[tuple[Keys, ValidationError]]:
    """Yield what is wrong and where; of alternatives by `kind` only with the one that is meant."""
    path = (*above, *error.absolute_path)
    rule = error.schema if isinstance(error.schema, Mapping) else {}
    branch = None
    if error.validator == "oneOf" and isinstance(error.instance, Mapping):
        branch = _of_kind(rule, error.instance)
    if branch is None:
        yield path, error
        return
    for problem in Draft202012Validator(branch).iter_errors(error.instance):
        yield from _leaves(problem, path)


def _explained(path: Keys, error: ValidationError) -> Iterator[str]:
    key = ".".join(map(str, path)) or "(top level)"
    rule = error.schema if isinstance(error.schema, Mapping) else {}
    description = f" ({rule['description']})" if "description" in rule else ""
    if error.validator == "oneOf" and _kinds(rule) and isinstance(error.instance, Mapping):
        kind = error.instance.get("kind")
        yield f"{key}.kind: {kind!r} is not allowed; {allowed_values(str(kind), _kinds(rule))}"
    elif error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = set(rule.get("properties", {}))
        for name in sorted(set(error.instance) - known, key=str):
            where = f"{key}.{name}" if path else str(name)
            yield f"{where}: unknown key; {allowed_values(str(name), known)}"
    elif error.validator == "enum":
        allowed = [str(value) for value in rule["enum"]]
        yield f"{key}: {error.instance!r} is not allowed; {allowed_values(str(error.instance), allowed)}"
    elif error.validator == "required":
        missing = sorted(set(rule["required"]) - set(error.instance))  # type: ignore[arg-type]
        yield f"{key}: missing {', '.join(missing)}"
    elif error.validator == "type":
        yield f"{key}: {error.instance!r} must be of type {rule['type']}{description}"
    else:
        yield f"{key}: {error.message}{description}"


def _kinds(rule: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the alternatives of a rule by the `kind` that each of them is for."""
    found = {}
    for branch in rule.get("oneOf", []):
        kind = branch.get("properties", {}).get("kind", {}).get("const")
        if kind is not None:
            found[kind] = branch
    return found


def _of_kind(rule: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the alternative for a value's `kind`; without one, that whose default it is."""
    for kind, branch in _kinds(rule).items():
        if value.get("kind", branch["properties"]["kind"].get("default")) == kind:
            return branch
    return None


def _fill_defaults(value: Any, schema: Mapping[str, Any]) -> None:
    if not isinstance(value, dict):
        return
    if _kinds(schema):
        schema = _of_kind(schema, value) or {}
    for name, rule in schema.get("properties", {}).items():
        if name not in value and "default" in rule:
            value[name] = copy.deepcopy(rule["default"])
        if name in value:
            _fill_defaults(value[name], rule)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        for name in set(value) - set(schema.get("properties", {})):
            _fill_defaults(value[name], extra)
