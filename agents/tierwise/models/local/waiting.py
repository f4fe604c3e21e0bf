"""Who comes next at a busy model, and when: threads take turns, and within a thread the oldest request comes first."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
_LATEST = 0.2  # weight of the latest answer in what is usual


class FairQueue(Generic[T]):
    """A queue in which a thread that asks ten times waits no less than one that asks once.

    Round robin over the threads: each gives its oldest request, and then stands behind the others.
    """

    def __init__(self) -> None:
        self._of: dict[str, deque[T]] = {}  # threads in the order of their turns

    def __len__(self) -> int:
        return sum(len(items) for items in self._of.values())

    def put(self, thread: str, item: T) -> None:
        """Add a request; a thread that has none waiting gets its turn after all others."""
        self._of.setdefault(thread, deque()).append(item)

    def first(self) -> T | None:
        """Whose turn it is; it stays in the queue."""
        return next((items[0] for items in self._of.values()), None)

    def take(self) -> T:
        """Take out whose turn it is.

        Raises:
            IndexError: if nobody waits.
        """
        if not self._of:
            raise IndexError("nobody waits")
        thread = next(iter(self._of))
        items = self._of.pop(thread)
        item = items.popleft()
        if items:
            self._of[thread] = items
        return item

    def remove(self, item: T) -> bool:
        """Take out a request that was withdrawn; false if it is not here."""
        for thread, items in self._of.items():
            if item in items:
                items.remove(item)
                if not items:
                    del self._of[thread]
                return True
        return False

    def order(self) -> list[T]:
        """All who wait in the order in which they would be taken."""
        turns = [deque(items) for items in self._of.values()]
        found = []
        while turns:
            items = turns.pop(0)
            found.append(items.popleft())
            if items:
                turns.append(items)
        return found


class Pace:
    """How long answers take lately, and when those who wait will begin if it stays so."""

    def __init__(self) -> None:
        self._usual: float | None = None

    def note(self, seconds: float) -> None:
        """An answer that came to its end took so long, beside whatever else was written then."""
        self._usual = seconds if self._usual is None else self._usual + _LATEST * (seconds - self._usual)

    def begins(self, running: Iterable[float], waiting: int) -> list[float | None]:
        """In how many seconds each of those who wait begins, in their order; ``None`` before any answer has ended.

        Args:
            running: seconds for which each answer in work has been in work; that many find room together.
            waiting: how many wait.
        """
        if (usual := self._usual) is None:
            return [None] * waiting
        free = [max(0.0, usual - since) for since in running] or [0.0]
        heapq.heapify(free)
        found: list[float | None] = []
        for _ in range(waiting):
            begin = heapq.heappop(free)
            heapq.heappush(free, begin + usual)
            found.append(round(begin, 1))
        return found
