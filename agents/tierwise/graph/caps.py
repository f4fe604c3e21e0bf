"""The caps of the budget that are in force, and what the record says is spent under them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tierwise.config import Budget
from tierwise.graph.context import Services
from tierwise.record import Bound, Spent
from tierwise.routing.budget import THREAD, TURN, Cap, Period, day_and_month


def periods_of(budget: Budget) -> tuple[tuple[Period, float], ...]:
    """What is bounded now, with the caps."""
    day, month = day_and_month(time.time())
    caps = ((TURN, budget.turn), (THREAD, budget.thread), (day, budget.day), (month, budget.month))
    return tuple((period, cap) for period, cap in caps if cap is not None)


def read_caps(services: Services, turn_id: str | None = None) -> tuple[Cap, ...]:
    """The caps of the budget with what is spent and set aside; reads the record, so call it in a thread.

    Args:
        services: the copilot's parts.
        turn_id: the turn that is meant; before it is stored, nothing of it or its thread is spent.
    """
    if not (periods := periods_of(services.settings.budget)):
        return ()
    return caps_of(periods, services.record.spent_under(bounds_of(periods), turn_id))


def bounds_of(periods: Sequence[tuple[Period, float]]) -> list[Bound]:
    """The same as the record takes them."""
    return [Bound(period.name, cap, period.start) for period, cap in periods]


def caps_of(periods: Sequence[tuple[Period, float]], spent: Sequence[Spent]) -> tuple[Cap, ...]:
    """The caps with what the record has found."""
    return tuple(Cap(period, cap, one.paid, one.aside) for (period, cap), one in zip(periods, spent, strict=True))
