"""Using the record on the way of a turn, without a thread where that takes no longer than going to one.

With many turns at once each step in a thread waits for its turn to compute, again and again while it holds the record,
and all the others wait with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tierwise.errors import StoreBusy
from tierwise.record import Record

P = ParamSpec("P")
T = TypeVar("T")


async def read(record: Record, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Call something that reads the record and does little else: here if nobody is at it, else in a thread.

    Readers wait for no other process.
    """
    with record.free_now() as free:
        if free:
            return function(*args, **named)
    return await asyncio.to_thread(function, *args, **named)


async def write(record: Record, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Call something that writes a little, wholly or not at all: here if nobody is at the record, else in a thread.

    It is also called in a thread, once more and with patience, if another process is writing.
    """
    with record.free_now() as free:
        if free:
            try:
                with record.impatient():
                    return function(*args, **named)
            except StoreBusy as error:
                if type(error) is not StoreBusy:  # the thread is busy, not the file
                    raise
    return await asyncio.to_thread(function, *args, **named)
