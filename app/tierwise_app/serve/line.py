"""The line before the work: so many turns at a time, and of those who wait the callers take turns."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tierwise_app.serve.pace import Pace
from tierwise_app.serve.problems import Problem

_USUAL = 5.0  # seconds of a turn, before any has been seen
_NEAR = 10  # turns ahead
_LATEST = 0.1  # weight of the latest turn in what is usual


@dataclass(frozen=True, slots=True)
class Waits:
    """A turn that waits: how many come first, and in how many seconds it begins, by how long turns take lately."""

    ahead: int
    seconds: float


@dataclass(eq=False)
class _Place:
    caller: str
    tell: Callable[[Waits], None]
    free: asyncio.Future[None]
    told: int = -1


class Line:
    """Lets ``working`` in at a time. Who waits longest of the caller that was served longest ago is next.

    Args:
        working: how many.
        waiting: how many may wait for room; more are sent away.
        pace: at which those who find room are let in; by default at once.
    """

    def __init__(self, working: int, waiting: int, pace: Pace | None = None) -> None:
        self._room, self._most, self._working, self._pace = working, waiting, working, pace
        self._callers: OrderedDict[str, deque[_Place]] = OrderedDict()
        self._usual = _USUAL
        self.waited: Callable[[float], None] = lambda _: None
        """Is told how many seconds each turn stood here."""

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(map(len, self._callers.values()))

    @property
    def working(self) -> int:
        """How many are worked on now."""
        return self._working - self._room

    @asynccontextmanager
    async def place(self, caller: str, tell: Callable[[Waits], None]) -> AsyncIterator[float]:
        """Be one of those that are worked on; gives the seconds that it took to become one.

        Args:
            caller: whose turn it is.
            tell: is told the place in the line, and when it has changed, as long as others have to end first.

        Raises:
            Problem: if too many wait already.
        """
        came = asyncio.get_running_loop().time()
        await self._enter(caller, tell)
        began = asyncio.get_running_loop().time()
        self.waited(began - came)
        try:
            yield began - came
        finally:
            self.through()
            took = asyncio.get_running_loop().time() - began
            self._usual += _LATEST * (took - self._usual)
            self._room += 1
            self._let_in()

    def through(self) -> None:
        """The turn that was let in last is with its model, or over: the next may be let in."""
        if self._pace is not None:
            self._pace.through()

    async def _enter(self, caller: str, tell: Callable[[Waits], None]) -> None:
        if self._is_open and not self._callers:
            self._begin()
            return
        if self.waiting - self._room >= self._most:
            raise Problem(503, "busy", "Too many turns wait already.", retry_after=math.ceil(self._usual))
        place = _Place(caller, tell, asyncio.get_running_loop().create_future())
        self._callers.setdefault(caller, deque()).append(place)
        self._tell()
        try:
            await place.free
        except asyncio.CancelledError:
            self._leave(place)
            raise

    def _leave(self, place: _Place) -> None:
        if place.free.done() and not place.free.cancelled():  # let in at the same moment
            self._room += 1
        elif place in (line := self._callers.get(place.caller, deque())):  # else it was passed over already
            line.remove(place)
            if not line:
                del self._callers[place.caller]
        self._let_in()

    def _let_in(self) -> None:
        while self._is_open and self._callers:
            caller, line = next(iter(self._callers.items()))
            place = line.popleft()
            if line:
                self._callers.move_to_end(caller)
            else:
                del self._callers[caller]
            if not place.free.done():
                self._begin()
                place.free.set_result(None)
        self._tell()

    @property
    def _is_open(self) -> bool:
        return self._room > 0 and (self._pace is None or self._pace.open)

    def _begin(self) -> None:
        self._room -= 1
        if self._pace is not None:
            self._pace.begun(self._let_in)

    def _tell(self) -> None:
        """Tell everybody whose place has changed by what he would notice; who finds room begins in a moment."""
        if self.waiting <= self._room:
            return
        lines = [[*line] for line in self._callers.values()]
        ahead = 0
        for rank in range(max(map(len, lines), default=0)):
            for line in lines:
                if rank < len(line):
                    place = line[rank]
                    first = ahead - self._room
                    if first >= 0 and _worth_telling(place.told, first):
                        place.told = first
                        rounds = (first + 1) / self._working
                        place.tell(Waits(first, round(rounds * self._usual, 1)))
                    ahead += 1


def _worth_telling(told: int, ahead: int) -> bool:
    """Near the front every step; far behind a tenth of the way, or a long line would speak of nothing but itself."""
    return told < 0 or (told != ahead and (ahead <= _NEAR or abs(told - ahead) * 10 >= told))
