"""A scripted model that does as it is told: it fits every schema, calls the tool it is offered, and says the result."""

from __future__ import annotations

import json
from typing import Any

from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise.types import ToolCall

TEXT = "The warranty lasts 24 months."
TOOL = "get_weather"


def obliging(request: ChatRequest) -> Step:
    last = request.messages[-1]
    if last.role == "tool":
        return Step(f"Take one: {last.content}")
    wanted = [tool for tool in request.tools if tool.name == TOOL or request.must_call]
    if wanted:
        return Step(calls=(ToolCall("call_1", wanted[0].name, fitting(wanted[0].parameters)),))
    if request.schema is not None:
        return Step(json.dumps(fitting(request.schema)))
    return Step(TEXT)


def fitting(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """A value that fits a plain schema."""
    root = schema if root is None else root
    if "$ref" in schema:
        place: Any = root
        for word in schema["$ref"].removeprefix("#/").split("/"):
            place = place[word]
        return fitting(place, root)
    if "anyOf" in schema:
        return fitting(schema["anyOf"][0], root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: fitting(part, root) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [fitting(schema.get("items", {"type": "string"}), root)]
        case "integer" | "number":
            return 24
        case "boolean":
            return True
    return "Kiel"
