"""What a model wrote as a call that can be run, or as an error it can read: never as a guess.

A call is of a tool that was offered, by its exact name, with arguments that fit its schema. What is mended on the way
has one reading only; everything else goes back to the model.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from tierwise.models.base import ToolSpec
from tierwise.models.tools.fitting import Unfit, fitted
from tierwise.models.tools.loose_json import Unreadable, read_loosely
from tierwise.models.tools.strict_schema import Place, without_nulls
from tierwise.models.tools.text_forms import Written, marked_calls, written_calls
from tierwise.types import ToolCall
from tierwise_tools.names import safe_name
from tierwise_tools.text import cut as shortened

_INNER = ("arguments", "parameters", "args", "input")
_BESIDE = {"name", "type", "id"}
_MOST_NAMES = 20
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Call:
    """A call that fits its tool; ``mended`` says what had to be put right, if anything."""

    name: str
    arguments: dict[str, Any]
    mended: str | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A call that must not be run: ``why`` is for the model, ``arguments`` what could be read of it."""

    name: str
    why: str
    arguments: dict[str, Any] = field(default_factory=dict)


def read_arguments(
    raw: str,
    name: str,
    tools: Sequence[ToolSpec],
    *,
    cut: bool = False,
    absent: Mapping[str, tuple[Place, ...]] = MappingProxyType({}),
) -> Call | Bad:
    """A call whose name and arguments came apart, as the API of a hosted model sends them.

    Args:
        raw: the arguments; an empty text is no arguments at all.
        name: as the model wrote it.
        tools: what was offered.
        cut: the answer came to its limit, so the end of the arguments may be missing.
        absent: by the name of a tool, where ``null`` means that the property is left out.
    """
    if not raw.strip():
        return _judged(Written({}, name), tools, absent)
    try:
        read = read_loosely(raw, cut=cut)
    except Unreadable as error:
        return _judged(Written(name=name, problem=str(error)), tools)
    return _judged(Written(read.value, name, read.mends), tools, absent)


def read_text(text: str, tools: Sequence[ToolSpec], *, cut: bool = False) -> tuple[Call | Bad, ...]:
    """The calls that a whole answer consists of, in any of the forms of :mod:`.text_forms`; none if it is text."""
    calls = written_calls(text, [tool.name for tool in tools], cut=cut)
    return tuple(_judged(replace(call, mends=("taken out of the text", *call.mends)), tools) for call in calls)


def read_marked(text: str, tools: Sequence[ToolSpec], *, cut: bool = False) -> tuple[tuple[Call | Bad, ...], str]:
    """The calls at the beginning of a text that begins with ``<tool_call>``, and what follows them."""
    calls, rest = marked_calls(text, cut=cut)
    return tuple(_judged(call, tools) for call in calls), rest


def as_tool_call(read: Call | Bad, call_id: str | None = None) -> ToolCall:
    """The call as the rest of the program knows it; a name that no server would take back is made safe.

    Args:
        read: what was read.
        call_id: the model's own; by default a new one.
    """
    call_id = call_id or f"call_{uuid.uuid4().hex[:12]}"
    if isinstance(read, Call):
        return ToolCall(call_id, read.name, read.arguments, repaired=read.mended)
    return ToolCall(call_id, safe_name(read.name), read.arguments, problem=read.why)


def _judged(
    written: Written, tools: Sequence[ToolSpec], absent: Mapping[str, tuple[Place, ...]] = MappingProxyType({})
) -> Call | Bad:
    parts = (written.name, written.value) if written.name is not None else _call_parts(written.value)
    if parts is None:
        why = written.problem or 'it is not written {"name": ..., "arguments": {...}}'
        return Bad("", f"The call cannot be read: {why}. Write the whole call again.")
    mends = list(written.mends)
    name = parts[0].strip()
    if name != parts[0]:
        mends.append("blanks around the name taken off")
    value = _out_of_text(parts[1], mends)
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        return Bad(name, _no_tool(name, tools), value if isinstance(value, dict) else {})
    if written.problem is not None:
        return _refused(name, f"the arguments cannot be read: {written.problem}")
    inner = _call_parts(value)
    if inner is not None and written.name is not None and _is_wrapper(value, tool):
        if inner[0] not in ("", name):
            return _refused(name, f"the call names another tool, {inner[0][:64]!r}, as well", value)
        value = _out_of_text(inner[1], mends)
        mends.append("wrapper taken off")
    if not isinstance(value, dict):
        return _refused(name, "the arguments are no JSON object")
    try:
        arguments, more = fitted(without_nulls(value, absent.get(name, ())), tool.parameters)
    except Unfit as error:
        return _refused(name, f"the arguments do not fit: {error}", value)
    return Call(name, arguments, "; ".join(dict.fromkeys((*mends, *more))) or None)


def _call_parts(value: Any) -> tuple[str, Any] | None:
    """Name (empty if there is none) and arguments of a whole call that was written as one object."""
    if not isinstance(value, dict) or value.get("type", "function") != "function":
        return None
    if "function" in value and value.keys() <= {"function", *_BESIDE}:
        return _call_parts(value["function"])
    inner = [key for key in _INNER if key in value]
    name = value.get("name", "")
    if len(inner) > 1 or not isinstance(name, str) or not value.keys() <= {*inner, *_BESIDE}:
        return None
    return (name, value[inner[0]] if inner else {}) if inner or name else None


def _is_wrapper(value: dict[str, Any], tool: ToolSpec) -> bool:
    """Whether arguments stand inside of it, under names that cannot be the tool's own."""
    own, further = tool.parameters.get("properties"), tool.parameters.get("additionalProperties", False)
    if not isinstance(own, dict) or not own or further is not False:
        return False
    return not value.keys() & own.keys() and bool(value.keys() & {"function", *_INNER})


def _out_of_text(value: Any, mends: list[str]) -> Any:
    """The object that is written in a text, if it is one."""
    if not isinstance(value, str):
        return value
    try:
        read = read_loosely(value)
    except Unreadable:
        return value
    mends += [*read.mends, "JSON taken out of a text"]
    return read.value


def _refused(name: str, why: str, arguments: dict[str, Any] | None = None) -> Bad:
    text = f"{name} was not run: {why}. Call it again with one JSON object of its arguments."
    return Bad(name, shortened(text, _LONGEST), arguments or {})


def _no_tool(name: str, tools: Sequence[ToolSpec]) -> str:
    names = ", ".join(tool.name for tool in tools[:_MOST_NAMES])
    there = f"There are: {names}{', ...' if len(tools) > _MOST_NAMES else ''}." if tools else "None is offered."
    return f"There is no tool {name[:64]!r}, so nothing was run. {there}" if name else f"No tool is named. {there}"
