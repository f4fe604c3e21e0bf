"""A form from a tool's schema, and the arguments that it makes."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from tierwise.errors import InvalidInput
from tierwise_app.text import one_line
from tierwise_app.tool_facts import type_word
from tierwise_app.web.words import plain, raw, say

_UNSET = "\x00"
_LONG = ("text", "content", "code", "body", "sql", "query", "message")


def draw_fields(parameters: dict[str, Any], key: str) -> dict[str, Any]:
    """Draw a field for each parameter, and give what is in them.

    Args:
        parameters: JSON Schema of type ``object``.
        key: begins the keys of the widgets.
    """
    required = parameters.get("required", [])
    found = {}
    for name, schema in parameters.get("properties", {}).items():
        schema = schema if isinstance(schema, dict) else {}
        found[name] = _draw(name, schema, f"{key}.{name}", must=name in required)
    if not found:
        st.caption(say("tools.try.no_arguments"))
    return found


def read_fields(parameters: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments that fields stand for; a field that was left empty is left out.

    Raises:
        InvalidInput: if a field holds no value of its kind, or a required one is empty.
    """
    required = parameters.get("required", [])
    arguments = {}
    for name, schema in parameters.get("properties", {}).items():
        schema = schema if isinstance(schema, dict) else {}
        value = given.get(name)
        if value is None or value in ("", _UNSET):
            if name in required:
                raise InvalidInput(f"{name} is needed.", fix="Fill it in.")
            continue
        arguments[name] = _value(name, schema, value)
    return arguments


def _kind(schema: dict[str, Any]) -> str:
    """How a value is entered: ``choice``, ``string``, ``integer``, ``number``, ``boolean`` or ``json``."""
    if isinstance(schema.get("enum"), list):
        return "choice"
    kinds = schema.get("type")
    for several in ("anyOf", "oneOf"):
        if isinstance(schema.get(several), list):
            kinds = [one.get("type") if isinstance(one, dict) else None for one in schema[several]]
    some = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]
    plain_kind = some[0] if len(some) == 1 else None
    return str(plain_kind) if plain_kind in ("string", "integer", "number", "boolean") else "json"


def _draw(name: str, schema: dict[str, Any], key: str, *, must: bool) -> Any:
    label = f"{plain(name)} ({plain(type_word(schema))}{'' if must else ', ' + say('tools.try.optional')})"
    help = plain(one_line(str(schema["description"]), 500)) if schema.get("description") else None
    default = schema.get("default")
    match _kind(schema):
        case "choice":
            options = [*schema["enum"]] if must else [_UNSET, *schema["enum"]]
            index = options.index(default) if default in options else 0
            return st.selectbox(label, options, index=index, format_func=_shown, key=key, help=help)
        case "boolean":
            options = [True, False] if must else [_UNSET, True, False]
            index = options.index(default) if isinstance(default, bool) else 0
            return st.selectbox(label, options, index=index, format_func=_shown, key=key, help=help)
        case "integer":
            whole = default if isinstance(default, int) and not isinstance(default, bool) else None
            return st.number_input(label, value=whole, step=1, key=key, help=help)
        case "number":
            some = float(default) if isinstance(default, int | float) and not isinstance(default, bool) else None
            return st.number_input(label, value=some, format="%g", key=key, help=help)
        case "string":
            text = default if isinstance(default, str) else ""
            draw = st.text_area if name in _LONG else st.text_input
            return draw(label, value=text, key=key, help=help)
    value = "" if default is None else json.dumps(default, ensure_ascii=False)
    return st.text_area(label, value=value, key=key, help=help, placeholder=raw("tools.try.json"))


def _shown(value: Any) -> str:
    """A choice as plain text: no Markdown is read there."""
    if value == _UNSET:
        return raw("tools.try.unset")
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _value(name: str, schema: dict[str, Any], value: Any) -> Any:
    kind = _kind(schema)
    if kind == "integer":
        return int(value)
    if kind != "json":
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{name} is no JSON: {error}.", fix='Write it as [1, 2], {"key": "value"} or "text".'
        ) from error
