"""``/v1/threads``: conversations made, listed, read, named, locked, deleted."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tierwise import to_json
from tierwise.errors import InvalidInput, UnknownName
from tierwise.record import ANY, ThreadSummary
from tierwise.runtime import new_thread_id
from tierwise_app.serve.own.responding import errors
from tierwise_app.serve.own.shapes import ThreadBody, ThreadChange, ThreadName
from tierwise_app.serve.own.told import Deleted, ThreadLine, ThreadPage, ThreadView, told
from tierwise_app.serve.own.turns import Limit, TurnId, turn_page
from tierwise_app.serve.parts import caller_of, key_of, parts_of, sees
from tierwise_app.serve.problems import Problem

router = APIRouter(prefix="/v1/threads", tags=["threads"])
_UNKNOWN = "There is no such thread, or it is another key's."


@router.get("", operation_id="list_threads", responses={200: {"model": ThreadPage}})
async def list_threads(request: Request, limit: Limit = 50) -> Response:
    """Threads with turns, the most recently used first; those of questions that named none are left out."""
    key, record = key_of(request), parts_of(request).copilot.record
    caller = ANY if key is None or key.sees == "all" else key.id
    found = await asyncio.to_thread(record.threads, limit, caller=caller)
    return told({"object": "list", "data": to_json(found)})


@router.post(
    "",
    operation_id="make_thread",
    status_code=201,
    responses={201: {"model": ThreadLine}, **errors(_409="There is a thread of this name already.")},
)
async def make_thread(request: Request, body: ThreadBody) -> Response:
    """Make a thread before its first turn, to lock or name it. A turn that names a new thread makes it, too."""
    record, thread = parts_of(request).copilot.record, body.thread or new_thread_id()
    try:
        made = await asyncio.to_thread(
            record.make_thread, thread, caller=caller_of(request).id, title=body.title, locked=body.locked
        )
    except InvalidInput as error:
        if await asyncio.to_thread(_is_there, request, thread):
            raise Problem(409, "thread_exists", error.what, fix=error.fix, param="thread") from error
        raise Problem.of(error, param="title") from error
    return told(to_json(made), 201, {"Location": f"/v1/threads/{thread}"})


@router.get("/{thread}", operation_id="get_thread", responses={200: {"model": ThreadView}, **errors(_404=_UNKNOWN)})
async def get_thread(
    request: Request,
    thread: ThreadName,
    limit: Limit = 50,
    before: Annotated[TurnId | None, Query(description="Only turns older than this one.")] = None,
) -> Response:
    """A thread, with a page of its turns, the newest first."""
    summary = await asyncio.to_thread(_own_thread, request, thread)
    page = await turn_page(request, thread=thread, limit=limit, before=before)
    return told({**to_json(summary), "page": page})


@router.patch(
    "/{thread}",
    operation_id="change_thread",
    responses={
        200: {"model": ThreadLine},
        **errors(_400="The title cannot be one.", _403="It is another key's.", _404=_UNKNOWN),
    },
)
async def change_thread(request: Request, thread: ThreadName, body: ThreadChange) -> Response:
    """Name a thread, lock it, or unlock it; only whoever owns it may."""
    record = parts_of(request).copilot.record
    await asyncio.to_thread(_owned, request, thread)
    if body.title is not None:
        await asyncio.to_thread(record.rename_thread, thread, body.title)
    if body.locked is not None:
        await asyncio.to_thread(record.lock_thread, thread, body.locked)
    return told(to_json(await asyncio.to_thread(_own_thread, request, thread)))


@router.delete(
    "/{thread}",
    operation_id="delete_thread",
    responses={
        200: {"model": Deleted},
        **errors(_403="It is another key's.", _404=_UNKNOWN, _409="A turn of it runs."),
    },
)
async def delete_thread(request: Request, thread: ThreadName) -> Response:
    """Delete a thread with all its turns and decision records; what they cost still counts. Only its owner may."""
    return told(await asyncio.to_thread(_delete, request, thread))


def _delete(request: Request, thread: str) -> dict[str, Any]:
    record = parts_of(request).copilot.record
    _owned(request, thread)
    record.free(thread)  # turns that nobody runs any more
    if running := record.page(1, thread=thread, status="running"):
        raise Problem(
            409,
            "thread_busy",
            f"Turn {running[0].turn_id} of this thread runs.",
            fix=f"Wait for its end, or stop it: POST /v1/turns/{running[0].turn_id}/stop.",
        )
    return {"thread": thread, "deleted": record.delete_thread(thread)}


def _is_there(request: Request, thread: str) -> bool:
    try:
        parts_of(request).copilot.record.owner_of(thread)
    except UnknownName:
        return False
    return True


def _own_thread(request: Request, thread: str) -> ThreadSummary:
    """A thread that whoever asks may see.

    Raises:
        Problem: 404 if there is none, or it is another key's.
    """
    record = parts_of(request).copilot.record
    try:
        owner = record.owner_of(thread)
    except UnknownName:
        raise _unknown(thread) from None
    summary = record.thread(thread) or record.empty_thread(thread)
    if summary is None or not sees(request, owner):
        raise _unknown(thread)
    return summary


def _owned(request: Request, thread: str) -> None:
    """See that whoever asks owns a thread.

    Raises:
        Problem: 404 as :func:`_own_thread`; 403 if it may be seen and no more.
    """
    _own_thread(request, thread)
    key = key_of(request)
    if key is not None and key.id != parts_of(request).copilot.record.owner_of(thread):
        raise Problem(403, "not_yours", f"Thread {thread!r} is another key's.", fix="Use that key.")


def _unknown(thread: str) -> Problem:
    return Problem(404, "unknown_thread", f"There is no thread {thread!r}.")
