"""The health of all tiers of a copilot, shared by its turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tierwise.errors import AuthError, ModelError, NotTheProtocol, QuotaExceeded, TierResting
from tierwise.graph.health.breaker import Breaker, Permit, Rest
from tierwise.graph.health.retries import RetryBudget
from tierwise.routing.choose import WAIT


class Health:
    """A breaker for each tier, and the retries they share. Thread-safe; gone with the copilot.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self.retries = RetryBudget()

    def rest(self, tier: str) -> Rest | None:
        """How long a tier rests; ``None`` if it may be asked."""
        breaker = self._breakers.get(tier)
        return breaker.rest() if breaker else None

    def check(self, tier: str, *, spared: bool) -> None:
        """Refuse a tier that rests before anything is prepared for it, unless that is soon over and it is the only one.

        Args:
            tier: who is to be asked.
            spared: somebody else can answer.

        Raises:
            TierResting: if it rests.
        """
        rest = self.rest(tier)
        if rest is not None and (spared or rest.seconds > WAIT):
            raise resting(tier, rest)

    def try_admit(self, tier: str) -> Permit | None:
        """Leave to ask a tier, for :meth:`asking`; ``None`` if it rests."""
        return self._breaker(tier).admit()

    def answers(self, tier: str, permit: Permit) -> None:
        """The first word of an answer is there."""
        self._breaker(tier).answers(permit)

    def withdraw(self, tier: str, permit: Permit) -> None:
        """Nobody is asked after all."""
        self._breaker(tier).left(permit)

    @contextmanager
    def asking(self, tier: str, permit: Permit) -> Iterator[None]:
        """One request to a tier runs inside; what comes of it is noted."""
        breaker = self._breaker(tier)
        try:
            yield
        except ModelError as error:
            _note(breaker, permit, error)
            raise
        except BaseException:  # it was stopped, or a model of one's own broke
            breaker.left(permit)
            raise
        self.retries.give()
        breaker.went_well(permit)

    def _breaker(self, tier: str) -> Breaker:
        return self._breakers.setdefault(tier, Breaker(self._clock))


def resting(tier: str, rest: Rest | None) -> TierResting:
    """The error for a tier that rests."""
    said = rest.text() if rest is not None else "rests for a moment"
    wait = max(1, round(rest.seconds)) if rest is not None else 1
    error = TierResting(f"{tier} {said}.", fix=f"Ask again in {wait} s, or ask another tier.", nothing_sent=True)
    error.retry_after = float(wait)
    return error


def _note(breaker: Breaker, permit: Permit, error: ModelError) -> None:
    refused = isinstance(error, AuthError | QuotaExceeded | NotTheProtocol) and not error.nothing_sent
    if error.transient or refused:
        breaker.failed(permit, error)
    elif error.nothing_sent or type(error) is ModelError:  # nobody was asked, or nobody knows what it means
        breaker.left(permit)
    else:  # too long, filtered, not of the form: the tier is there, and said so
        breaker.went_well(permit)
