"""When a tier that fails is left alone, and how it comes back: by one request that tries, not by all at once.

The circuit breaker of M. Nygard, Release It! (2007): closed, open, half-open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tierwise.errors import AuthError, ModelError, QuotaExceeded, RateLimited

FAILURES = 5  # in a row
LIMITED = 3  # of them, refusals for asking too often
FIRST_REST, LONGEST_REST = 5.0, 60.0  # seconds; each rest is twice as long as the one before
REFUSED_REST = 30.0  # a key or an account does not come right by itself
LONGEST_WISH = 900.0  # what a server may ask for
LEAST_WISH = 0.1


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one request. ``probe``: it is the one that tries whether a tier that rested is back."""

    probe: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """A tier rests.

    Attributes:
        seconds: that are left; 0 while one request tries it.
        why: what it failed with last.
        failures: how many requests in a row failed.
    """

    seconds: float
    why: str
    failures: int

    def text(self) -> str:
        """In words that go on behind the tier's name."""
        times = f"after {self.failures} failures in a row" if self.failures > 1 else "after a failure"
        left = f"for another {max(1, round(self.seconds))} s" if self.seconds else "while one request tries it"
        return f"rests {left} {times} ({self.why.rstrip('.')})"


class Breaker:
    """Counts the failures of one tier, for all turns that use it. Thread-safe.

    It opens after five passing failures in a row, after three refusals in a row for asking too often, and at once where
    the server says when to come back, or refuses the key or the account. While it is open nobody asks. When the rest is
    over one request may; if it goes well everybody may again, if not the tier rests for longer.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = self._limited = 0
        self._until: float | None = None  # open, or half-open once that has passed
        self._rest = 0.0
        self._why = ""
        self._probing = False

    def admit(self) -> Permit | None:
        """Leave to send a request, to be given back by one of the three methods below; ``None`` while it rests."""
        with self._lock:
            if self._until is None:
                return Permit()
            if self._probing or self._clock() < self._until:
                return None
            self._probing = True
            return Permit(probe=True)

    def rest(self) -> Rest | None:
        """How long it rests, ``None`` if a request may be sent now."""
        with self._lock:
            if self._until is None:
                return None
            left = self._until - self._clock()
            if left <= 0 and not self._probing:
                return None
            return Rest(max(0.0, left), self._why, self._failures)

    def answers(self, permit: Permit) -> None:
        """The request that tries has an answer that begins: others may ask, though it may yet break off."""
        with self._lock:
            if permit.probe and self._probing:
                self._until, self._probing, self._failures = None, False, FAILURES - 1

    def went_well(self, permit: Permit) -> None:
        """The tier answered, or refused this very request and no other."""
        with self._lock:
            if self._until is None or permit.probe:  # a request of before says nothing about now
                self._failures = self._limited = 0
                self._until, self._rest, self._probing = None, 0.0, False

    def failed(self, permit: Permit, error: ModelError) -> None:
        """The tier failed."""
        with self._lock:
            now, wish = self._clock(), _rest_wished(error)
            tried = permit.probe and self._probing  # if not, its answer had begun
            self._probing = self._probing and not permit.probe
            self._why = error.what
            self._failures += 1
            self._limited = self._limited + 1 if isinstance(error, RateLimited) else 0
            if self._until is not None and not tried:
                if wish:  # sent before it opened; what the server wishes for counts all the same
                    self._until = max(self._until, now + wish)
            elif tried or self._failures >= FAILURES or self._limited >= LIMITED:
                self._rest = min(LONGEST_REST, 2 * self._rest) or FIRST_REST
                self._until = now + max(self._rest, wish)
            elif wish:
                self._until = now + wish

    def left(self, permit: Permit) -> None:
        """Nobody knows how the tier is: the request was stopped, or never sent."""
        with self._lock:
            self._probing = self._probing and not permit.probe


def _rest_wished(error: ModelError) -> float:
    """Seconds that this error alone is reason enough to rest for, else 0."""
    if isinstance(error, AuthError | QuotaExceeded):
        return REFUSED_REST
    if error.retry_after is None or not error.transient:
        return 0.0
    return min(LONGEST_WISH, max(LEAST_WISH, error.retry_after))
