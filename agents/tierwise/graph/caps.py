"""The caps of the budget that are in force, and what the record says is spent under them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from tierwise.callers import Caller
from tierwise.config import Budget
from tierwise.graph.context import Services
from tierwise.graph.state import TurnState
from tierwise.jsonable import from_json
from tierwise.record import Bound, Spent
from tierwise.routing.budget import THREAD, TURN, Cap, Period, day_and_month


def periods_of(budget: Budget, caller: Caller | None) -> tuple[tuple[Period, float], ...]:
    """What is bounded now, with the caps.

    Args:
        budget: of all turns.
        caller: who asks through an API, if somebody does: it may have a cap of its own.
    """
    day, month = day_and_month(time.time())
    own = (replace(day, name="caller"), None if caller is None else caller.usd_day)
    caps = ((TURN, budget.turn), (THREAD, budget.thread), own, (day, budget.day), (month, budget.month))
    return tuple((period, cap) for period, cap in caps if cap is not None)


def read_caps(services: Services, turn_id: str | None = None, caller: Caller | None = None) -> tuple[Cap, ...]:
    """The caps of the budget with what is spent and set aside; reads the record, so call it in a thread.

    Args:
        services: the copilot's parts.
        turn_id: the turn that is meant; before it is stored, nothing of it or its thread is spent.
        caller: who asks through an API.
    """
    if not (periods := periods_of(services.settings.budget, caller)):
        return ()
    return caps_of(periods, services.record.spent_under(bounds_of(periods, caller), turn_id))


def bounds_of(periods: Sequence[tuple[Period, float]], caller: Caller | None) -> list[Bound]:
    """The same as the record takes them."""
    who = None if caller is None else caller.id
    return [Bound(period.name, cap, period.start, who) for period, cap in periods]


def caps_of(periods: Sequence[tuple[Period, float]], spent: Sequence[Spent]) -> tuple[Cap, ...]:
    """The caps with what the record has found."""
    return tuple(Cap(period, cap, one.paid, one.aside) for (period, cap), one in zip(periods, spent, strict=True))


def caller_of(state: TurnState) -> Caller | None:
    """Who asks a turn through an API."""
    return from_json(Caller, caller) if (caller := state.get("caller")) else None
