"""Waiting for the very thing, however slow the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

from tierwise.record import Record

_LONGEST = 60.0  # seconds; far more than it takes, for machines that are busy


def until(holds: Callable[[], object]) -> None:
    """Look again and again until it holds, which has to come."""
    end = time.monotonic() + _LONGEST
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def written(home: Path, thread: str) -> str:
    """What the turn that runs in a thread has written, as far as the record has it."""
    with closing(Record(home)) as record:
        found = record.standing(record.turns(thread)[-1].turn_id)
    return found.partials[-1].text if found and found.partials else ""


async def gone(pid: int) -> bool:
    """Whether a process ends, within a while."""
    for _ in range(3000):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        await asyncio.sleep(0.02)
    return False
