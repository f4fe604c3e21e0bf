"""Tools as the models of a turn see them, and the finished steps of the turn as messages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from tierwise.graph.budget import turn_cost
from tierwise.graph.caller_tools import callable_tools, caller_tools, own_tools_allowed, wrong_places
from tierwise.graph.context import TurnContext
from tierwise.graph.finding import question_vector
from tierwise.graph.said import call_ids, has_results
from tierwise.graph.state import TurnState
from tierwise.guards import neutralise, refusal_of
from tierwise.jsonable import from_json
from tierwise.models.base import ChatModel, ToolSpec
from tierwise.models.mending import INTERRUPTED
from tierwise.models.tools import pick_tools
from tierwise.record import call_hash
from tierwise.tool_settings import ToolLimits
from tierwise.types import Message, ToolCall
from tierwise_tools import Tool

_WRITTEN_WRONGLY = 2  # calls of an attempt that could not be read; then the tier has to do without tools


def tools_for(state: TurnState, context: TurnContext, model: ChatModel) -> tuple[ToolSpec, ...]:
    """What a model is told about in its next step; may embed the question, so call it in a thread.

    None once the turn has used up what its tools may take. A model without tool calls of its own is told about few:
    those of the caller, and so many of ours as are nearest to the question.
    """
    settings = context.services.settings.tools
    if model.capabilities.tools == "none" or len(state.get("rounds", [])) >= settings.limits.rounds:
        return ()
    return (*callable_tools(state), *_own_specs(state, context, model))


def _own_specs(state: TurnState, context: TurnContext, model: ChatModel) -> tuple[ToolSpec, ...]:
    if not may_call(state, context):
        return ()
    specs = tuple(ToolSpec(t.name, t.description, t.parameters) for t in usable_tools(state, context).values())
    theirs, embedder = len(callable_tools(state)), context.services.embedder
    most = max(0, context.services.settings.tools.shown - theirs)
    if model.capabilities.tools == "native" or len(specs) <= most:
        return specs
    if context.vector is None and embedder is not None:  # the turn was taken up again
        context.vector = question_vector(context.services, state["asked"])
    if context.vector is None or embedder is None:
        return specs[:most] if theirs else specs
    return pick_tools(specs, context.vector, embedder.embed, most)


def usable_tools(state: TurnState, context: TurnContext) -> dict[str, Tool[..., Any]]:
    """The configured tools that this turn may use at all.

    In a turn that stays on the device none that reaches the network. A tool of the caller hides one of that name.
    """
    if not own_tools_allowed(state):
        return {}
    hidden = {tool.name for tool in caller_tools(state)}
    words = context.services.settings.tools.approval
    stays = state["locked"] or state["offline"]
    return {
        name: tool
        for name, tool in context.services.shelf.tools.items()
        if name not in hidden and refusal_of(tool, word=words.get(name), stays=stays) is None
    }


def may_call(state: TurnState, context: TurnContext) -> bool:
    """False once the turn has used up what its tools may take: then the model must answer from what it has."""
    limits = context.services.settings.tools.limits
    return (
        len(state.get("rounds", [])) < limits.rounds
        and max(calls_so_far(state).values(), default=0) < limits.equal_calls
        and limit_reached(state, context, limits) is None
        and written_wrongly(state) < _WRITTEN_WRONGLY
    )


def calls_so_far(state: TurnState) -> Counter[str]:
    """How often each call was asked for in the turn, by the hash of its tool and arguments."""
    return Counter(call_hash(c["name"], c["arguments"]) for r in state.get("rounds", []) for c in r["calls"])


def adds_nothing(state: TurnState, model: ChatModel, calls: Sequence[ToolCall], text: str) -> bool:
    """Whether a model that has results falls silent, or asks for what it has got.

    A small model may not see that it has the result already; told no more of tools, it answers from it.
    """
    results = state.get("results", [])
    if not results and not has_results(state):
        return False
    if not calls:
        return not text.strip()
    had = {call_hash(r["name"], r["arguments"]) for r in results if r["ok"]}
    return model.capabilities.tools == "prompted" and all(call_hash(c.name, c.arguments) in had for c in calls)


def limit_reached(state: TurnState, context: TurnContext, limits: ToolLimits) -> str | None:
    """Which limit of the calls that were made has been reached, in words for the model."""
    results = state.get("results", [])
    if len(results) >= limits.calls:
        return f"this turn has used its {limits.calls} tool calls"
    if sum(r["ms"] for r in results) >= limits.seconds * 1000:
        return f"the tools of this turn have used their {limits.seconds:g} seconds"
    if limits.usd is not None and turn_cost(state, context.services) >= limits.usd:
        return f"this turn has used its {limits.usd:g} USD"
    return None


def written_wrongly(state: TurnState) -> int:
    """How many calls of the attempt in work could not be read as calls, or do not fit the tools of the caller."""
    places = {
        (n, index)
        for n, round_ in enumerate(state.get("rounds", []))
        for index, call in enumerate(round_["calls"])
        if call.get("problem")
    }
    theirs = wrong_places(state)
    return sum(
        (place := (r["round"], r["index"])) in places or (place in theirs and r["outcome"] == "failed")
        for r in state.get("results", [])
        if r["attempt"] == state["attempt"]
    )


def step_messages(state: TurnState) -> list[Message]:
    """The tool calls of the turn with their results; a call without a result gets one that says so.

    Ids are made anew from round and index: a model's own may repeat. Results are untrusted text, as passages are.
    """
    given = call_ids(state)
    results = {(r["round"], r["index"]): r for r in state.get("results", [])}
    messages = []
    for n, round_ in enumerate(state.get("rounds", [])):
        calls = tuple(
            ToolCall(own_call_id(n, i, given), call.name, call.arguments)
            for i, call in enumerate(from_json(ToolCall, c) for c in round_["calls"])
        )
        messages.append(Message("assistant", round_["text"], calls))
        for i, call in enumerate(calls):
            result = results.get((n, i))
            messages.append(Message("tool", _told(result) if result else INTERRUPTED, (), call.id))
    return messages


def own_call_id(round_: int, place: int, given: Collection[str] = ()) -> str:
    """What a call of ours is named in requests: unlike any of the ids that the caller has given."""
    name = f"call_{round_}_{place}"
    while name in given:
        name += "_own"
    return name


def _told(result: dict[str, Any]) -> str:
    text = neutralise(result["result"])
    if result["edited"]:
        text = f"(the user changed the arguments to {json.dumps(result['arguments'], ensure_ascii=False)})\n{text}"
    return text
