"""Going on with a turn for whoever asks for it, whatever happens to it at the same moment."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from tierwise.errors import InvalidInput
from tierwise_app.serve.leaving import while_there
from tierwise_app.serve.own.responding import ended, over, respond, respond_from
from tierwise_app.serve.own.shapes import Delivery
from tierwise_app.serve.parts import parts_of
from tierwise_app.serve.problems import Problem

_TRIES = 5


async def go_on(request: Request, turn_id: str, delivery: Delivery, *, decided: bool = False) -> Response:
    """Go on with a turn.

    Args:
        request: the client's.
        turn_id: the turn; whoever asks may see it.
        delivery: how its answer comes.
        decided: a decision was just stored. If the turn runs, it may not know of it: it comes to its end first. If it
            has gone on with it already, that is what is told.

    Raises:
        Problem: 409 if there is nothing to go on with.
    """
    parts, status = parts_of(request), ""
    for _ in range(_TRIES):
        if decided:
            await _rests(request, turn_id)
        now = await asyncio.to_thread(parts.copilot.record.standing, turn_id)
        if now is None:
            raise Problem(404, "unknown_turn", f"There is no turn {turn_id!r}.")
        running, status = parts.turns.find(turn_id), now.record.status
        if status == "running" or (running is not None and not running.over):
            if decided:
                continue
            raise Problem(409, "not_waiting", "This turn runs.", fix=f"Follow it at /v1/turns/{turn_id}/events.")
        if now.parked is None:
            break
        watched = parts.turns.go_on(turn_id, now.record.caller or "local", stays=delivery.background)
        try:
            return await respond(request, watched, delivery)
        except InvalidInput:  # another server was faster
            if not decided:
                raise
    if decided:  # it has gone on, here or elsewhere
        return await respond_from(request, turn_id, delivery)
    raise Problem(409, "not_waiting", f"Turn {turn_id} is {status}: there is nothing to go on with.", fix="Ask anew.")


async def _rests(request: Request, turn_id: str) -> None:
    """Wait until a turn does not run, here or elsewhere."""
    parts = parts_of(request)
    while (running := parts.turns.find(turn_id)) is not None and not running.over:
        await while_there(request, ended(running))
    await while_there(request, over(parts.copilot.record, turn_id))
