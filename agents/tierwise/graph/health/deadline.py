"""How long a turn may ask tiers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tierwise.errors import ModelTimeout

_FIX = "Raise deadline in tierwise.toml, or ask for less at once."


class Deadline:
    """The seconds of work after which a turn asks no tier any more.

    Args:
        seconds: of work.
        started: ``time.perf_counter()`` at the beginning of the work.
    """

    def __init__(self, seconds: float, started: float) -> None:
        self._seconds, self._started = seconds, started

    @property
    def left(self) -> float:
        """Seconds that are left, from 0."""
        return max(0.0, self._seconds - (time.perf_counter() - self._started))

    def check(self, tier: str) -> None:
        """Refuse a request that would begin too late.

        Raises:
            ModelTimeout: if the time is over; nothing was sent.
        """
        if not self.left:
            raise ModelTimeout(
                f"The {self._seconds:g} s of this turn were over before {tier} could be asked.",
                fix=_FIX,
                nothing_sent=True,
            )

    @asynccontextmanager
    async def bound(self, tier: str) -> AsyncIterator[None]:
        """End what is awaited inside when the time is over.

        Raises:
            ModelTimeout: then.
        """
        self.check(tier)
        try:
            async with asyncio.timeout(self.left) as limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ModelTimeout(
                f"{tier} was not done when the {self._seconds:g} s of this turn were over.", fix=_FIX
            ) from error
