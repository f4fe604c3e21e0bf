"""What the server does beside answering: it goes on with what another left undone, tidies up, and ends in order."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from tierwise.errors import TierwiseError
from tierwise_app.serve.logging import log_error, log_note
from tierwise_app.serve.parts import Parts
from tierwise_app.serve.problems import Problem
from tierwise_app.text import plural

_DAY = 86400.0  # seconds


def living(parts: Parts) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """The life of the application: begun before the first request, ended after the last."""

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        # What is there by now stays: looking through it for garbage would hold up every turn at work.
        gc.collect()
        gc.freeze()
        beside = asyncio.get_running_loop().create_task(_beside(parts))
        try:
            yield
        finally:
            beside.cancel()
            await asyncio.wait({beside})
            await parts.turns.drain(parts.settings.drain)
            await parts.copilot.aclose()

    return lifespan


async def _beside(parts: Parts) -> None:
    try:
        await _go_on(parts)
        while True:
            await asyncio.to_thread(parts.copilot.record.forget_passing)
            await asyncio.sleep(_DAY)
    except Exception as error:  # what is done beside must not end the server
        log_error("-", error)


async def _go_on(parts: Parts) -> None:
    """Go on with turns whose program died, of those that are to go on without being asked."""
    record = parts.copilot.record
    left = await asyncio.to_thread(record.unfinished)
    for turn_id in left:
        with suppress(TierwiseError, Problem):  # another server was faster, or it was deleted
            caller = record.get(turn_id).caller or "local"
            parts.turns.go_on(turn_id, caller)
    if left:
        log_note(f"going on with {plural(len(left), 'turn')} that another server left")
