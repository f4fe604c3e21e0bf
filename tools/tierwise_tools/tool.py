"""``@tool``: a typed, documented function becomes a tool and stays a function."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar, cast, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from tierwise_tools.context import ToolContext

P = ParamSpec("P")
R = TypeVar("R")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
_ARG = re.compile(r"(\*{0,2}\w+)\s*(?:\([^)]*\))?:\s*(.*)")


class AuthoringError(TypeError):
    """A function cannot be a tool as it is written; the message says which parameter and why."""


class ToolError(Exception):
    """A tool refuses or fails; the text is written for the model."""


@dataclass(frozen=True)
class Tool(Generic[P, R]):
    """A function with the schema a model needs to call it; calling the tool calls the function.

    Attributes:
        function: the function as it was written.
        name: what a model calls it.
        description: the first part of its docstring.
        parameters: JSON Schema of type ``object``; a :class:`ToolContext` parameter is not in it.
    """

    function: Callable[P, R]
    name: str
    description: str
    parameters: dict[str, Any]
    _model: type[BaseModel] = field(repr=False)
    _context: str | None = field(default=None, repr=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function directly, as a test would."""
        return self.function(*args, **kwargs)

    async def run(self, arguments: dict[str, Any], context: ToolContext | None = None) -> str:
        """Validate a model's arguments, call the function and render its result as text.

        A plain function runs in a thread, so that it cannot hold up the turn.

        Raises:
            ToolError: if the arguments do not fit or the function fails; the text is for the model.
        """
        try:
            valid = self._model.model_validate(arguments)
        except ValidationError as error:
            raise ToolError(_explain(self, error)) from error
        values: dict[str, Any] = {name: getattr(valid, name) for name in type(valid).model_fields}
        if self._context is not None:
            values[self._context] = context or ToolContext()
        call = cast("Callable[..., Any]", self.function)
        try:
            if inspect.iscoroutinefunction(call):
                result = await call(**values)
            else:
                result = await asyncio.to_thread(call, **values)
        except ToolError:
            raise
        except Exception as error:
            raise ToolError(f"{self.name} failed: {type(error).__name__}: {error}") from error
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(*, name: str | None = None) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(function: Callable[P, R] | None = None, /, *, name: str | None = None) -> Any:
    """Make a tool of a function: schema from its hints, descriptions from its Google-style docstring.

    Args:
        function: typed and documented; sync or async; an optional first :class:`ToolContext` parameter is filled in.
        name: what a model calls it; by default the function's name.

    Raises:
        AuthoringError: naming the parameter that has no type, no description, or a kind that cannot be a tool's.
    """
    if function is None:
        return lambda decorated: _build(decorated, name)
    return _build(function, name)


def _build(function: Callable[P, R], name: str | None) -> Tool[P, R]:
    name = name or function.__name__
    if not _NAME.fullmatch(name):
        raise AuthoringError(f"{name!r} cannot be a tool's name: use letters, digits, '_' and '-', at most 64.")
    summary, described = _read_docstring(function)
    if not summary:
        raise AuthoringError(f"{name}: a tool needs a docstring; its first paragraph tells the model what it does.")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise AuthoringError(f"{name}: a type hint cannot be resolved: {error}.") from error
    fields: dict[str, Any] = {}
    context = None
    for position, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise AuthoringError(f"{name}: parameter {parameter.name!r} is variadic or positional-only.")
        if parameter.name not in hints:
            raise AuthoringError(f"{name}: parameter {parameter.name!r} has no type hint.")
        if hints[parameter.name] is ToolContext:
            if position:
                raise AuthoringError(f"{name}: the ToolContext parameter {parameter.name!r} must come first.")
            context = parameter.name
            continue
        if parameter.name not in described:
            raise AuthoringError(f"{name}: parameter {parameter.name!r} is not described under 'Args:'.")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], Field(default, description=described[parameter.name]))
    model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    schema = model.model_json_schema()
    schema.pop("title", None)
    return Tool(function, name, summary, {"type": "object", "properties": {}, **schema}, model, context)


def _read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The first paragraphs, and the description of each argument."""
    text = inspect.getdoc(function) or ""
    head, _, rest = text.partition("\nArgs:\n")
    described: dict[str, str] = {}
    current = None
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            break
        if line.startswith("    ") and not line.startswith("     ") and (match := _ARG.match(line.strip())):
            current = match[1].lstrip("*")
            described[current] = match[2]
        elif current and line.strip():
            described[current] += " " + line.strip()
    summary = re.split(r"\n(?:Returns|Raises|Yields|Example|Examples):", head)[0]
    return " ".join(summary.split()), described


def _explain(tool: Tool[Any, Any], error: ValidationError) -> str:
    lines = [f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()]
    return f"{tool.name} was called wrongly. {'; '.join(lines)}. Expected: {json.dumps(tool.parameters['properties'])}"
