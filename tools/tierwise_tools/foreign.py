"""Tools that are not Python functions: described by a JSON Schema, called by a dictionary."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Tool
from tierwise_tools.errors import ToolError
from tierwise_tools.text import first_line

Call = Callable[[dict[str, Any], ToolContext], Awaitable[Any]]


def foreign_tool(
    call: Call, *, name: str, description: str, parameters: dict[str, Any], **settings: Any
) -> Tool[..., Any]:
    """A tool from its description; arguments are checked against the schema before ``call`` gets them.

    Args:
        call: ``await call(arguments, context)`` gives the result.
        name: see :class:`Tool`.
        description: see :class:`Tool`.
        parameters: JSON Schema (2020-12) of type ``object``.
        settings: other attributes of :class:`Tool`.

    Raises:
        ValueError: if ``parameters`` is no usable schema of an object, with the reason.
    """
    import jsonschema
    from referencing import Registry

    if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
        raise ValueError("the parameters are no JSON Schema of type object")
    parameters = {"type": "object", "properties": {}, **parameters}
    try:
        jsonschema.Draft202012Validator.check_schema(parameters)
    except Exception as error:  # a schema that is no schema may break the check itself
        raise ValueError(f"the parameters are no JSON Schema: {first_line(error)}") from error
    # Without a registry of its own it would fetch whatever address a "$ref" names.
    validator = jsonschema.Draft202012Validator(parameters, registry=Registry())

    def check(arguments: dict[str, Any]) -> dict[str, Any]:
        if not _is_finite(arguments):
            raise ToolError("a number is not finite")
        try:
            found = sorted(validator.iter_errors(arguments), key=lambda error: list(map(str, error.absolute_path)))
        except Exception as error:  # a reference that leads nowhere, a pattern that is none
            raise ToolError(f"the arguments cannot be checked: {first_line(error)}") from error
        if found:
            raise ToolError("; ".join(map(_complaint, found[:5])))
        return {"arguments": arguments}

    async def function(context: ToolContext, arguments: dict[str, Any]) -> Any:
        return await call(arguments, context)

    return Tool(function, name, description, parameters, _check=check, _context="context", **settings)


def _complaint(error: Any) -> str:
    where = ".".join(map(str, error.absolute_path)) or "arguments"
    return f"{where}: {error.message[:200]}"


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return all(map(_is_finite, value)) if isinstance(value, list) else True
