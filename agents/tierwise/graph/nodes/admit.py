"""admit: the message is stored before anything else happens, then the guards look at it."""

from __future__ import annotations

import asyncio
import sqlite3

from langgraph.runtime import Runtime

from tierwise.events import TurnStarted
from tierwise.graph.context import TurnContext
from tierwise.graph.report import decision_record
from tierwise.graph.state import TurnState
from tierwise.guards import check_question, locks


async def admit(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Store the message, settle the lock, refuse what no tier should see.

    Raises:
        Blocked: if a guard refuses the message.
        StoreError: if the message cannot be stored; no work has been done then.
    """
    context = runtime.context
    services = context.services
    locked = bool(
        locks(
            app=services.settings.locked,
            thread=await asyncio.to_thread(_thread_lock, context, state["thread"]),
            message=state["locked"],
        )
    )
    state = {**state, "locked": locked}
    await asyncio.to_thread(services.record.start, decision_record(state, context, "running"))
    runtime.stream_writer(
        context.event(
            TurnStarted, thread=state["thread"], asked=state["asked"], locked=locked, offline=state["offline"]
        )
    )
    asked = check_question(state["asked"], services.settings.max_question_chars)
    return {"locked": locked, "asked": asked}


def _thread_lock(context: TurnContext, thread: str) -> bool | None:
    """The thread's lock, ``None`` if it cannot be read: then it counts as locked."""
    try:
        return context.services.record.is_locked(thread)
    except sqlite3.Error:
        return None
