"""Tools as models see them, and the finished steps of a turn as messages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tierwise.graph.state import TurnState
from tierwise.guards import neutralise
from tierwise.jsonable import from_json
from tierwise.models.base import ChatModel, ToolSpec
from tierwise.types import Message, ToolCall
from tierwise_tools import Tool

MAX_ROUNDS = 8
MAX_EQUAL_CALLS = 3


def specs_for(tools: Mapping[str, Tool[..., Any]], model: ChatModel) -> tuple[ToolSpec, ...]:
    """The tools a model is told about: all for a model with native calls, none for one that cannot call."""
    if model.capabilities.tools == "none":
        return ()
    return tuple(ToolSpec(t.name, t.description, t.parameters) for t in tools.values())


def may_call(state: TurnState) -> bool:
    """False once the turn has used up its rounds or keeps asking the same: then the model must answer."""
    rounds = state.get("rounds", [])
    calls = Counter(
        json.dumps([c["name"], c["arguments"]], sort_keys=True) for round_ in rounds for c in round_["calls"]
    )
    return len(rounds) < MAX_ROUNDS and max(calls.values(), default=0) < MAX_EQUAL_CALLS


def step_messages(state: TurnState) -> list[Message]:
    """The tool calls of the turn with their results; a call without a result gets one that says so.

    Ids are made anew from round and index: a model's own may repeat. Results are untrusted text, as passages are.
    """
    results = {(r["round"], r["index"]): r for r in state.get("results", [])}
    messages = []
    for n, round_ in enumerate(state.get("rounds", [])):
        calls = tuple(
            ToolCall(f"call_{n}_{i}", call.name, call.arguments)
            for i, call in enumerate(from_json(ToolCall, c) for c in round_["calls"])
        )
        messages.append(Message("assistant", round_["text"], calls))
        for i, call in enumerate(calls):
            result = results.get((n, i))
            messages.append(Message("tool", neutralise(result["result"]) if result else "(interrupted)", (), call.id))
    return messages
