"""Clients that leave: their turns are stopped within a moment, wherever they are."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar

from starlette.requests import Request

from tierwise import Answer
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Watched

T = TypeVar("T")
_STACK = "tierwise.stack"


def until_over(scope: Any) -> ExitStack:
    """What is undone when the request is over, whether it was answered or not; the guard closes it."""
    stack: ExitStack = scope.setdefault(_STACK, ExitStack())
    return stack


def attend(request: Request, watched: Watched) -> None:
    """Watch a turn from here to the end of the request, its streamed response included.

    A turn that was begun for a request is attended at once: nobody else stops it if the client leaves before the
    response has begun.
    """
    until_over(request.scope).enter_context(watched.watching())


async def answered(request: Request, watched: Watched) -> Answer:
    """Wait for a turn's answer, for as long as the client does.

    Raises:
        Problem: 499 if the client has left; nobody reads it.
        Exception: what the turn ended with, see :meth:`Watched.done`.
    """
    attend(request, watched)
    return await while_there(request, watched.done())


async def begun(request: Request, watched: Watched) -> str:
    """Wait until a turn's message is stored, for as long as the client does; as :func:`answered`.

    Returns:
        The turn's id.
    """
    attend(request, watched)
    return await while_there(request, watched.begun())


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do something for as long as the client is there; the request's body must have been read.

    Raises:
        Problem: 499 if it has left.
    """
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise Problem(499, "client_left", "The client has left.")
    finally:
        await ended(doing, leaving)


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel what is not done, and wait for it; what it ended with is of no interest any more."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
