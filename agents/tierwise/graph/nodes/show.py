"""show: the turn rests here until a person has seen what leaves; it does nothing else, as ``approve``."""

from __future__ import annotations

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState


async def show(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Park the turn. What the person decided stands in the record, where ``generate`` reads it."""
    interrupt("a person has to see what leaves")
    return {}
