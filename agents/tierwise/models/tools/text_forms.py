"""The forms in which models write a call into their text, by what they were trained on.

====================================================  =================================================
``<tool_call>{"name", "arguments"}</tool_call>``      Qwen, Hermes, and what our own prompt asks for
``<|python_tag|>{"name", "parameters"}``              Llama 3.1
``<function=NAME>{...}</function>``                   Llama 3.1, with tools of one's own
``[TOOL_CALLS][{"name", "arguments"}]``               Mistral; also ``[TOOL_CALLS]NAME[ARGS]{...}``
``functools[{"name", "arguments"}]``                  Phi-3.5, Phi-4
``Action: NAME``, ``Action Input: {...}``             ReAct, behind a ``Thought:`` or not
``{"name": NAME, "arguments": {...}}``                bare or in a code fence, of a tool that was offered
====================================================  =================================================

Only an answer that is nothing but calls is one: the same form inside of prose is an example of how it looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tierwise.models.tool_text import CLOSE, OPEN
from tierwise.models.tools.loose_json import Unreadable, read_first, read_loosely

_PYTHON_TAG, _TOOL_CALLS, _FUNCTOOLS, _FUNCTION = "<|python_tag|>", "[TOOL_CALLS]", "functools[", "<function="
_MARKS = (OPEN, _PYTHON_TAG, _TOOL_CALLS, _FUNCTOOLS, _FUNCTION, "Action:", "Thought:")
_ENDS = re.compile(r"(?:\s*(?:<\|[a-z_]+\|>|</s>))+\s*\Z")  # control tokens that a server let through
_REACT = re.compile(
    r"(?:Thought:.*?\n)??\s*Action:[ \t]*([\w.`\"'-]+)[ \t]*\n\s*Action Input:[ \t]*(.*?)(?:\nObservation:.*)?",
    re.DOTALL,
)
_NAMED = re.compile(r"\s*([\w.-]+)\s*(?:\[CALL_ID\][^\[{]*)?(?:\[ARGS\])?\s*(?=\{)")
_BARE = re.compile(
    r'(?:```(?:json)?\s*)?\{\s*(?:"type"\s*:\s*"function"\s*,\s*)?"name"\s*:\s*"([^"]*)"\s*,'
    r'\s*"(?:arguments|parameters)"\s*:'
)
_BARE_STARTS = tuple(
    f'{fence}{{{kind}"name":"%s","{inner}":'
    for fence in ("", "```", "```json")
    for kind in ("", '"type":"function",')
    for inner in ("arguments", "parameters")
)
_NAME = re.compile(r'[\s\[]*\{\s*"name"\s*:\s*"([\w.-]+)"')
_LONGEST_START = 400
_BEGUN = re.compile(rf"{OPEN}(?=\s*[{{\[<])")


@dataclass(frozen=True, slots=True)
class Written:
    """A call as it stands in a text.

    Attributes:
        value: what was read: of a call with a ``name`` its arguments, else the whole call.
        name: as it was written; ``None`` if it is inside of the value.
        mends: what had to be mended to read it.
        problem: why it could not be read.
    """

    value: Any = None
    name: str | None = None
    mends: tuple[str, ...] = ()
    problem: str | None = None


def may_become_call(text: str, names: Sequence[str]) -> bool:
    """Whether an answer that begins like this may turn out to be a call in one of the forms.

    Args:
        text: the answer so far.
        names: of the tools that are offered.
    """
    head = "".join(text[:_LONGEST_START].replace("\ufeff", "").split())
    starts = (*_MARKS, *(start % name for start in _BARE_STARTS for name in names))
    return any(start.startswith(head) or head.startswith(start) for start in starts)


def written_calls(text: str, names: Sequence[str], *, cut: bool = False) -> tuple[Written, ...]:
    """The calls that an answer consists of; none if it is text.

    Args:
        text: the whole answer.
        names: of the tools that are offered.
        cut: it came to its limit, so its end may be missing.
    """
    bare = _ENDS.sub("", text).strip("\ufeff\0 \t\r\n")
    if bare.startswith(OPEN):
        calls, rest = marked_calls(bare, cut=cut)
        return () if rest.strip() else calls
    if bare.startswith(_PYTHON_TAG):
        return _one(bare.removeprefix(_PYTHON_TAG), cut=cut)
    if bare.startswith(_FUNCTOOLS):
        return _listed(bare.removeprefix("functools"), cut=cut)
    if bare.startswith(_TOOL_CALLS):
        rest = bare.removeprefix(_TOOL_CALLS)
        named = _NAMED.match(rest)
        return _one(rest[named.end() :], named[1], cut=cut) if named else _listed(rest, cut=cut)
    if bare.startswith(_FUNCTION):
        name, _, rest = bare.removeprefix(_FUNCTION).partition(">")
        return _one(rest.removesuffix("</function>"), name, cut=cut)
    if react := _REACT.fullmatch(bare):
        return (_read(react[2], react[1].strip("`\"'"), cut=cut),)
    if (start := _BARE.match(bare)) and start[1] in names:
        return _one(bare, cut=cut)
    return ()


def marked_calls(text: str, *, cut: bool = False) -> tuple[tuple[Written, ...], str]:
    """The calls between ``<tool_call>`` and ``</tool_call>`` at the beginning of a text, and what follows them.

    The last mark may be missing, at the end of the text.
    """
    calls: list[Written] = []
    at = 0
    while begun := _BEGUN.match(text, at):
        at = begun.end()
        try:
            read = read_first(text, at, cut=cut)
        except Unreadable as error:
            end = text.find(CLOSE, at)
            calls.append(Written(name=_name_in(text, at), problem=str(error)))
            at = len(text) if end < 0 else end
        else:
            at = _past_blanks(text, read.end)
            calls.append(Written(read.value, mends=read.mends))
        if not text.startswith(CLOSE, at):
            break
        at = _past_blanks(text, at + len(CLOSE))
    return tuple(calls), text[at:]


def _past_blanks(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip())


def _one(text: str, name: str | None = None, *, cut: bool) -> tuple[Written, ...]:
    """What follows a mark as one call; nothing if it is prose, or goes on as prose."""
    text = text.strip()
    if not text.startswith(("{", "[", "```")):
        return ()
    call = _read(text, name, cut=cut)
    return () if call.problem is not None and _goes_on(text) else (call,)


def _listed(text: str, *, cut: bool) -> tuple[Written, ...]:
    found = _one(text, cut=cut)
    return tuple(
        Written(item, mends=call.mends, problem=call.problem)
        for call in found
        for item in (call.value if isinstance(call.value, list) else [call.value])
    )


def _read(text: str, name: str | None, *, cut: bool) -> Written:
    try:
        read = read_loosely(text, cut=cut)
    except Unreadable as error:
        return Written(name=name if name is not None else _name_in(text), problem=str(error))
    return Written(read.value, name, read.mends)


def _name_in(text: str, at: int = 0) -> str | None:
    """The name in a call that cannot be read to its end."""
    found = _NAME.match(text, at)
    return found[1] if found else None


def _goes_on(text: str) -> bool:
    """Whether words follow the value that a text begins with."""
    text = re.sub(r"\A```\w*\s*", "", text)
    try:
        rest = text[read_first(text).end :].strip().removeprefix("```").strip()
    except Unreadable:
        return False
    return rest[:1] not in ("", "{", "[")
