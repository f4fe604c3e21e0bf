"""``/v1/responses``: make a response, go on from one, find it again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tierwise import DecisionRecord
from tierwise.errors import SchemaNotSupported
from tierwise.record import answer_of
from tierwise_app.serve import sse
from tierwise_app.serve.openai.held import opened, settled
from tierwise_app.serve.openai.responses_asked import Asked, read_request
from tierwise_app.serve.openai.responses_events import events
from tierwise_app.serve.openai.responses_input import shown
from tierwise_app.serve.openai.responses_kept import Kept, find
from tierwise_app.serve.openai.responses_object import begun, finished
from tierwise_app.serve.openai.responses_request import ResponsesRequest
from tierwise_app.serve.openai.responses_shapes import CREATED, DELETED, FOUND, ITEMS
from tierwise_app.serve.openai.telling import TurnProblem, early_headers, headers_of
from tierwise_app.serve.parts import parts_of
from tierwise_app.serve.problems import Problem

router = APIRouter(tags=["OpenAI"])
_SHOWN = 20  # items at a time


@router.post("/v1/responses", summary="Make a response", response_model=None, responses=CREATED)
async def create_response(request: Request, body: ResponsesRequest) -> Response:
    """Answer with the smallest tier that can; go on from an earlier response with `previous_response_id`.

    Headers `X-Tierwise-...` and the field `tierwise` tell which tier answered and why; both may also ask for more than
    OpenAI's own fields can say.
    """
    asked = await asyncio.to_thread(read_request, request, body)
    try:
        return await _answer(request, asked)
    except SchemaNotSupported as error:
        raise Problem.of(error, param="text.format.schema") from error
    except TurnProblem as problem:
        if problem.code == "context_length_exceeded":
            problem.param = "input"
        raise


@router.get("/v1/responses/{response_id}", summary="Get a response", response_model=None, responses=FOUND)
async def get_response(request: Request, response_id: str, stream: bool = False) -> Response:
    """A response as it stands: `in_progress` while its turn runs, or waits for a person."""
    record, kept = await asyncio.to_thread(find, request, response_id)
    if stream:
        fix = f"Follow its turn at /v1/turns/{record.turn_id}/events."
        raise Problem(400, "unsupported_parameter", "A response is not streamed again.", fix=fix, param="stream")
    return JSONResponse(_as_it_stands(record, kept))


@router.get("/v1/responses/{response_id}/input_items", summary="List what a response was asked with", responses=ITEMS)
async def list_input_items(
    request: Request,
    response_id: str,
    after: Annotated[str | None, Query(max_length=256)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = _SHOWN,
    order: Literal["asc", "desc"] = "desc",
) -> dict[str, Any]:
    """The items of the request that the response was made for, without those of responses before it."""
    record, kept = await asyncio.to_thread(find, request, response_id)
    items = [shown(item, f"item_{record.turn_id}_{place}") for place, item in enumerate(kept.input)]
    if order == "desc":
        items.reverse()
    begin = next((place for place, item in enumerate(items, 1) if item["id"] == after), 0)
    if after is not None and not begin:
        raise Problem(400, "invalid_value", "There is no such item to begin after.", param="after")
    page = items[begin : begin + limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": begin + limit < len(items),
    }


@router.post("/v1/responses/{response_id}/cancel", summary="Cancel a response", response_model=None, responses=FOUND)
async def cancel_response(request: Request, response_id: str) -> Response:
    """Stop a response that is being made; what was written is kept in its turn. One that is over stays as it is."""
    record, kept = await asyncio.to_thread(find, request, response_id)
    if record.status == "running":
        watched = parts_of(request).turns.find(record.turn_id)
        if watched is None:
            raise Problem(409, "runs_elsewhere", "Another server makes this response.", fix="Cancel it there.")
        watched.stop()
        with suppress(Exception):  # how it ended stands in the record
            await watched.done()
        record, kept = await asyncio.to_thread(find, request, response_id)
    return JSONResponse(_as_it_stands(record, kept))


@router.delete("/v1/responses/{response_id}", summary="Delete a response", responses=DELETED)
async def delete_response(request: Request, response_id: str) -> dict[str, Any]:
    """Delete a response with its turn and what its tools left behind. Responses after it cannot be gone on from."""
    record, kept = await asyncio.to_thread(find, request, response_id)
    if kept.thread is not None:
        fix = f"Delete the whole thread: DELETE /v1/threads/{kept.thread}"
        raise Problem(409, "in_a_thread", "The response is part of a thread.", fix=fix, param="response_id")
    if record.status == "running":
        raise Problem(409, "response_in_progress", "The response is being made.", fix="Cancel it first.")
    await asyncio.to_thread(parts_of(request).copilot.record.delete_thread, record.thread)
    return {"id": response_id, "object": "response", "deleted": True}


async def _answer(request: Request, asked: Asked) -> Response:
    wanted, kept = asked.wanted, asked.kept
    watched = parts_of(request).turns.ask(asked.question, **wanted.options)
    if not asked.stream:
        answer = await settled(request, watched)
        headers = headers_of(answer, thread=asked.thread, ignored=asked.ignored, waited=watched.waited)
        return JSONResponse(finished(answer, kept.said, kept.model), headers=headers)
    # JSON is whole or nothing: what a model writes on the way to it is not shown.
    hold = "verified" if wanted.options.get("schema") is not None else wanted.hold
    parts = await opened(request, watched, hold, goes_on=asked.thread is not None)
    if watched.answer is not None:
        headers = headers_of(watched.answer, thread=asked.thread, ignored=asked.ignored, waited=watched.waited)
    else:
        headers = early_headers(watched.turn_id, thread=asked.thread, ignored=asked.ignored)
    return sse.stream(events(parts, watched, kept.said, kept.model), headers)


def _as_it_stands(record: DecisionRecord, kept: Kept) -> dict[str, Any]:
    if record.status == "running":
        return begun(record.turn_id, kept.said, kept.model)
    return finished(answer_of(record), kept.said, kept.model)
