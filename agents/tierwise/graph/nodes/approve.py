"""approve: the turn rests here until a person has decided; it does nothing else, for it runs again when it goes on."""

from __future__ import annotations

import asyncio

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState


async def approve(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Park the turn, unless nothing waits any more: its program ended on the way here, and a person has decided since.

    What was decided stands in the ledger, where ``gate`` reads it.
    """
    context = runtime.context
    if await asyncio.to_thread(context.services.record.waiting_calls, context.turn_id):
        interrupt("a person has to decide on tool calls")
    return {}
