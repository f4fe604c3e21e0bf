"""The pace at which turns are begun: one after the other, and no faster than the event loop keeps up with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_STEP = 0.005  # seconds from one look at the loop to the next
_BEHIND = 0.01  # seconds that a look may come late; more, and what was begun is not yet through
_PATIENCE = 1.0  # seconds after which one more is begun, whatever became of the one before


class Pace:
    """Opens again after each beginning, once that turn is with its model and the loop is not behind.

    Turns that begin together stay together: each waits for all others at every step, and none is answered before
    nearly all are. Begun one after the other, each finds the loop free where the one before it has left it.
    """

    def __init__(self) -> None:
        self._next: asyncio.TimerHandle | None = None
        self._through = False

    @property
    def open(self) -> bool:
        """Whether one may be begun now."""
        return self._next is None

    def begun(self, then: Callable[[], None]) -> None:
        """One was begun.

        Args:
            then: is called when the next may be.
        """
        loop = asyncio.get_running_loop()
        self._through = False
        if self._next is not None:
            self._next.cancel()
        self._look_later(loop, loop.time() + _PATIENCE, then)

    def through(self) -> None:
        """The one that was begun last is with its model, or over."""
        self._through = True

    def _look_later(self, loop: asyncio.AbstractEventLoop, until: float, then: Callable[[], None]) -> None:
        due = loop.time() + _STEP

        def look() -> None:
            now = loop.time()
            if (not self._through or now - due > _BEHIND) and now < until:
                self._look_later(loop, until, then)
            else:
                self._next = None
                then()

        self._next = loop.call_at(due, look)
