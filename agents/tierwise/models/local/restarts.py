"""When a process that died is started again: at once, after a pause, or not for a while."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

DEATHS, WITHIN = 3, 300.0
PAUSES = (0.25, 2.0)  # seconds before the start after the first, the second ... recent death
REST, LONGEST_REST = 60.0, 900.0


class Restarts:
    """Counts deaths. After three within five minutes none is tried for a minute; then one is.

    If that one dies without having done any work, it is left down again at once, each time for twice as long, up to a
    quarter of an hour. Not thread-safe.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._rest = 0.0
        self._down_until = 0.0

    def died(self) -> None:
        """The process died."""
        now = self._clock()
        self._deaths.append(now)
        if self._rest or (len(self._deaths) == DEATHS and now - self._deaths[0] < WITHIN):
            self._rest = min(LONGEST_REST, 2 * self._rest) or REST
            self._down_until = now + self._rest

    def worked(self) -> None:
        """The process finished a piece of work: the next death is the first of a new row of rests."""
        self._rest = 0.0

    @property
    def down_for(self) -> float:
        """Seconds until a start may be tried; 0 if it may be tried now."""
        return max(0.0, self._down_until - self._clock()) if self._rest else 0.0

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start."""
        now = self._clock()
        recent = sum(now - died < WITHIN for died in self._deaths)
        return max(0.0, PAUSES[min(recent, len(PAUSES)) - 1] - (now - self._deaths[-1])) if recent else 0.0
