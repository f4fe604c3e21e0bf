"""A turn as the response to a request: its events, its answer, or where it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tierwise import DecisionRecord
from tierwise.record import Record, answer_of
from tierwise_app.serve import sse
from tierwise_app.serve.discreet import is_discreet, shown
from tierwise_app.serve.leaving import attend, while_there
from tierwise_app.serve.own.resuming import LOOK_EVERY, MEND_EVERY, followed, resumed
from tierwise_app.serve.own.shapes import Delivery
from tierwise_app.serve.own.told import Problems, TurnRef, ref_of, told
from tierwise_app.serve.parts import parts_of
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Watched

EVENTS: dict[str, Any] = {
    "description": "With `stream`, the events of the turn, each with its `id`; else its answer.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
LATER: dict[str, Any] = {
    "model": TurnRef,
    "description": "The message is stored and the turn goes on.",
    "headers": {"Location": {"schema": {"type": "string"}, "description": "`/v1/turns/{turn_id}`"}},
}


def errors(**codes: str) -> dict[int | str, dict[str, Any]]:
    """Error responses of a route: ``_404="why"``."""
    return {int(code[1:]): {"model": Problems, "description": why} for code, why in codes.items()}


async def respond(request: Request, watched: Watched, delivery: Delivery) -> Response:
    """A turn that was begun, or taken up, for a request.

    Raises:
        Problem: 499 if the client has left.
        Exception: why the turn could not begin.
    """
    attend(request, watched)
    if delivery.background:
        return await _later(request, watched)
    if not delivery.stream:
        await while_there(request, ended(watched))
        return await _answer(request, watched)
    await while_there(request, _shows(watched))
    headers = about(watched.turn_id) | waited(watched)
    return sse.stream(followed(parts_of(request), watched, discreet=is_discreet(request)), headers)


async def respond_from(request: Request, turn_id: str, delivery: Delivery) -> Response:
    """A turn that was begun before, as :func:`respond`: wherever it runs, and also if it is over."""
    parts = parts_of(request)
    watched, record = parts.turns.find(turn_id), parts.copilot.record
    if watched is not None and not watched.over:
        attend(request, watched)
    if not delivery.background and delivery.stream:
        return sse.stream(resumed(parts, turn_id, discreet=is_discreet(request)), about(turn_id))
    found = await asyncio.to_thread(record.find, turn_id)
    if not delivery.background:
        found = await while_there(request, over(record, turn_id))
        return told(shown(request, answer_of(found)), headers=about(turn_id))
    if found is None:
        raise Problem(404, "unknown_turn", f"There is no turn {turn_id!r}.")
    return told(ref_of(found), 202, about(turn_id))


def about(turn_id: str | None) -> dict[str, str]:
    """Headers that say which turn it is, and where."""
    return {} if turn_id is None else {"X-Tierwise-Turn": turn_id, "Location": f"/v1/turns/{turn_id}"}


def waited(watched: Watched) -> dict[str, str]:
    """A header that says how long the turn stood in the line, once it is through."""
    return {} if watched.waited is None else {"X-Tierwise-Waited-Ms": f"{watched.waited * 1000:.1f}"}


async def ended(watched: Watched) -> None:
    """Wait until nothing more will happen, whatever the end is."""
    async with aclosing(_quiet(watched)) as items:
        async for _ in items:
            pass


async def _quiet(watched: Watched) -> AsyncGenerator[None, None]:
    try:
        async with aclosing(watched.follow(len(watched.items), texts=False)) as items:
            async for _ in items:
                yield
    except Exception:
        if watched.error is None:
            raise


async def _shows(watched: Watched) -> None:
    """Wait until there is something to tell.

    Raises:
        Exception: why it could not begin.
    """
    async with aclosing(watched.follow(texts=False)) as items:
        async for _ in items:
            return


async def _later(request: Request, watched: Watched) -> Response:
    try:
        turn_id = await while_there(request, watched.begun())
    except Problem:
        if not watched.run:  # nobody learns that it was begun: it is withdrawn
            watched.stop()
        raise
    found = await asyncio.to_thread(parts_of(request).copilot.record.find, turn_id)
    if found is None:
        raise Problem(404, "unknown_turn", f"There is no turn {turn_id!r} any more.")
    return told(ref_of(found), 202, about(turn_id))


async def _answer(request: Request, watched: Watched) -> Response:
    answer = watched.answer
    if answer is None and watched.error is not None:
        raise watched.error
    if answer is None:
        record = parts_of(request).copilot.record
        found = None if watched.turn_id is None else await asyncio.to_thread(record.find, watched.turn_id)
        if found is None or found.status == "running":
            raise Problem(503, "stopped", "The turn was stopped before it began.", fix="Ask again.")
        answer = answer_of(found)
    return told(shown(request, answer), headers=about(answer.turn_id) | waited(watched))


async def over(record: Record, turn_id: str) -> DecisionRecord:
    """Wait until a turn does not run, wherever it does.

    Raises:
        Problem: 404 if there is none.
    """
    for looks in count(1):
        found = await asyncio.to_thread(record.find, turn_id)
        if found is None:
            raise Problem(404, "unknown_turn", f"There is no turn {turn_id!r}.")
        if found.status != "running":
            return found
        if looks % MEND_EVERY == 0:
            await asyncio.to_thread(record.repair)
        await asyncio.sleep(LOOK_EVERY)
    raise AssertionError("unreachable")
