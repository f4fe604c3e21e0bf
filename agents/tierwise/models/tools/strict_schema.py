"""A tool's schema in the strict mode of the OpenAI API, where every property has to be written.

A property that may be left out becomes one that may be ``null``, and such a ``null`` is taken out of the arguments
again. That is only right where ``null`` meant nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tierwise.models.schemas.strict import strict_form

Place = tuple[str | None, ...]
"""Names of properties from the outside in; ``None`` stands for each item of a list."""

_ANNOTATIONS = ("title", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly")
_Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StrictTool:
    """A schema that strict mode takes, the places where ``null`` means absent, and what was lost."""

    parameters: _Node
    absent: tuple[Place, ...]
    losses: tuple[str, ...]


class _NotStrict(Exception):
    """There is no strict form."""


def strict_tool(parameters: _Node) -> StrictTool | None:
    """The schema for strict mode, or ``None`` if it would lose something that a call needs."""
    absent: list[Place] = []
    try:
        made = _required({"type": "object", "properties": {}, **parameters}, (), absent)
    except (_NotStrict, AttributeError, TypeError):  # the last two: it is no schema
        return None
    strict = strict_form(made)
    if strict is None:
        return None
    text = json.dumps(made)
    losses = ["The length of a text is only told in words."] if '"minLength"' in text or '"maxLength"' in text else []
    return StrictTool(strict, tuple(absent), tuple(losses))


def without_nulls(arguments: _Node, absent: tuple[Place, ...]) -> _Node:
    """A copy of arguments without the properties that are ``null`` where that means absent."""
    changed: Any = arguments
    for place in absent:
        changed = _without(changed, place)
    return dict(changed)


def _required(schema: _Node, place: Place, absent: list[Place]) -> _Node:
    """The schema with every property required, along properties and items; alternatives are left as they are."""
    made = {word: value for word, value in schema.items() if word not in _ANNOTATIONS}
    if "default" in schema and schema["default"] is not None:
        told = f"(default {json.dumps(schema['default'], ensure_ascii=False)})"
        made["description"] = f"{schema['description']} {told}" if schema.get("description") else told
    if isinstance(schema.get("items"), dict):
        made["items"] = _required(schema["items"], (*place, None), absent)
    if "properties" in schema:
        needed = set(schema.get("required", ()))
        made["properties"] = {
            name: _property(inner, name in needed, (*place, name), absent)
            for name, inner in schema["properties"].items()
        }
        made["required"] = list(schema["properties"])
    return made


def _property(schema: Any, needed: bool, place: Place, absent: list[Place]) -> _Node:
    inner = _required(schema, place, absent)
    if needed:
        return inner
    if _may_be_null(schema):
        if schema.get("default", ...) is not None:
            raise _NotStrict  # leaving it out and saying null are two things, and only one could be said
        return inner
    absent.append(place)
    described = {"description": inner.pop("description")} if "description" in inner else {}
    return {"anyOf": [inner, {"type": "null"}], **described}


def _may_be_null(schema: _Node) -> bool:
    if "$ref" in schema or "allOf" in schema:
        raise _NotStrict  # what is behind it is not looked at
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    kinds = schema.get("type", ())
    return (
        not schema.keys() & {"type", "enum", "const", "anyOf"}
        or None in values
        or "null" in ([kinds] if isinstance(kinds, str) else kinds)
        or any(_may_be_null(branch) for branch in schema.get("anyOf", ()))
    )


def _without(value: Any, place: Place) -> Any:
    name, rest = place[0], place[1:]
    if name is None:
        return [_without(item, rest) for item in value] if isinstance(value, list) else value
    if not isinstance(value, dict) or name not in value:
        return value
    if rest:
        return {**value, name: _without(value[name], rest)}
    return {key: inner for key, inner in value.items() if key != name or inner is not None}
