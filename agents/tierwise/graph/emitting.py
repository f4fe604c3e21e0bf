"""How nodes tell what happens."""

from __future__ import annotations

from langgraph.runtime import Runtime

from tierwise.events import Event
from tierwise.graph.context import TurnContext


def emit(runtime: Runtime[TurnContext], event: Event) -> None:
    """Tell an event to whoever runs the turn.

    The graph's own stream carries it where nobody listens more closely: it wakes the whole graph for each.
    """
    listener = runtime.context.listener
    if listener is None:
        runtime.stream_writer(event)
    else:
        listener(event)
