"""Work that a person may stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tierwise_app.console import Stopped

T = TypeVar("T")
_LOOK = 0.1  # seconds between two looks


def run_while(wanted: Callable[[], bool], work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end in an event loop of its own, and cancel it once it is not wanted any more.

    Raises:
        Stopped: if it was cancelled so.
    """

    async def watch() -> T:
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait({task}, timeout=_LOOK)
            if not wanted() and not task.done():
                task.cancel()
                await asyncio.wait({task})
                raise Stopped("Stopped.")
        return task.result()

    return asyncio.run(watch())
