"""admit: the message is stored before anything else happens, then the guards look at it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from tierwise.errors import StoreError
from tierwise.events import TurnStarted
from tierwise.graph.at_hand import write
from tierwise.graph.caller_tools import own_tools_allowed
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.line import wait_in_line
from tierwise.graph.report import decision_record
from tierwise.graph.said import reads_results
from tierwise.graph.state import TurnState
from tierwise.guards import check_question, locks
from tierwise.jsonable import to_json
from tierwise.turns import Notice


async def admit(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Store the message, wait for its thread, settle the lock, refuse what no tier should see.

    Raises:
        Blocked: if a guard refuses the message.
        ThreadBusy: if the thread is being answered and nobody is to wait; nothing is stored then.
        StoreError: if the message cannot be stored; no work has been done then.
    """
    context = runtime.context
    services, notices = context.services, list[Notice]()
    begun = await _surely(write(services.record, _begin, state, context))
    state, locked, tainted = {**state, "locked": begun.locked, "tainted": begun.tainted}, begun.locked, begun.tainted
    emit(
        runtime,
        context.event(
            TurnStarted, thread=state["thread"], asked=state["asked"], locked=locked, offline=state["offline"]
        ),
    )
    queued = 0.0
    if not begun.first:
        before = context.started
        async with aclosing(wait_in_line(context)) as waiting:
            async for event in waiting:
                emit(runtime, event)
        queued = (context.started - before) * 1000
        # What came first may have changed what holds in the thread.
        locked, tainted = await asyncio.to_thread(_thread_as_it_is, context, state)
        if locked and not begun.locked:
            await asyncio.to_thread(services.record.lock_turn, context.turn_id)
            notices.append(Notice("locked", "The thread was locked meanwhile. This turn stays on the device."))
    asked = check_question(state["asked"], services.settings.max_question_chars)
    if own_tools_allowed(state):
        await services.shelf.open(stays=locked or state["offline"])
        notices += _set_aside(context)
    return {
        "locked": locked,
        "tainted": tainted,
        "asked": asked,
        "notices": to_json(notices),
        "ms": {"queue": queued} if queued else {},
    }


@dataclass(frozen=True, slots=True)
class _Begun:
    """A message that is stored: whether its turn is locked and tainted, and whether no other comes first."""

    locked: bool
    tainted: bool
    first: bool


def _begin(state: TurnState, context: TurnContext) -> _Begun:
    """Store the message in one go with what holds in its thread."""
    services = context.services
    locked, tainted = _thread_as_it_is(context, state)
    state = {**state, "locked": locked, "tainted": tainted}
    services.record.start(
        decision_record(state, context, "running"),
        {**state},
        busy=services.settings.busy_thread,
        within=context.within,
        passing=state.get("passing", False),
    )
    first = False
    with suppress(StoreError):
        # Whoever was just before may have locked the thread or read something: first is who finds it as it was.
        first = not services.record.ahead(context.turn_id) and _thread_as_it_is(context, state) == (locked, tainted)
    return _Begun(locked, tainted, first)


async def _surely(storing: Coroutine[Any, Any, _Begun]) -> _Begun:
    """Wait for the end of it, also when the turn is stopped: whether it is stored must be known then."""
    work = asyncio.ensure_future(storing)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with suppress(StoreError):
            await work
        raise


def _thread_as_it_is(context: TurnContext, state: TurnState) -> tuple[bool, bool]:
    """Whether a turn of the thread is locked, and whether it is tainted, as far as the thread tells."""
    services, thread = context.services, state["thread"]
    locked = locks(app=services.settings.locked, thread=_thread_lock(context, thread), message=state["locked"])
    return bool(locked), reads_results(state) or services.record.has_tainted_turns(thread)


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
    except (sqlite3.Error, StoreError):
        return None
