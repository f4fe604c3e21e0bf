"""Tools and schemas that are made to choke on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from abuse_place import Place, Seen
from abuse_rows import BAD, FINE, cases, chat

_LATER = FINE | BAD | {502}  # the model is asked, and what it says does not fit


def _schema(schema: dict[str, Any]) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        filled = json.loads(json.dumps(schema).replace("CANARY", place.canary))
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": filled}}
        return place.chat(response_format=form)

    return run


def _tool(parameters: Any, name: Any = "f") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _wide(levels: int) -> dict[str, Any]:
    """Definitions of which each names the next twice: they unroll to two to the power of ``levels``."""
    definitions: dict[str, Any] = {f"d{levels}": {"type": "string"}}
    for n in range(levels):
        inner = {"$ref": f"#/$defs/d{n + 1}"}
        definitions[f"d{n}"] = {"type": "object", "properties": {"a": inner, "b": inner}, "required": ["a", "b"]}
    return {"$ref": "#/$defs/d0", "$defs": definitions}


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


CASES = cases(
    many_tools=("ten thousand tools", chat(tools=[_tool({"type": "object"}, f"f{n}") for n in range(10_000)])),
    tool_name=("a name with a path", chat(tools=[_tool({"type": "object"}, "../f")])),
    tool_twice=("two tools of one name", chat(tools=[_tool({"type": "object"})] * 2)),
    tool_schema=("parameters that are none", chat(tools=[_tool("object")])),
    no_such_tool=(
        "a choice that is not there",
        chat(tools=[_tool({"type": "object"})], tool_choice={"type": "function", "function": {"name": "g"}}),
    ),
    choice_alone=("a choice without tools", chat(tool_choice="required")),
    functions=("an old field", chat(functions=[{"name": "f"}])),
    wide_schema=("definitions that double", _schema(_wide(40)), _LATER),
    wide_tool=("a tool's definitions that double", chat(tools=[_tool(_wide(40))]), FINE | BAD),
    deep_schema=("a schema 60 deep", _schema(_deep(28)), _LATER),
    deep_tool=("a tool's schema too deep", chat(tools=[_tool(_deep(40))])),
    remote_schema=("a schema from elsewhere", _schema({"$ref": "CANARY/schema.json"})),
    file_schema=("a schema from a file", _schema({"$ref": "file:///etc/passwd"})),
    remote_tool=(
        "a tool's schema from elsewhere",
        lambda place: place.chat(tools=[_tool({"type": "object", "properties": {"a": {"$ref": f"{place.canary}/x"}}})]),
    ),
    endless=("a schema that is itself", _schema({"$ref": "#"})),
    loop=(
        "definitions in a circle",
        _schema({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
    ),
    pattern=(
        "a pattern that takes for ever",
        _schema(
            {
                "type": "object",
                "properties": {"answer": {"type": "string", "pattern": "^(a+)+$"}},
                "required": ["answer"],
            }
        ),
        _LATER,
    ),
    backtracking=("a pattern with what masks cannot do", _schema({"type": "string", "pattern": "(?=x)\\1"})),
    enum=("an enum of 50,000", _schema({"enum": [str(n) for n in range(50_000)]}), _LATER),
    repeats=("ten billion repeats", _schema({"type": "string", "minLength": 10_000_000_000})),
    no_schema=(
        "a schema that is a list",
        chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": []}}),
    ),
    form=("a form that does not exist", chat(response_format={"type": "xml"})),
)
