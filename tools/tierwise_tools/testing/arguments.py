"""Arguments for a tool that nobody wrote down: ones that should fit, and ones that should not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tierwise_tools.definition import Tool
from tierwise_tools.errors import ToolError
from tierwise_tools.testing.definition import checker_of
from tierwise_tools.testing.report import Finding
from tierwise_tools.text import first_line

_KINDS: tuple[Any, ...] = (None, 7, 0.5, "words", ["words"], {"unexpected": 1})
_UNKNOWN = "an_argument_nobody_knows"
_DEEPEST = 8


def fitting_arguments(tool: Tool[..., Any]) -> dict[str, Any] | None:
    """The fewest arguments that fit a tool's schema; ``None`` if a simple try does not find any."""
    made: dict[str, Any] = _value(tool.parameters, tool.parameters, 0)
    try:
        tool.check(made)
    except Exception:  # they do not fit, or the check itself is broken, which check_refusals tells
        return None
    return made


def check_refusals(tool: Tool[..., Any], base: dict[str, Any]) -> Iterator[Finding]:
    """Findings about arguments that do not fit; the function of the tool is never called.

    Args:
        tool: with a schema that can be used.
        base: arguments that fit, or at least some; each is spoilt in turn.
    """
    told = []
    for wrong, how in _wrong(tool.parameters, base):
        try:
            tool.check(wrong)
        except ToolError:
            continue
        except Exception as error:
            text = f"Its check of arguments breaks when {how}: {type(error).__name__}: {first_line(error)}."
            yield Finding(tool.name, "error", "arguments-break", text, "Raise ToolError for what does not fit.")
            return
        told.append(how)
    if told:
        text = f"It takes arguments that its schema refuses: {', '.join(told[:5])}."
        fix = "Make it with @tool or foreign_tool, which check them."
        yield Finding(tool.name, "error", "arguments-accepted", text, fix)


def _wrong(schema: dict[str, Any], base: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Arguments that the schema refuses, and what is wrong with them."""
    properties = schema.get("properties", {})
    tries = [({**base, name: kind}, f"{name!r} is {kind!r}") for name in properties for kind in _KINDS]
    tries += [
        ({name: value for name, value in base.items() if name != left_out}, f"{left_out!r} is missing")
        for left_out in schema.get("required", [])
    ]
    tries.append(({**base, _UNKNOWN: 1}, "there is one it does not know"))
    checker = checker_of(schema)
    for arguments, how in tries:
        try:
            checker.check(arguments)
        except ToolError:
            yield arguments, how


def _value(schema: Any, whole: dict[str, Any], depth: int) -> Any:
    """A value for a schema: what it names itself, or else the plainest of its type."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "text"
    if "const" in schema:
        return schema["const"]
    if "default" in schema:
        return schema["default"]
    for key in ("examples", "enum", "anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            first = schema[key][0]
            return first if key in ("examples", "enum") else _value(first, whole, depth + 1)
    if "$ref" in schema:
        return _value(_referred(str(schema["$ref"]), whole), whole, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _value(properties.get(name), whole, depth + 1) for name in schema.get("required", [])}
    if kind == "array":
        first = [_value(item, whole, depth + 1) for item in schema.get("prefixItems", [])]
        more = schema.get("minItems", 0) - len(first)
        return first + [_value(schema.get("items"), whole, depth + 1)] * more
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "string":
        return "text".ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", None)]
    return {"boolean": False, "null": None}.get(str(kind), "text")


def _number(schema: dict[str, Any]) -> Any:
    """The smallest whole number from 1 that is within the limits, or the largest number that is."""
    least = max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1, 1)
    return min(math.ceil(least), schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - 1)


def _referred(reference: str, whole: dict[str, Any]) -> Any:
    found: Any = whole
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found
