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
from tierwise.jsonable import to_json
from tierwise.turns import Notice


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
    tainted = await asyncio.to_thread(services.record.has_tainted_turns, state["thread"])
    state = {**state, "locked": locked, "tainted": tainted}
    await asyncio.to_thread(services.record.start, decision_record(state, context, "running"), {**state})
    runtime.stream_writer(
        context.event(
            TurnStarted, thread=state["thread"], asked=state["asked"], locked=locked, offline=state["offline"]
        )
    )
    asked = check_question(state["asked"], services.settings.max_question_chars)
    await services.shelf.open()
    return {"locked": locked, "tainted": tainted, "asked": asked, "notices": to_json(_set_aside(context))}


def _set_aside(context: TurnContext) -> list[Notice]:
    """What the user must know about tools that are not there."""
    problems = context.services.shelf.problems
    if not problems:
        return []
    names = ", ".join(problem.name for problem in problems)
    text = problems[0].text if len(problems) == 1 else "See: tierwise tools list"
    return [Notice("tools_set_aside", f"Set aside: {names}. {text}")]


def _thread_lock(context: TurnContext, thread: str) -> bool | None:
    """The thread's lock, ``None`` if it cannot be read: then it counts as locked."""
    try:
        return context.services.record.is_locked(thread)
    except sqlite3.Error:
        return None
