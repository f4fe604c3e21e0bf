"""show: the turn rests here until a person has seen what leaves; it does nothing else, as ``approve``."""

from __future__ import annotations

import asyncio

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState


async def show(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Park the turn, unless a person has decided already. What was decided stands in the record, for ``generate``."""
    context = runtime.context
    if await asyncio.to_thread(context.services.record.waiting_outgoing, context.turn_id) is not None:
        interrupt("a person has to see what leaves")
    return {}
