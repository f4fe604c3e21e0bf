"""``/v1/approvals`` and decisions: a person's yes or no to what waits for it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from tierwise import Answer, AsyncCopilot, DecisionRecord, to_json
from tierwise.errors import InvalidInput, UnknownName
from tierwise_app.serve.own.going_on import go_on
from tierwise_app.serve.own.responding import EVENTS, LATER, errors
from tierwise_app.serve.own.shapes import CallDecision, DecisionBody, SendingDecision
from tierwise_app.serve.own.told import WaitingPage, told
from tierwise_app.serve.parts import key_of, parts_of, sees
from tierwise_app.serve.problems import Problem

router = APIRouter(prefix="/v1", tags=["approvals"])


@router.get("/approvals", operation_id="list_approvals", responses={200: {"model": WaitingPage}})
async def list_approvals(request: Request) -> Response:
    """The turns that wait for a person: for tools to be run, or for a request to leave the device."""
    record = parts_of(request).copilot.record
    found = await asyncio.to_thread(record.waiting_turns)
    mine = [turn for turn in found if sees(request, turn.caller)]
    lines = await asyncio.gather(*(asyncio.to_thread(_line, parts_of(request).copilot, turn) for turn in mine))
    data = [line for line in lines if line["waiting"] or line["outgoing"]]
    return told({"object": "list", "data": data})


@router.post(
    "/turns/{turn_id}/approvals",
    operation_id="decide",
    responses={
        200: {"model": Answer, **EVENTS},
        202: LATER,
        **errors(
            _400="The arguments do not fit the tool, or an item cannot be taken out.",
            _403="The turn is another key's, or this key may not say `always`.",
            _404="There is no such turn, call or item.",
            _409="It does not wait: somebody has decided already.",
        ),
    },
)
async def decide(request: Request, turn_id: str, body: Annotated[DecisionBody, Body()]) -> Response:
    """Decide on tool calls, or on a request that would leave the device. The decision is stored; the turn goes on.

    With several calls waiting, the turn goes on with those that are decided on, and waits again for the others.
    """
    copilot = parts_of(request).copilot
    turn = await asyncio.to_thread(copilot.record.find, turn_id)
    if turn is None:
        raise Problem(404, "unknown_turn", f"There is no turn {turn_id!r}.")
    if not sees(request, turn.caller):
        raise Problem(403, "not_yours", "This turn is another key's.", fix="Decide with that key.")
    if isinstance(body, SendingDecision):
        await _decide_sending(copilot, turn, body)
    else:
        if body.always and (key := key_of(request)) is not None and key.sees != "all":
            raise Problem(
                403, "not_for_good", "This key may not allow a tool for good.", fix="Leave always out.", param="always"
            )
        await _decide_calls(copilot, turn, body)
    return await go_on(request, turn_id, body, decided=True)


async def _decide_calls(copilot: AsyncCopilot, turn: DecisionRecord, body: CallDecision) -> None:
    record, turn_id = copilot.record, turn.turn_id
    if body.arguments is not None and not body.allow:
        raise Problem(400, "invalid_value", "A no takes no arguments.", fix="Leave them out.", param="arguments")
    waiting = {call.id for call in await asyncio.to_thread(record.waiting_calls, turn_id)}
    asked = waiting if body.call_id is None else {body.call_id}
    if not waiting or not asked <= waiting:
        if body.call_id is not None and not await asyncio.to_thread(record.was_asked, turn_id, body.call_id):
            raise Problem(404, "unknown_call", f"Turn {turn_id} has no call {body.call_id!r}.", param="call_id")
        raise _not_waiting(turn_id)
    try:
        await copilot.decide(
            turn_id,
            body.call_id,
            allow=body.allow,
            always=body.always,
            arguments=body.arguments,
            reason=body.reason,
        )
    except (InvalidInput, UnknownName) as error:  # beside calls that still wait, one that does not is a name unknown
        still = {call.id for call in await asyncio.to_thread(record.waiting_calls, turn_id)}
        if not asked <= still:  # somebody was faster
            raise _not_waiting(turn_id) from error
        if isinstance(error, UnknownName):
            raise
        raise Problem.of(error, param="arguments") from error


async def _decide_sending(copilot: AsyncCopilot, turn: DecisionRecord, body: SendingDecision) -> None:
    record, turn_id = copilot.record, turn.turn_id
    shown = await asyncio.to_thread(record.waiting_outgoing, turn_id)
    if shown is None or shown.id != body.outgoing_id:
        raise _not_waiting(turn_id)
    try:
        await copilot.decide_sending(turn_id, body.outgoing_id, allow=body.allow, without=body.without)
    except InvalidInput as error:
        still = await asyncio.to_thread(record.waiting_outgoing, turn_id)
        if still is not None and still.id == body.outgoing_id:
            raise Problem.of(error, param="without") from error
        raise _not_waiting(turn_id) from error


def _not_waiting(turn_id: str) -> Problem:
    return Problem(
        409,
        "not_waiting",
        f"This does not wait for a decision any more, or never did: turn {turn_id} was decided on.",
        fix="See what waits: GET /v1/approvals.",
    )


def _line(copilot: AsyncCopilot, turn: DecisionRecord) -> dict[str, Any]:
    """What of a turn waits, as JSON values; what was decided on meanwhile is left out."""
    return {
        "turn_id": turn.turn_id,
        "thread": turn.thread,
        "asked": turn.asked,
        "created": turn.created,
        "waiting": to_json(copilot.record.waiting_calls(turn.turn_id)),
        "outgoing": to_json(copilot.record.waiting_outgoing(turn.turn_id)),
    }
