"""Tools that the caller runs: what a model is told of them, which calls end the turn, what becomes of the others."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from tierwise.errors import ModelError
from tierwise.graph.said import call_ids
from tierwise.graph.state import Json, TurnState
from tierwise.jsonable import from_json
from tierwise.models.base import ToolSpec
from tierwise.models.tools.fitting import Unfit, fitted
from tierwise.types import ToolCall, ToolOutcome

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what every API takes back
_LONGEST = 600  # characters of what is wrong with a call
_ALONE = "not run: ask for it again on its own, now that the other results are there"
_TOGETHER = "not run: another call of this step was wrong; ask for it again with the others"
_CUT = "it came to the limit of the answer in its middle; ask for it in fewer words"


def caller_tools(state: TurnState) -> tuple[ToolSpec, ...]:
    """The caller's tools."""
    return tuple(ToolSpec(t["name"], t["description"], t["parameters"]) for t in _said(state).get("tools", ()))


def must_call(state: TurnState) -> bool:
    """Whether the turn has to end with a call of the caller's tools."""
    return bool(_said(state).get("must_call", False))


def callable_tools(state: TurnState) -> tuple[ToolSpec, ...]:
    """Those of the caller's tools that may be called: one alone, if it is the one that has to be."""
    wanted = _said(state).get("must_call", False)
    return tuple(tool for tool in caller_tools(state) if not isinstance(wanted, str) or tool.name == wanted)


def own_tools_allowed(state: TurnState) -> bool:
    """Whether the configured tools may be used at all in this turn."""
    return state.get("own_tools", True) and not must_call(state)


def ending_calls(state: TurnState, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls that the turn ends with; none if one of them is not the caller's, or cannot be handed to him."""
    calls = _first(state, calls)
    tools = {tool.name: tool for tool in callable_tools(state)}
    if not tools or not all(call.name in tools for call in calls):
        return ()
    judged = [_judged(call, tools[call.name]) for call in calls]
    if any(why is not None for _, why in judged):
        return ()
    return _with_ids(state, [call for call, _ in judged])


def what_is_wrong(state: TurnState, calls: Sequence[ToolCall], configured: Collection[str]) -> str | None:
    """What is wrong with the first call that is nobody's to run; ``None`` if nothing is.

    Args:
        state: the turn.
        calls: those of a step.
        configured: names of the configured tools.
    """
    found = _complaints(state, _first(state, calls), configured).values()
    return next((why for why in found if why is not None), None)


def no_call(tier: str, why: str) -> ModelError:
    """A tier that does not call the caller's tool that has to be called: another may."""
    return ModelError(f"{tier} was to call a tool and {why}.", fix="Ask another tier.")


def results_instead(
    state: TurnState, calls: Sequence[Json], configured: Collection[str]
) -> dict[int, tuple[ToolOutcome, str]]:
    """What the model is told of the calls of its last step that are not for us to run, by their place.

    Args:
        state: the turn.
        calls: all calls of the step, in JSON; they did not end the turn.
        configured: names of the configured tools.
    """
    asked = [from_json(ToolCall, call) for call in calls]
    found = _complaints(state, asked, configured)
    # Ours run first; what the caller is asked for may depend on what they give.
    later = _ALONE if len(found) < len(asked) else _TOGETHER
    return {p: ("refused", later) if why is None else ("failed", f"error: {why}") for p, why in found.items()}


def _complaints(state: TurnState, calls: Sequence[ToolCall], configured: Collection[str]) -> dict[int, str | None]:
    """Of the calls that are not for us to run, by their place, why the caller cannot be given them."""
    theirs = {tool.name: tool for tool in callable_tools(state)}
    hidden = {tool.name for tool in caller_tools(state)}
    if not hidden and own_tools_allowed(state):
        return {}
    ours = [name for name in configured if name not in hidden] if own_tools_allowed(state) else []
    found: dict[int, str | None] = {}
    for place, call in enumerate(calls):
        if call.name in theirs:
            found[place] = _judged(call, theirs[call.name])[1]
        elif call.name not in ours:
            there = ", ".join((*theirs, *ours)) or "none"
            found[place] = call.problem or f"there is no tool {call.name!r} to be called now; there are: {there}"
    return found


def wrong_places(state: TurnState) -> set[tuple[int, int]]:
    """Where calls of the caller's tools stand, ``(round, place)``: one that failed was not written as it has to be."""
    names = {tool["name"] for tool in _said(state).get("tools", ())}
    return {
        (n, place)
        for n, round_ in enumerate(state.get("rounds", []))
        for place, call in enumerate(round_["calls"])
        if call["name"] in names
    }


def _first(state: TurnState, calls: Sequence[ToolCall]) -> Sequence[ToolCall]:
    """The first call alone where the caller takes no more at a time; what stands behind one of ours stays."""
    one = _said(state).get("one_call", False) and calls and calls[0].name in {t.name for t in caller_tools(state)}
    return calls[:1] if one else calls


def _judged(call: ToolCall, tool: ToolSpec) -> tuple[ToolCall, str | None]:
    """The call as it fits its tool, or why it does not."""
    if call.problem is not None:
        return call, call.problem
    if call.cut:
        return call, f"{call.name} was not run: {_CUT}"
    try:
        arguments, mends = fitted(call.arguments, tool.parameters)
    except Unfit as error:
        return call, f"{call.name} was not run: the arguments do not fit: {str(error)[:_LONGEST]}"
    mended = "; ".join(filter(None, (call.repaired, *mends))) or None
    return replace(call, arguments=arguments, repaired=mended), None


def _with_ids(state: TurnState, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls with ids that no other call of the conversation has: the model's own where they are so."""
    known = set(call_ids(state))
    made = []
    for n, call in enumerate(calls):
        name = call.id
        if name in known or not _ID.fullmatch(name):
            about = f"{state['turn_id']}/{state.get('step', 0)}/{n}"
            name = f"call_{sha256(about.encode()).hexdigest()[:24]}"
        known.add(name)
        made.append(replace(call, id=name))
    return tuple(made)


def _said(state: TurnState) -> dict[str, Any]:
    return state.get("conversation") or {}
