"""``/v1/turns``: questions asked, followed, stopped, asked again, gone on with."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from tierwise import Answer, DecisionRecord
from tierwise_app.serve import sse
from tierwise_app.serve.discreet import is_discreet, shown
from tierwise_app.serve.leaving import attend
from tierwise_app.serve.own.asking import again_options, ask_options, known_tier
from tierwise_app.serve.own.events import Place
from tierwise_app.serve.own.going_on import go_on
from tierwise_app.serve.own.repeats import repeat_key, repeats_of, whose
from tierwise_app.serve.own.responding import EVENTS, LATER, about, errors, respond, respond_from
from tierwise_app.serve.own.resuming import has_all, resumed
from tierwise_app.serve.own.shapes import AgainBody, Delivery, ThreadName, TurnBody
from tierwise_app.serve.own.told import TurnLine, TurnPage, TurnRef, ref_of, told
from tierwise_app.serve.parts import key_of, own_turn, parts_of
from tierwise_app.serve.problems import Problem

router = APIRouter(prefix="/v1/turns", tags=["turns"])
_UNKNOWN = "There is no such turn, or it is another key's."
_BEGUN: dict[int | str, dict[str, Any]] = {200: {"model": Answer, **EVENTS}, 202: LATER}
TurnId = Annotated[str, Query(min_length=1, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]


@router.post(
    "",
    operation_id="ask",
    responses={
        **_BEGUN,
        **errors(
            _400="What was asked cannot be worked on.",
            _403="This key gets no documents.",
            _404="Something was named that does not exist, or is another key's.",
            _422="The Idempotency-Key came with another question.",
            _503="Too many turns wait, or the server is about to end.",
        ),
    },
)
async def ask(
    request: Request,
    body: TurnBody,
    idempotency_key: Annotated[
        str | None,
        Header(description="A request that is sent again with the same key gets the turn that the first one began."),
    ] = None,
) -> Response:
    """Ask a question.

    How the turn ended stands in the answer's `status`: `done`, `needs_approval`, `blocked`, `stopped` or `failed`. The
    status of HTTP is an error only if the turn could not begin.
    """
    turns, key, said = parts_of(request).turns, repeat_key(request), ""
    if key is not None:
        said = body.model_dump_json(exclude={"stream"})
        begun = repeats_of(request).find(whose(request), key, said)
        if isinstance(begun, str):
            return await respond_from(request, begun, body)
        if begun is not None:
            return await respond(request, begun, body)
    watched = turns.ask(body.question, **ask_options(request, body))
    if key is not None:
        repeats_of(request).note(whose(request), key, said, watched)
    return await respond(request, watched, body)


@router.get("", operation_id="list_turns", responses={200: {"model": TurnPage}})
async def list_turns(
    request: Request,
    thread: Annotated[ThreadName | None, Query(description="Only those of this thread.")] = None,
    status: Annotated[
        Literal["waiting", "running"] | None, Query(description="Only those that wait for a person, or run.")
    ] = None,
    limit: Limit = 50,
    before: Annotated[TurnId | None, Query(description="Only those older than this turn: the last of a page.")] = None,
) -> Response:
    """Turns, the newest first."""
    return told(await turn_page(request, thread=thread, status=status, limit=limit, before=before))


async def turn_page(
    request: Request,
    *,
    thread: str | None = None,
    status: Literal["waiting", "running"] | None = None,
    limit: int = 50,
    before: str | None = None,
) -> dict[str, object]:
    """A :class:`TurnPage` of what the key may see, as JSON values."""
    key, record = key_of(request), parts_of(request).copilot.record
    caller = None if key is None or key.sees == "all" else key.id
    found = await asyncio.to_thread(record.page, limit + 1, thread=thread, status=status, caller=caller, before=before)
    return {"object": "list", "data": [TurnLine.of(one) for one in found[:limit]], "has_more": len(found) > limit}


@router.get(
    "/{turn_id}",
    operation_id="get_turn",
    responses={200: {"model": DecisionRecord}, **errors(_404=_UNKNOWN)},
)
async def get_turn(request: Request, turn_id: str) -> Response:
    """The decision record: everything that was known, chosen, served, sent out and spent, as `tierwise why --json`."""
    return told(
        shown(request, await asyncio.to_thread(own_turn, request, turn_id)), headers={"X-Tierwise-Turn": turn_id}
    )


@router.get(
    "/{turn_id}/events",
    operation_id="follow_turn",
    response_class=Response,
    responses={
        200: EVENTS | {"description": "The events."},
        204: {"description": "Nothing comes after `Last-Event-ID`: the turn is over."},
        **errors(_400="`Last-Event-ID` is no id of an event.", _404=_UNKNOWN),
    },
)
async def follow_turn(
    request: Request,
    turn_id: str,
    last_event_id: Annotated[str | None, Header(description="The `id` of the last event that was received.")] = None,
    last: Annotated[
        str | None, Query(alias="last_event_id", description="The same, where headers cannot be set.")
    ] = None,
) -> Response:
    """The events of a turn: from the beginning, or after `Last-Event-ID`.

    Where continuity cannot be had (the turn was taken up anew, is another process's, or long over), a `snapshot` comes
    first: forget what you had, this is the text so far.
    """
    await asyncio.to_thread(own_turn, request, turn_id)
    given = last_event_id or last
    place = Place.read(given) if given else None
    parts = parts_of(request)
    if place is not None:
        now = await asyncio.to_thread(parts.copilot.record.standing, turn_id)
        if now is not None and has_all(parts, turn_id, now.epoch, place):
            return Response(status_code=204, headers=about(turn_id))
    if (watched := parts.turns.find(turn_id)) is not None and not watched.over:
        attend(request, watched)
    return sse.stream(resumed(parts, turn_id, place, discreet=is_discreet(request)), about(turn_id))


@router.post(
    "/{turn_id}/stop",
    operation_id="stop_turn",
    status_code=202,
    responses={
        200: {"model": TurnRef, "description": "It is over already."},
        202: {"model": TurnRef, "description": "It is being stopped; what was written is kept."},
        **errors(_404=_UNKNOWN, _409="Another process runs it."),
    },
)
async def stop_turn(request: Request, turn_id: str) -> Response:
    """Stop a turn, prompt reading and tools included."""
    found = await asyncio.to_thread(own_turn, request, turn_id)
    watched = parts_of(request).turns.find(turn_id)
    if watched is not None and not watched.over:
        watched.stop()
        return told(ref_of(found), 202, about(turn_id))
    if found.status == "running":
        raise Problem(409, "runs_elsewhere", "Another process runs this turn.", fix="Stop it there.")
    return told(ref_of(found), headers=about(turn_id))


@router.post(
    "/{turn_id}/again",
    operation_id="ask_again",
    responses={
        **_BEGUN,
        **errors(
            _400="The turn is not over, or another answer took its place already.",
            _404=_UNKNOWN,
            _503="Too many turns wait, or the server is about to end.",
        ),
    },
)
async def ask_again(request: Request, turn_id: str, body: AgainBody) -> Response:
    """Ask the question of a turn again, on another tier or in other words; its answer takes the old one's place."""
    await asyncio.to_thread(own_turn, request, turn_id)
    options = again_options(request, body)
    watched = parts_of(request).turns.again(turn_id, tier=known_tier(request, body.tier), **options)
    return await respond(request, watched, body)


@router.post(
    "/{turn_id}/go-on",
    operation_id="go_on",
    responses={
        **_BEGUN,
        **errors(_404=_UNKNOWN, _409="There is nothing to go on with."),
    },
)
async def go_on_with(request: Request, turn_id: str, body: Delivery | None = None) -> Response:
    """Go on with a turn that a person has decided on, or whose program ended in the middle. Nothing is done twice."""
    await asyncio.to_thread(own_turn, request, turn_id)
    return await go_on(request, turn_id, body or Delivery())
