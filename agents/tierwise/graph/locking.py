"""A lock that is set while a turn runs or waits: it holds from the next request on."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress

from tierwise.errors import ModelError, StoreError
from tierwise.graph.at_hand import read
from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState

_WHY = "it was locked to this device meanwhile"


class LockedMeanwhile(ModelError):
    """A request was not sent, because a lock holds by now."""

    code = "lock"

    def __init__(self, tier: str) -> None:
        fix = "Ask again: a tier on this device answers."
        super().__init__(f"This turn was not sent to {tier}: {_WHY}.", fix=fix, nothing_sent=True)


async def locked_meanwhile(state: TurnState, context: TurnContext) -> bool:
    """Whether the app, the thread or a collection of the turn's passages is locked by now.

    If so, it is remembered at once: whatever becomes of the turn, it stays on the device.
    """
    if state["passages"]:  # whose locks stand among the documents, where a search may be at work
        locked = await asyncio.to_thread(_is_locked, state, context)
    else:
        locked = await read(context.services.record, _is_locked, state, context)
    if locked:
        await asyncio.to_thread(_note, context)
    return locked


def _is_locked(state: TurnState, context: TurnContext) -> bool:
    services = context.services
    ask = getattr(services.retriever, "is_locked", None)
    collections = {passage["collection"] for passage in state["passages"]}
    try:
        locked = services.settings.locked or services.record.is_locked(state["thread"])
        return locked or (ask is not None and any(ask(name) for name in collections))
    except Exception:  # a lock that cannot be read counts as locked
        return True


def _note(context: TurnContext) -> None:
    with suppress(StoreError, sqlite3.Error):
        context.services.record.lock_turn(context.turn_id)
