"""What can be said of a tool without calling it: its name, words, schema and effects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Tool
from tierwise_tools.effects import EFFECTS, read_effects
from tierwise_tools.foreign import foreign_tool
from tierwise_tools.mcp.hidden import hides_something, with_escapes
from tierwise_tools.names import is_name
from tierwise_tools.testing.report import Finding

_LONGEST_DESCRIPTION = 1_024
_SAYS_TYPE = ("type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf")


def check_definition(tool: Tool[..., Any]) -> list[Finding]:
    """All findings about a tool as it is described."""

    def finding(severity: Literal["error", "warning"], code: str, text: str, fix: str) -> Finding:
        return Finding(tool.name, severity, code, text, fix)

    found: list[Finding] = []
    if not is_name(tool.name):
        fix = "Use letters, digits, '_' and '-', a letter first, at most 64."
        found.append(finding("error", "name", f"{tool.name!r} is no name that every model takes.", fix))
    if not tool.description.strip():
        found.append(finding("error", "description", "It has no description.", "Say what it does in a sentence."))
    if len(tool.description) > _LONGEST_DESCRIPTION:
        text = f"Its description has {len(tool.description):,} characters, which some servers refuse."
        fix = f"Keep it under {_LONGEST_DESCRIPTION:,}: every turn pays for it."
        found.append(finding("warning", "description-length", text, fix))
    for words in (tool.description, *_texts(tool.parameters)):
        if hides_something(words):
            text = f"A model would read what a person cannot see: {with_escapes(words)[:200]!r}."
            found.append(finding("error", "hidden-characters", text, "Take the hidden characters out."))
    try:
        read_effects(tool.effects)
    except (ValueError, TypeError) as error:
        text = f"Its effects cannot be used: {error}."
        found.append(finding("error", "effects", text, f"Use {', '.join(EFFECTS)}."))
    if not tool.says_effects:
        text = "It does not say what a call does, so it is taken to write and a person is asked each time."
        found.append(finding("warning", "effects", text, f"Give effects: {', '.join(EFFECTS)}."))
    if tool.trusted and "network" in tool.effects:
        text = "It is marked as trusted, and what comes from the network are other people's words."
        found.append(finding("error", "trusted", text, "Leave trusted out."))
    if tool.bounds.seconds <= 0 or tool.bounds.characters <= 0:
        found.append(finding("error", "bounds", "Its bounds leave no time or no text.", "Make them greater than 0."))
    if broken := unusable_schema(tool.parameters):
        found.append(finding("error", "schema", broken, "Describe the arguments by a JSON Schema of type object."))
    else:
        found += [finding("warning", *told) for told in _looseness(tool.parameters)]
    return found


def unusable_schema(parameters: Any) -> str | None:
    """Why a schema cannot be used for a tool's arguments, as a sentence; ``None`` if it can."""
    try:
        again = json.loads(json.dumps(parameters, allow_nan=False))
    except (ValueError, TypeError, RecursionError) as error:
        return f"Its schema is no JSON: {error}."
    if again != parameters:
        return "Its schema is another one after it was written as JSON and read again."
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        return "Its schema is not of type object."
    try:
        checker_of(parameters)
    except ValueError as error:
        return f"Its schema is of no use: {error}."
    outside = [ref for ref in _values_of("$ref", parameters) if not str(ref).startswith("#")]
    return f"Its schema refers to {outside[0]!r}, which nobody fetches." if outside else None


def checker_of(schema: dict[str, Any]) -> Tool[..., Any]:
    """A tool that does nothing and refuses the arguments that a schema refuses.

    Raises:
        ValueError: if it is no usable schema.
    """

    async def nothing(arguments: dict[str, Any], context: ToolContext) -> None:
        """Only the check is used."""

    return foreign_tool(nothing, name="schema", description="", parameters=schema)


def _looseness(parameters: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Where the schema tells a model less than it could."""
    for name, about in parameters.get("properties", {}).items():
        about = about if isinstance(about, dict) else {}
        if not str(about.get("description", "")).strip():
            yield "parameter-description", f"Parameter {name!r} is not described.", "Say what to give, with an example."
        if not any(key in about for key in _SAYS_TYPE):
            yield "parameter-type", f"Parameter {name!r} has no type, so anything fits.", "Give it a type."
    closed = parameters.get("additionalProperties") is False or parameters.get("unevaluatedProperties") is False
    if not closed:
        text = "Its schema lets in arguments it does not know, so a misspelt one goes unnoticed."
        yield "schema-open", text, "Set additionalProperties to false."


def _texts(value: Any) -> Iterator[str]:
    """Every text in a schema, names of properties too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _values_of(key: str, value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        # A property may be called "$ref"; what it holds is a schema then, and no text.
        yield from (inner for name, inner in value.items() if name == key and isinstance(inner, str))
        for inner in value.values():
            yield from _values_of(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values_of(key, inner)
