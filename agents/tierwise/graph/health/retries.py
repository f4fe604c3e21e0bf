"""When a request that failed in passing is sent again, and how often all turns together may do so."""

from __future__ import annotations

import random
import threading

from tierwise.errors import ModelError
from tierwise.graph.health.breaker import LEAST_WISH

BASE = 0.3  # seconds
CAPACITY, GAIN = 10.0, 0.5


class RetryBudget:
    """Retries that all turns of a copilot share (the retry token bucket of the AWS SDKs). Thread-safe.

    A retry takes 1, a success gives half of one back: where nearly everything fails, nobody retries.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = CAPACITY

    @property
    def empty(self) -> bool:
        """Nobody may retry now."""
        return self._left < 1

    def take(self) -> bool:
        """Whether one more retry may be sent; it is then used up."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def give(self) -> None:
        """A request went well."""
        with self._lock:
            self._left = min(CAPACITY, self._left + GAIN)


def back_off(retry: int) -> float:
    """Seconds before a retry (0 is the first): exponential, with full jitter (Brooker, AWS Architecture Blog, 2015)."""
    return random.uniform(0.0, BASE * 2**retry)  # noqa: S311


def wished(error: ModelError) -> float | None:
    """Seconds that the server wishes us to wait, at least a tenth; ``None`` if it said nothing."""
    return None if error.retry_after is None else max(LEAST_WISH, error.retry_after)
