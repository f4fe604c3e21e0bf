"""What a model gets to read of a definition: a server's words made harmless to look at, or none of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tierwise_tools.mcp.definitions import Definition, every_text
from tierwise_tools.mcp.hidden import without_hidden

LONGEST_DESCRIPTION = 1_024
_LONGEST_PARAMETER = 300

_MARK = re.compile(r"<(?=[a-zA-Z/!|?])|\[(?=/?(?:INST|SYS|SYSTEM)\b)", re.IGNORECASE)
_BROKEN = {"<": "\u2039", "[": "("}
_SPACE = re.compile(r"\s+")
# A pattern runs on this machine against what a model wrote; one with a repeated group can take for ever.
_SLOW_PATTERN = re.compile(r"\)\s*[*+{?]|\\[1-9]|\(\?P=")
_LONGEST_PATTERN = 200

_SCHEMA = frozenset({"items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames"}) | {
    "unevaluatedProperties",
    "unevaluatedItems",
}
_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_AS_IT_IS = frozenset(
    {
        *("$anchor", "$dynamicAnchor", "$dynamicRef", "const", "dependentRequired", "enum", "exclusiveMaximum"),
        *("exclusiveMinimum", "format", "maxContains", "maximum", "maxItems", "maxLength", "maxProperties"),
        *("minContains", "minimum", "minItems", "minLength", "minProperties", "multipleOf", "required", "type"),
        "uniqueItems",
    }
)


def clean_words(text: str, longest: int = LONGEST_DESCRIPTION) -> str:
    """``text`` without anything hidden, without marks that look like a prompt's, on one line, and not too long."""
    plain = _SPACE.sub(" ", without_hidden(text)).strip()
    plain = _MARK.sub(lambda mark: _BROKEN[mark[0]], plain)
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def shown_description(definition: Definition, *, withheld: bool, server: str) -> str:
    """What a model is told a tool does.

    Args:
        definition: of the tool.
        withheld: say nothing that the server wrote.
        server: its name.
    """
    words = "" if withheld else clean_words(str(definition.data.get("description") or ""))
    if words:
        return words
    spoken = clean_words(re.sub(r"[^a-zA-Z0-9]+", " ", without_hidden(definition.name)), 64)
    return f"{spoken or 'A tool'} (of the MCP server {server}; it has no description that can be shown)"


def shown_schema(definition: Definition, *, withheld: bool) -> dict[str, Any]:
    """The schema of the arguments with cleaned descriptions and nothing but JSON Schema's own keywords.

    Args:
        definition: of the tool.
        withheld: leave out everything that can be left out without accepting other arguments.
    """
    said: Callable[[str], str] = (lambda _: "") if withheld else (lambda text: clean_words(text, _LONGEST_PARAMETER))
    return {"type": "object", "properties": {}, **_cleaned(definition.schema, said)}


def fixed_texts(definition: Definition) -> tuple[str, ...]:
    """The texts that stay when its words are withheld: names of parameters and values to choose from."""
    return tuple(every_text(shown_schema(definition, withheld=True)))


def _cleaned(schema: Any, said: Callable[[str], str]) -> Any:
    if not isinstance(schema, dict):
        return schema if isinstance(schema, bool) else True  # a form of older drafts: anything goes
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _SCHEMA:
            kept[key] = _cleaned(value, said)
        elif key in _SCHEMAS and isinstance(value, list):
            kept[key] = [_cleaned(inner, said) for inner in value]
        elif key in _NAMED_SCHEMAS and isinstance(value, dict):
            kept[key] = {name: _cleaned(inner, said) for name, inner in value.items()}
        elif key == "description" and isinstance(value, str) and said(value):
            kept[key] = said(value)
        elif _stays(key, value, said):
            kept[key] = value
    return kept


def _stays(key: str, value: Any, said: Callable[[str], str]) -> bool:
    if key == "$ref":
        return str(value).startswith("#")
    if key == "pattern":
        return len(str(value)) <= _LONGEST_PATTERN and not _SLOW_PATTERN.search(str(value))
    if key == "default":
        return not isinstance(value, str | list | dict) or value == said(str(value))
    return key in _AS_IT_IS
