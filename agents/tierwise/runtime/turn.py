"""One turn from its message to its end, whatever the end is, or to where it waits for a person."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, cast

from tierwise.errors import Blocked, StoreError, TierwiseError, UsageError
from tierwise.events import AnswerReady, Event, TurnFailed
from tierwise.graph.build import STEP_LIMIT, going_on
from tierwise.graph.context import Services, TurnContext
from tierwise.graph.report import decision_record
from tierwise.graph.state import TurnState
from tierwise.models.schemas import check
from tierwise.record import answer_of
from tierwise.redact import redact
from tierwise.turns import DecisionRecord
from tierwise.types import TurnStatus


def new_turn_id() -> str:
    """A fresh id: sortable by time, short enough to be typed in part."""
    return f"{int(time.time() * 1000):011x}{uuid.uuid4().hex[:8]}"


def new_thread_id() -> str:
    """A fresh id for a thread that was not named."""
    return f"t-{uuid.uuid4().hex[:10]}"


async def run_turn(
    graph: Any, services: Services, state: TurnState, *, accepts: Callable[[str], object] | None = None
) -> AsyncGenerator[Event, None]:
    """Run a turn; closing the iterator stops it and keeps what was written.

    A turn that needs a person's yes ends with ``answer.ready`` and the status ``needs_approval``, and is kept for
    :func:`go_on`.

    Args:
        graph: the compiled graph.
        services: the copilot's parts.
        state: the message and what the user said about it.
        accepts: raises :class:`~tierwise.errors.InvalidOutput` for an answer that is not what was asked for.

    Yields:
        The turn's events; the last is ``answer.ready`` or ``turn.failed``.

    Raises:
        UsageError: if the caller named something that does not exist.
        StoreError: if the message cannot be stored. Nothing has been done then.
    """
    context = TurnContext(services, state["turn_id"], accepts=accepts)
    async with aclosing(_run(graph, context, state, state)) as events:
        async for event in events:
            yield event


async def go_on(graph: Any, services: Services, turn_id: str) -> AsyncGenerator[Event, None]:
    """Go on with a turn that waited for a person, or whose program ended in the middle; as :func:`run_turn`.

    What is over is not done again: neither model steps that were stored, nor tool calls.

    Raises:
        UsageError: if there is no such turn, or nothing to go on with.
        Blocked: if it was asked before its thread, or everything, was locked or taken offline.
        StoreError: if the turn's state is gone.
    """
    turn_id = services.record.get(turn_id).turn_id
    await services.shelf.open()
    snapshot = await graph.aget_state(_config(turn_id))
    # Without a stored step it begins once more, with what it was begun with.
    state = cast(TurnState, snapshot.values or services.record.begun_with(turn_id))
    if state:
        _check_locks(services, state)
    # From here on the turn is this process's: nothing may come between that and running it.
    found = services.record.go_on(turn_id)
    if not state:
        services.record.finish(replace(found, status="stopped", waiting=(), error="Its state is gone."))
        raise StoreError(f"The state of turn {found.turn_id} is gone.", fix="Ask the question anew.")
    begin = going_on(snapshot) if snapshot.values else state
    context = TurnContext(services, found.turn_id, seq=state.get("seq", 0))
    context.started -= found.ms.get("total", 0.0) / 1000
    if (schema := state.get("schema")) is not None:
        context.accepts = partial(check, schema=schema)
    async with aclosing(_run(graph, context, state, begin, stored=True)) as events:
        async for event in events:
            yield event


def _check_locks(services: Services, state: TurnState) -> None:
    """Refuse a turn that knows nothing of a lock that holds by now: it may be on its way off the device."""
    try:
        locked = services.settings.locked or services.record.is_locked(state["thread"])
    except sqlite3.Error:  # a lock that cannot be read counts as locked
        locked = True
    if (locked and not state["locked"]) or (services.settings.offline and not state["offline"]):
        raise Blocked(
            "This turn was asked before everything had to stay on the device, and might leave it.",
            fix="Ask the question anew, or unlock its thread and go on.",
        )


async def _run(
    graph: Any, context: TurnContext, state: TurnState, begin: Any, *, stored: bool = False
) -> AsyncGenerator[Event, None]:
    """Run the graph from ``begin`` on.

    Args:
        graph: the compiled graph.
        context: the turn's.
        state: the turn as it is known before.
        begin: what the graph is started with.
        stored: the turn is in the record already.
    """
    services, parked = context.services, False
    try:
        parts = graph.astream(
            begin,
            _config(context.turn_id),
            context=context,
            stream_mode=["custom", "values"],
            version="v2",
            **({"durability": _durability(services)} if graph.checkpointer is not None else {}),
        )
        async with aclosing(parts) as stream:
            async for part in stream:
                if part["type"] == "custom":
                    yield cast(Event, part["data"])
                else:
                    state = cast(TurnState, part["data"])
        if not context.recorded and (record := _resting(services, state, context)) is not None:
            # Not in a thread: between storing and noting it, nothing may stop the turn.
            services.record.finish(record, parked="waiting")
            context.recorded = parked = True
            yield context.event(AnswerReady, answer=answer_of(record))
    except Exception as error:
        if not (stored or context.seq):  # not even the message could be stored
            raise
        for event in _failure(context, state, error):
            yield event
        if isinstance(error, UsageError):
            raise
    finally:
        if (stored or context.seq) and not context.recorded:
            services.record.finish(decision_record(state, context, "stopped", error="The turn was stopped."))
        if graph.checkpointer is not None and not parked:
            await graph.checkpointer.adelete_thread(context.turn_id)


def _resting(services: Services, state: TurnState, context: TurnContext) -> DecisionRecord | None:
    """The turn as it waits for a person, ``None`` if it does not."""
    waiting = services.record.waiting_calls(context.turn_id)
    outgoing = services.record.waiting_outgoing(context.turn_id)
    if not waiting and outgoing is None:
        return None
    return decision_record(state, context, "needs_approval", waiting=waiting, outgoing=outgoing)


def _config(turn_id: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": turn_id}, "recursion_limit": STEP_LIMIT}


def _durability(services: Services) -> str:
    """A turn whose tools may change something stores every step before the next begins; others do so on the way."""
    return "async" if all(tool.may_repeat for tool in services.shelf.tools.values()) else "sync"


def _failure(context: TurnContext, state: TurnState, error: Exception) -> list[Event]:
    """Record a turn that could not be answered and say so."""
    status: TurnStatus = "blocked" if isinstance(error, Blocked) else "failed"
    if isinstance(error, TierwiseError):
        code, message = error.code, str(error)
    else:
        code, message = (
            "internal",
            f"Something unexpected went wrong: {type(error).__name__}: {error}".partition("\n")[0],
        )
    record = decision_record(state, context, status, error=redact(message))
    context.services.record.finish(record)
    context.recorded = True
    answer = answer_of(record)
    if status == "blocked":
        return [context.event(AnswerReady, answer=answer)]
    return [context.event(TurnFailed, code=code, message=record.error or "", answer=answer)]
