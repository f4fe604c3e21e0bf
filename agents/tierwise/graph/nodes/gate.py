"""gate: every call a model asks for passes here, whatever its tool is and wherever it comes from."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from tierwise.events import ApprovalNeeded, ToolFinished
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.gating import Sorted, sort_calls
from tierwise.graph.state import TurnState
from tierwise.jsonable import to_json
from tierwise.turns import ToolStep


async def gate(state: TurnState, runtime: Runtime[TurnContext]) -> Command[Literal["act", "approve", "generate"]]:
    """Run what may run, each call a step of its own; then ask about the rest; once all have results, go on writing."""
    context = runtime.context
    calls = await asyncio.to_thread(sort_calls, state, context)
    for step in calls.settled:
        emit(runtime, _finished(context, state, step))
    update: TurnState = {"results": to_json(calls.settled)}
    if calls.run:
        return Command(update=update, goto=_sends(state, calls))
    if calls.ask:
        # Stored before anybody is asked: what was shown is what will be run, also by another process.
        await asyncio.to_thread(context.services.record.ask_for, calls.ask)
        for _, waiting in calls.ask:
            emit(runtime, context.event(ApprovalNeeded, attempt=state["attempt"], call=waiting))
        return Command(update={**update, "seq": context.seq}, goto="approve")
    return Command(update=update, goto="generate")


def _sends(state: TurnState, calls: Sorted) -> list[Send]:
    about: dict[str, Any] = {
        "turn_id": state["turn_id"],
        "thread": state["thread"],
        "collection": state.get("collection"),
        "only": state.get("only"),
        "tier": state["tier"],
        "attempt": state["attempt"],
        "round": len(state["rounds"]) - 1,
    }
    return [
        Send("act", {**about, "index": place, "call": to_json(call), "approved": approved, "edited": edited})
        for place, call, approved, edited in calls.run
    ]


def _finished(context: TurnContext, state: TurnState, step: ToolStep) -> ToolFinished:
    call = state["rounds"][step.round]["calls"][step.index]
    return context.event(
        ToolFinished,
        attempt=step.attempt,
        call_id=call["id"],
        name=step.name,
        ok=step.ok,
        result=step.result,
        ms=step.ms,
    )
