"""``@tool``: a typed, documented function becomes a tool and stays a function."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import LONGEST, SECONDS, Bounds, Check, Tool
from tierwise_tools.docstring import read_docstring
from tierwise_tools.effects import Asks, Effect, read_effects
from tierwise_tools.errors import AuthoringError, ToolError
from tierwise_tools.names import is_name
from tierwise_tools.text import first_line

P = ParamSpec("P")
R = TypeVar("R")


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    function: None = None,
    /,
    *,
    name: str | None = None,
    effects: Effect | Iterable[Effect] | None = None,
    asks: Asks = "by_effect",
    repeatable: bool = False,
    trusted: bool = False,
    seconds: float = SECONDS,
    characters: int = LONGEST,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    effects: Effect | Iterable[Effect] | None = None,
    asks: Asks = "by_effect",
    repeatable: bool = False,
    trusted: bool = False,
    seconds: float = SECONDS,
    characters: int = LONGEST,
) -> Any:
    """Make a tool of a function: schema from its hints, descriptions from its Google-style docstring.

    Args:
        function: typed and documented; sync or async; a generator's yields are progress. An optional first
            :class:`ToolContext` parameter is filled in.
        name: what a model calls it; by default the function's name.
        effects: what a call does: ``read``, ``write``, ``network``, ``execute``, or several. A tool that does not say
            is taken to write, so a person is asked.
        asks: ``always`` has a person say yes to every call.
        repeatable: running a call twice does no more than running it once.
        trusted: its results are its own words, not text that somebody else may have written.
        seconds: how long a call may take.
        characters: how much of a result a model gets to read.

    Raises:
        AuthoringError: naming the parameter that has no type, no description, or a kind that cannot be a tool's.
    """

    def build(decorated: Callable[P, R]) -> Tool[P, R]:
        return _build(
            decorated,
            str(name or getattr(decorated, "__name__", "")),
            effects=effects,
            asks=asks,
            repeatable=repeatable,
            trusted=trusted,
            bounds=Bounds(seconds, characters),
        )

    return build if function is None else build(function)


def as_tool(function: Any) -> Tool[..., Any]:
    """The tool that was given, or the one that a bare function makes.

    Raises:
        AuthoringError: if it cannot be one.
    """
    if isinstance(function, Tool):
        return function
    if not callable(function):
        raise AuthoringError(f"{function!r} is no function, so it cannot be a tool.")
    made: Tool[..., Any] = tool(function)
    return made


def _build(
    function: Callable[P, R], name: str, *, effects: Effect | Iterable[Effect] | None, **settings: Any
) -> Tool[P, R]:
    if isinstance(function, Tool):
        raise AuthoringError(f"{function.name} is a tool already.")
    if not is_name(name):
        raise AuthoringError(f"{name!r} cannot be a tool's name: use letters, digits, '_' and '-', at most 64.")
    summary, described = read_docstring(function)
    if not summary:
        raise AuthoringError(f"{name}: a tool needs a docstring; its first paragraph tells the model what it does.")
    try:
        kept = read_effects(effects)
    except ValueError as error:
        raise AuthoringError(f"{name}: {error}.") from error
    fields, context = _fields(function, name, described)
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema = model.model_json_schema()
    except (PydanticUserError, NotImplementedError, TypeError, NameError) as error:
        raise AuthoringError(f"{name}: a type has no JSON form: {first_line(error)}.") from error
    schema.pop("title", None)
    return Tool(
        function,
        name,
        summary,
        {"type": "object", "properties": {}, **schema},
        effects=kept,
        says_effects=effects is not None,
        _check=_checker(model),
        _context=context,
        **settings,
    )


def _fields(function: Callable[..., Any], name: str, described: dict[str, str]) -> tuple[dict[str, Any], str | None]:
    """The parameters as fields of a model, and the name of the context parameter, if there is one."""
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
        hint = hints[parameter.name]
        if hint is ToolContext:
            if position:
                raise AuthoringError(f"{name}: the ToolContext parameter {parameter.name!r} must come first.")
            context = parameter.name
            continue
        if parameter.name.startswith("_"):
            raise AuthoringError(f"{name}: parameter {parameter.name!r} must not begin with an underscore.")
        told = described.get(parameter.name) or _annotated(hint)
        if not told:
            raise AuthoringError(f"{name}: parameter {parameter.name!r} is not described under 'Args:'.")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hint, Field(default, description=told))
    return fields, context


def _annotated(hint: Any) -> str | None:
    """The words in ``Annotated[type, "words"]``."""
    return next((item for item in getattr(hint, "__metadata__", ()) if isinstance(item, str)), None)


def _checker(model: type[BaseModel]) -> Check:
    """Arguments as JSON has them, strictly: ``true`` is no number and ``"3"`` is a text."""

    def check(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            valid = model.model_validate_json(json.dumps(arguments, allow_nan=False), strict=True)
        except ValidationError as error:
            raise ToolError("; ".join(_complaint(e) for e in error.errors())) from error
        except (ValueError, RecursionError) as error:
            raise ToolError(f"the arguments are no JSON: {first_line(error)}") from error
        return {name: getattr(valid, name) for name in type(valid).model_fields}

    return check


def _complaint(error: Any) -> str:
    where = ".".join(map(str, error["loc"])) or "arguments"
    return f"{where}: {error['msg']}"
