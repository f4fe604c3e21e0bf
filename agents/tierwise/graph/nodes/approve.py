"""approve: the turn rests here until a person has decided; it does nothing else, for it runs again when it goes on."""

from __future__ import annotations

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState


async def approve(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Park the turn. What the person decided stands in the ledger, where ``gate`` reads it."""
    interrupt("a person has to decide on tool calls")
    return {}
