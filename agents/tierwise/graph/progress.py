"""What a running tool tells of its progress, at a pace that a screen can follow."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable

from tierwise_tools.text import first_line, whole_characters

_EVERY = 0.1  # seconds between two reports; what comes sooner is left out
_LONGEST = 200  # characters of one
_MOST = 500  # reports of one call


class Progress:
    """``ToolContext.progress`` for one call; may be called from any thread.

    Args:
        tell: passes a text on; called in the event loop that made this object.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()  # the graph's writer works within its node's context only
        self._last = 0.0
        self._count = 0
        self._over = False

    def __call__(self, text: str) -> None:
        """Report, unless there was a report just before."""
        now = time.monotonic()
        if self._over or now - self._last < _EVERY or self._count >= _MOST:
            return
        self._last, self._count = now, self._count + 1
        said = whole_characters(first_line(text))[:_LONGEST]
        if said:
            try:
                self._loop.call_soon_threadsafe(self._pass_on, said, context=self._context)
            except RuntimeError:  # the loop has ended: nobody watches
                self._over = True

    def close(self) -> None:
        """The call is over; a thread of it that goes on reports to nobody."""
        self._over = True

    def _pass_on(self, text: str) -> None:
        if not self._over:
            self._tell(text)
