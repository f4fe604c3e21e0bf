"""One turn from its message to its end, whatever the end is."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, cast

from tierwise.errors import Blocked, TierwiseError, UsageError
from tierwise.events import AnswerReady, Event, TurnFailed
from tierwise.graph.build import STEP_LIMIT
from tierwise.graph.context import Services, TurnContext
from tierwise.graph.report import decision_record
from tierwise.graph.state import TurnState
from tierwise.record import answer_of
from tierwise.redact import redact
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
    config = {"configurable": {"thread_id": state["turn_id"]}, "recursion_limit": STEP_LIMIT}
    try:
        parts = graph.astream(
            state,
            config,
            context=context,
            stream_mode=["custom", "values"],
            version="v2",
            **({"durability": "async"} if graph.checkpointer is not None else {}),
        )
        async with aclosing(parts) as stream:
            async for part in stream:
                if part["type"] == "custom":
                    yield cast(Event, part["data"])
                else:
                    state = cast(TurnState, part["data"])
    except Exception as error:
        if context.seq == 0:  # not even the message could be stored
            raise
        for event in _failure(context, state, error):
            yield event
        if isinstance(error, UsageError):
            raise
    finally:
        if context.seq and not context.recorded:
            services.record.finish(decision_record(state, context, "stopped", error="The turn was stopped."))
        if graph.checkpointer is not None:
            await graph.checkpointer.adelete_thread(state["turn_id"])


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
