"""Tools that are not Python functions: described by a JSON Schema, called by a dictionary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Tool
from tierwise_tools.errors import ToolError
from tierwise_tools.schema_check import checker, complaint_about_schema

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
    if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
        raise ValueError("the parameters are no JSON Schema of type object")
    parameters = {"type": "object", "properties": {}, **parameters}
    if (bad := complaint_about_schema(parameters)) is not None:
        raise ValueError(f"the parameters are no JSON Schema: {bad}")
    complaints = checker(parameters)

    def check(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            found = complaints(arguments)
        except ValueError as error:
            raise ToolError(f"the arguments cannot be checked: {error}") from error
        if found:
            raise ToolError("; ".join(found))
        return {"arguments": arguments}

    async def function(context: ToolContext, arguments: dict[str, Any]) -> Any:
        return await call(arguments, context)

    return Tool(function, name, description, parameters, _check=check, _context="context", **settings)
