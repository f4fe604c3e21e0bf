"""The event loop of all connections to MCP servers, in a daemon thread of its own.

Copilots are used from several event loops, and a connection lives in the one it was made in. A daemon thread holds up
nobody, not even the end of the program.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_running: tuple[asyncio.AbstractEventLoop, threading.Thread] | None = None


async def in_background(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` from any event loop while it runs in the one of the connections; cancelling cancels it there."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


def _loop() -> asyncio.AbstractEventLoop:
    global _running
    with _lock:
        if _running is None or not _running[1].is_alive():  # after a fork the thread is not there any more
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="mcp", daemon=True)
            thread.start()
            _running = (loop, thread)
        return _running[0]
