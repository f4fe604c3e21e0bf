"""Waiting until the turns that come first in a thread are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from langgraph.config import get_config

from tierwise.errors import StoreBusy
from tierwise.events import TurnQueued
from tierwise.graph.context import TurnContext

_SHORTEST, _LONGEST = 0.02, 0.2  # seconds between two looks
_NEXT = 0.05  # the longest of the turn that comes next


async def wait_in_line(context: TurnContext) -> AsyncGenerator[TurnQueued, None]:
    """Wait for the turns that come before a turn in its thread, also those of other processes.

    The wait is no work of the turn: it does not count as its time.

    Args:
        context: of the turn, which is stored and runs here.

    Yields:
        How many come first, and about how long that takes, whenever that has changed.

    Raises:
        TakenOver: if another process has taken the turn up or ended it.
    """
    record, before, pause = context.services.record, 0, _SHORTEST
    began = time.perf_counter()
    while True:
        try:
            ahead = await asyncio.to_thread(record.ahead, context.turn_id)
        except StoreBusy:  # what has died cannot be ended right now
            continue
        if not ahead:
            break
        if ahead != before:
            before, pause = ahead, _SHORTEST
            usual = await asyncio.to_thread(record.usual_seconds, context.turn_id)
            yield context.event(TurnQueued, ahead=ahead, seconds=None if usual is None else round(ahead * usual, 1))
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _NEXT if ahead == 1 else _LONGEST)
    if before:
        context.started += time.perf_counter() - began


def enclosing_turn() -> str | None:
    """The turn whose tool is asking, if one is."""
    try:
        name = get_config().get("configurable", {}).get("thread_id")
    except RuntimeError:
        return None
    return None if name is None else str(name).partition("@")[0]
