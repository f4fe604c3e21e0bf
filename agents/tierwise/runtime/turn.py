"""One turn from its message to its end, whatever the end is, or to where it waits for a person."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import Any, cast

from tierwise.errors import Blocked, StoreDamaged, StoreError, TakenOver, TierwiseError, UsageError
from tierwise.events import AnswerReady, Event, TurnFailed
from tierwise.graph.build import STEP_LIMIT, going_on
from tierwise.graph.caps import caller_of
from tierwise.graph.context import Services, TurnContext
from tierwise.graph.line import enclosing_turn, wait_in_line
from tierwise.graph.report import decision_record
from tierwise.graph.state import TurnState
from tierwise.models.schemas import check
from tierwise.record import Record, answer_of
from tierwise.redact import redact
from tierwise.runtime.holding import Holding
from tierwise.runtime.parts import Parts, Stands
from tierwise.runtime.saying_again import said_again
from tierwise.storage import explained, is_damage
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
    context = TurnContext(services, state["turn_id"], accepts=accepts, within=enclosing_turn(), caller=caller_of(state))
    async with aclosing(_run(graph, context, state, state, state["turn_id"])) as events:
        async for event in events:
            yield event


async def go_on(graph: Any, services: Services, turn_id: str) -> AsyncGenerator[Event, None]:
    """Go on with a turn that waited for a person, or whose program ended in the middle; as :func:`run_turn`.

    What is over is not done again: neither model steps that were stored, nor tool calls. After a crash, whatever
    attempts may have said is taken back first, and what of it stands is said again: the text that those who followed
    the events have at the end is the answer's.

    Raises:
        UsageError: if there is no such turn, or nothing to go on with.
        Blocked: if it was asked before its thread, or everything, was locked or taken offline.
        StoreError: if the turn's state is gone.
    """
    record = services.record
    turn_id = record.get(turn_id).turn_id
    saver = graph.checkpointer
    state = await _state_of(graph, services, turn_id, await saver.name_of(turn_id))
    if state:
        _check_locks(services, state)
    await services.shelf.open(stays=not state or state["locked"] or state["offline"])
    # Not in a thread: nothing may come between taking it up and running it, or putting it back.
    found = record.go_on(turn_id, busy=services.settings.busy_thread, within=enclosing_turn())
    try:
        # What the process that ran it before still writes is not read any more.
        name = await saver.take_up(turn_id, record.epoch(turn_id) or 0)
        state = await _state_of(graph, services, turn_id, name)
        if not state:
            record.finish(replace(found, status="stopped", waiting=(), error="Its state is gone."))
            raise StoreError(f"The state of turn {turn_id} is gone.", fix="Ask the question anew.")
        context = TurnContext(services, turn_id, seq=state.get("seq", 0), caller=caller_of(state))
        context.started -= found.ms.get("total", 0.0) / 1000
        if (schema := state.get("schema")) is not None:
            context.accepts = partial(check, schema=schema)
        async with Holding(record, turn_id), aclosing(wait_in_line(context)) as waiting:
            async for queued in waiting:
                yield queued
        _check_locks(services, state)
        snapshot = await graph.aget_state(_config(name))
        begin = going_on(snapshot) if "thread" in snapshot.values else state
        if found.status != "needs_approval":  # its program ended in the middle of something
            for event in said_again(context, state, [attempt.n for attempt in found.attempts]):
                yield event
    except BaseException:
        _put_back(record, found)
        raise
    async with aclosing(_run(graph, context, state, begin, name, stored=True)) as events:
        async for event in events:
            yield event


async def _state_of(graph: Any, services: Services, turn_id: str, name: str) -> TurnState:
    """What is known of a turn: its last stored step, or else what it was begun with."""
    try:
        stored = (await graph.aget_state(_config(name))).values
    except (StoreDamaged, sqlite3.Error) as error:  # it begins anew
        stored = None
        await graph.checkpointer.drop_damaged(turn_id, name, error)
    if stored and "thread" in stored:  # before its first step only what adds up has a value
        return cast(TurnState, stored)
    return cast(TurnState, services.record.begun_with(turn_id))


def _put_back(record: Record, found: DecisionRecord) -> None:
    """Leave a turn as it was found, for another time."""
    with suppress(StoreError):
        if record.epoch(found.turn_id) is not None:
            record.finish(found, parked="waiting" if found.status == "needs_approval" else "crashed")
    record.let_go(found.turn_id)


def _check_locks(services: Services, state: TurnState) -> None:
    """Refuse a turn that knows nothing of a lock that holds by now: it may be on its way off the device."""
    try:
        locked = services.settings.locked or services.record.is_locked(state["thread"])
    except (sqlite3.Error, StoreError):  # a lock that cannot be read counts as locked
        locked = True
    if (locked and not state["locked"]) or (services.settings.offline and not state["offline"]):
        raise Blocked(
            "This turn was asked before everything had to stay on the device, and might leave it.",
            fix="Ask the question anew, or unlock its thread and go on.",
        )


async def _run(
    graph: Any, context: TurnContext, state: TurnState, begin: Any, name: str, *, stored: bool = False
) -> AsyncGenerator[Event, None]:
    """Run the graph from ``begin`` on.

    Args:
        graph: the compiled graph.
        context: the turn's.
        state: the turn as it is known before.
        begin: what the graph is started with.
        name: of the turn's checkpoints.
        stored: the turn is in the record already.
    """
    services, record, parked = context.services, context.services.record, False
    announced = False
    try:
        stream = graph.astream(
            begin,
            _config(name),
            context=context,
            stream_mode=["custom", "values"],
            version="v2",
            **({"durability": _durability(services)} if graph.checkpointer is not None else {}),
        )
        parts = Parts(stream)
        context.listener = parts.tell
        async with Holding(record, context.turn_id) as holding, parts:
            while (part := await holding.next(parts)) is not None:
                if isinstance(part, Stands):
                    state = part.state
                else:
                    announced = announced or isinstance(part, AnswerReady)
                    yield part
        if not context.recorded and (resting := _resting(services, state, context)) is not None:
            # Not in a thread: between storing and noting it, nothing may stop the turn.
            resting = record.finish(resting, parked="waiting")
            context.recorded = parked = True
            yield context.event(AnswerReady, answer=answer_of(resting))
    except Exception as error:
        if not (stored or context.seq):  # not even the message could be stored
            raise
        if is_damage(error) and graph.checkpointer is not None:
            graph.checkpointer.damaged = True  # the next turn opens it anew
        if context.recorded and isinstance(error, sqlite3.Error):  # the answer is stored: its steps are not needed
            answer = answer_of(record.get(context.turn_id))
            events: list[Event] = [] if announced else [context.event(AnswerReady, answer=answer)]
        else:
            events = _failure(context, state, error)
        for event in events:
            yield event
        if isinstance(error, UsageError):
            raise
    finally:
        runs = record.epoch(context.turn_id) is not None
        if runs and not context.recorded:
            with suppress(StoreError):  # it is another's by now, or ended as one whose program died
                parked = services.leaving.is_set() and state.get("goes_on", False)
                stopped = decision_record(state, context, "stopped", error="The turn was stopped.")
                record.finish(stopped, parked="crashed" if parked else None)
                context.recorded = True
        record.let_go(context.turn_id)
        # A turn that this process could not end goes on from its checkpoints, here or elsewhere.
        if graph.checkpointer is not None and not parked and (context.recorded or not runs):
            with suppress(sqlite3.Error):  # the next opening does it
                await graph.checkpointer.adelete_thread(name)
        if graph.checkpointer is not None:
            with suppress(sqlite3.Error):
                await graph.checkpointer.wipe(record.dropped(), empty=record.wipe_due and not record.has_running)
        if not record.has_running:
            await asyncio.to_thread(record.tidy)


def _resting(services: Services, state: TurnState, context: TurnContext) -> DecisionRecord | None:
    """The turn as it waits for a person, ``None`` if it does not."""
    waiting = services.record.waiting_calls(context.turn_id)
    outgoing = services.record.waiting_outgoing(context.turn_id)
    if not waiting and outgoing is None:
        return None
    return decision_record(state, context, "needs_approval", waiting=waiting, outgoing=outgoing)


def _config(name: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}, "recursion_limit": STEP_LIMIT}


def _durability(services: Services) -> str:
    """A turn whose tools may change something stores every step before the next begins; others do so on the way."""
    return "async" if all(tool.may_repeat for tool in services.shelf.tools.values()) else "sync"


def _failure(context: TurnContext, state: TurnState, error: Exception) -> list[Event]:
    """Record a turn that could not be answered and say so."""
    status: TurnStatus = "blocked" if isinstance(error, Blocked) else "failed"
    if isinstance(error, sqlite3.Error):
        error = explained(context.services.settings.home / "threads.sqlite", error)
    if isinstance(error, TierwiseError):
        code, message = error.code, str(error)
    else:
        code, message = (
            "internal",
            f"Something unexpected went wrong: {type(error).__name__}: {error}".partition("\n")[0],
        )
    record = decision_record(state, context, status, error=redact(message, personal=True))
    if not isinstance(error, TakenOver):
        try:
            record = context.services.record.finish(record)
            context.recorded = True
        except TakenOver as taken:
            code, record = taken.code, replace(record, status="failed", error=str(taken))
        except StoreError as unwritten:  # the person gets what was said, and why it is not kept
            text = f"The answer could not be stored: {unwritten}" if record.text else str(unwritten)
            code, record = unwritten.code, replace(record, status="failed", error=text)
    answer = answer_of(record)
    if record.status == "blocked":
        return [context.event(AnswerReady, answer=answer)]
    return [context.event(TurnFailed, code=code, message=record.error or "", answer=answer)]
