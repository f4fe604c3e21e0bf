"""A sign of life beside a turn that runs, and its end when another process has taken it up."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from tierwise.errors import StoreError, TakenOver
from tierwise.record import leases
from tierwise.record.store import Record

T = TypeVar("T")


class Holding:
    """Renews a turn's lease as long as it is entered. It goes on beside whatever the turn waits for.

    Args:
        record: the record that runs the turn.
        turn_id: the turn; it need not be stored yet.
    """

    def __init__(self, record: Record, turn_id: str) -> None:
        self._record, self._turn_id = record, turn_id
        self._lost: TakenOver | None = None
        self._wait: asyncio.Timeout | None = None
        self._work: asyncio.Task[None] | None = None
        # A thread of its own, made when it is needed: tools that take their time may have all the others.
        self._thread = ThreadPoolExecutor(1, "lease")

    async def __aenter__(self) -> Holding:
        self._work = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._thread.shutdown(wait=False)
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait((self._work,))

    async def next(self, parts: AsyncIterator[T]) -> T | None:
        """The next part of what the turn does, ``None`` at the end.

        Raises:
            TakenOver: once another process has taken the turn up; what it was doing is stopped.
        """
        if self._lost is not None:
            raise self._lost
        try:
            async with asyncio.timeout(None) as self._wait:
                return await anext(parts, None)
        except TimeoutError:
            if self._lost is None:
                raise
            raise self._lost from None
        finally:
            self._wait = None

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(leases.RENEW_EVERY)
            try:
                await loop.run_in_executor(self._thread, self._record.renew, self._turn_id)
            except TakenOver as error:
                self._lost = error
                if self._wait is not None:
                    self._wait.reschedule(0)
                return
            except (StoreError, sqlite3.Error):  # it is busy or full: once it is not, the lease is renewed
                continue
