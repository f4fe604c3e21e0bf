"""record: the turn is written down and the answer announced."""

from __future__ import annotations

from langgraph.runtime import Runtime

from tierwise.events import AnswerReady
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.report import decision_record
from tierwise.graph.state import TurnState
from tierwise.record import answer_of
from tierwise.routing.thread.overruling import direction


async def record(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Store the decision record, then announce the answer: what was announced is never lost.

    Only now that another answer is there does the one that it overrules lose its place.
    """
    context = runtime.context
    row = decision_record(state, context, "done")
    overrule = None
    if (again := state.get("overrules")) is not None:
        tiers = [tier.name for tier in context.services.tiers]
        overrule = direction(tiers, again["tier"], row.final, anew=again["anew"], edited=again["edited"])
    # Not in a thread: between storing and noting it, nothing may stop the turn.
    row = context.services.record.finish(row, overrule=overrule)
    context.recorded = True
    emit(runtime, context.event(AnswerReady, answer=answer_of(row)))
    return {}
