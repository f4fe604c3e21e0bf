"""Tools and forms of a request: which of them can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from tierwise import CallerTool
from tierwise_app.serve.problems import Problem
from tierwise_tools.schema_check import checker, complaint_about_schema

MOST_TOOLS = 128
TOOL_NAME = r"^[A-Za-z0-9_-]{1,64}$"
ANY_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}


class Function(BaseModel):
    """A tool that the caller runs; no call is handed out whose arguments do not fit ``parameters``."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: str = Field(pattern=TOOL_NAME)
    description: str | None = Field(None, max_length=20_000)
    parameters: dict[str, Any] | None = Field(None, description="A JSON Schema of the type `object`.")
    strict: bool | None = Field(None, description="Calls fit the schema in any case.")


class JsonSchema(BaseModel):
    """The form of an answer; it is kept whether ``strict`` says so or not."""

    model_config = ConfigDict(extra="allow", strict=True, populate_by_name=True, serialize_by_alias=True)

    name: str | None = Field(None, max_length=256)
    description: str | None = None
    form: dict[str, Any] | bool | None = Field(None, alias="schema", description="The JSON Schema.")
    strict: bool | None = None


def caller_tool(function: Function, where: str) -> CallerTool:
    """A tool of the caller.

    Args:
        function: the tool.
        where: where it stands in the request, as ``tools[0].function``.

    Raises:
        Problem: 400 if its schema cannot be checked against.
    """
    parameters = {"type": "object", "properties": {}} if not function.parameters else function.parameters
    place = f"{where}.parameters"
    why = complaint_about_schema(parameters)
    if why is None and parameters.get("type", "object") != "object":
        why = "its type is not object"
    if why is None:
        why = _complaint_about_references(parameters)
    if why is None:
        try:
            checker(parameters)({})
        except ValueError as error:
            why = str(error)
    if why is not None:
        raise Problem(
            400, "invalid_function_parameters", f"The parameters of {function.name} are no schema: {why}.", param=place
        )
    return CallerTool(function.name, function.description or "", {"type": "object", **parameters})


def checked_tools(tools: Sequence[CallerTool]) -> tuple[CallerTool, ...]:
    """The caller's tools, none of them named twice.

    Raises:
        Problem: 400 if there are too many, or two of a name.
    """
    if len(tools) > MOST_TOOLS:
        raise Problem(400, "too_many_tools", f"There are {len(tools)} tools; {MOST_TOOLS} are allowed.", param="tools")
    names = [tool.name for tool in tools]
    if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise Problem(400, "invalid_tools", f"Two tools are named {twice}.", param="tools")
    return tuple(tools)


def read_choice(choice: Any, tools: tuple[CallerTool, ...]) -> tuple[bool | str, tuple[CallerTool, ...]]:
    """What ``tool_choice`` says.

    Args:
        choice: ``none``, ``auto``, ``required``, a function by name (as either API writes it), or ``allowed_tools``.
        tools: those of the request.

    Returns:
        What has to be called (see :class:`~tierwise.Conversation`), and the tools that are left.

    Raises:
        Problem: 400 if it cannot be kept.
    """
    if choice is None or choice == "auto":
        return False, tools
    if choice == "none":
        return False, ()
    if choice == "required":
        if not tools:
            raise _bad("A tool has to be called, and there are none.")
        return True, tools
    if isinstance(choice, dict) and choice.get("type") == "function":
        name = _name(choice)
        if name not in {tool.name for tool in tools}:
            raise _bad("The tool that has to be called is not one of the request's.")
        return str(name), tools
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        inner = choice.get("allowed_tools")
        allowed = inner if isinstance(inner, dict) else choice
        mode, listed = allowed.get("mode"), allowed.get("tools")
        if mode in ("auto", "required") and isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
            names = [_name(one) for one in listed]
            left = tuple(tool for tool in tools if tool.name in names)
            return read_choice(mode, left)
    raise _bad("It is none of none, auto, required, a function by name, and allowed_tools.")


def form_schema(form: JsonSchema, param: str) -> dict[str, Any]:
    """The schema of a ``json_schema`` format; whether it can be kept shows when the turn begins.

    Raises:
        Problem: 400 if there is none.
    """
    if form.form is None:
        raise Problem(400, "invalid_schema", "A json_schema has no schema.", param=param)
    if isinstance(form.form, bool):
        return {} if form.form else {"enum": []}
    return form.form


def _complaint_about_references(schema: dict[str, Any]) -> str | None:
    """Why its references lead nowhere; ``None`` if they lead to a place in it. Nothing is ever fetched."""
    waiting: list[Any] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        if not isinstance(one, dict):
            continue
        waiting += one.values()
        seen: list[Any] = []
        while isinstance(one, dict) and isinstance(ref := one.get("$ref"), str):
            if any(one is before for before in seen):
                return f"$ref {ref!r} leads back to itself"
            seen.append(one)
            one = _at(schema, ref)
            if not isinstance(one, dict | bool):
                return f"$ref {ref!r} leads nowhere"
    return None


def _at(schema: dict[str, Any], ref: str) -> Any:
    """What stands at a JSON pointer that begins with ``#``; ``None`` if nothing does."""
    start, *steps = unquote(ref).split("/")
    found: Any = schema if start == "#" else None
    for step in steps:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            place = int(step) if step.isdecimal() and len(step) < 9 else len(found)
            found = found[place] if place < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def _name(choice: dict[str, Any]) -> Any:
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else choice.get("name")
    return name if isinstance(name, str) else None


def _bad(text: str) -> Problem:
    return Problem(400, "invalid_tool_choice", f"tool_choice cannot be kept: {text}", param="tool_choice")
