"""How many requests a key makes in a minute."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from tierwise_app.serve.keys import Key
from tierwise_app.serve.problems import Problem

_MINUTE = 60.0


class Rates:
    """Counts the requests of the last minute, for every key that has a limit.

    Args:
        clock: seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def count(self, key: Key) -> dict[str, str]:
        """Count a request.

        Returns:
            Headers that say what is left, as the OpenAI API names them.

        Raises:
            Problem: 429 if there were too many.
        """
        if key.rpm is None:
            return {}
        now = self._clock()
        times = self._times.setdefault(key.id, deque())
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        if len(times) >= key.rpm:
            wait = times[len(times) - key.rpm] + _MINUTE - now if key.rpm else _MINUTE
            raise Problem(
                429,
                "rate_limit_exceeded",
                f"The key {key.name!r} may make {key.rpm} requests a minute.",
                retry_after=math.ceil(wait),
                headers=_headers(key.rpm, 0, wait),
            )
        times.append(now)
        return _headers(key.rpm, key.rpm - len(times), times[0] + _MINUTE - now)


def _headers(most: int, left: int, seconds: float) -> dict[str, str]:
    """``seconds``: until all of them are free again, or the next one is."""
    return {
        "x-ratelimit-limit-requests": str(most),
        "x-ratelimit-remaining-requests": str(left),
        "x-ratelimit-reset-requests": f"{math.ceil(seconds)}s",
    }
