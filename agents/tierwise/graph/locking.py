"""A lock that is set while a turn runs or waits: it holds from the next request on."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from tierwise.errors import ModelError, StoreError
from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState

_WHY = "it was locked to this device meanwhile"


class LockedMeanwhile(ModelError):
    """A request was not sent, because a lock holds by now."""

    code = "lock"

    def __init__(self, tier: str) -> None:
        fix = "Ask again: a tier on this device answers."
        super().__init__(f"This turn was not sent to {tier}: {_WHY}.", fix=fix, nothing_sent=True)


def locked_meanwhile(state: TurnState, context: TurnContext) -> bool:
    """Whether the app, the thread or a collection of the turn's passages is locked by now; see :func:`note_lock`."""
    services = context.services
    ask = getattr(services.retriever, "is_locked", None)
    collections = {passage["collection"] for passage in state["passages"]}
    try:
        locked = services.settings.locked or services.record.is_locked(state["thread"])
        locked = locked or (ask is not None and any(ask(name) for name in collections))
    except Exception:  # a lock that cannot be read counts as locked
        locked = True
    return locked


def note_lock(context: TurnContext) -> None:
    """Remember that a lock holds by now: whatever becomes of the turn, it stays on the device. Call it in a thread."""
    with suppress(StoreError, sqlite3.Error):
        context.services.record.lock_turn(context.turn_id)
