"""The budget within a turn: what is spent, which tiers it still pays for, and which wish it leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tierwise.config import Tier
from tierwise.graph.attempts import finished_attempt
from tierwise.graph.caps import read_caps
from tierwise.graph.context import Services, TurnContext
from tierwise.graph.state import TurnState
from tierwise.routing.budget import TURN, Cap, Habit, Pace, day_and_month, pace
from tierwise.routing.choose import TierState
from tierwise.turns import Notice
from tierwise.types import Reason, Wish

# Tokens of a call before any has been paid for: a question with its passages, and an answer.
_GUESS = (1500, 300)


@dataclass(frozen=True, slots=True)
class InForce:
    """The wish that a turn goes by, with what the user must know and what was measured."""

    wish: Wish
    notices: tuple[Notice, ...] = ()
    share: float | None = None


def tier_states(state: TurnState, context: TurnContext, down: dict[str, str]) -> tuple[TierState, ...]:
    """Every tier as the rules see it now.

    Args:
        state: the turn.
        context: its context.
        down: tiers that already failed in this turn, with the reason.
    """
    return context.services.tier_states(down, context.caps)


async def unpaid(state: TurnState, context: TurnContext, tier: Tier) -> Reason | None:
    """What the budget says against one more request to a tier, before anything is done for it.

    The last gate is where the money is set aside: :func:`~tierwise.graph.paying.paid`.
    """
    if not tier.costs:
        return None
    context.caps = await asyncio.to_thread(read_caps, context.services, context.turn_id, context.caller)
    against = next(one for one in tier_states(state, context, {}) if one.name == tier.name).spent
    return against[0] if against else None


def wish_in_force(services: Services, caps: tuple[Cap, ...], wish: Wish, requested: str) -> InForce:
    """The user's wish, or a smaller share where the budget would not last; reads the record, so call it in a thread.

    Args:
        services: the copilot's parts.
        caps: what may be spent, and what is.
        wish: the user's.
        requested: what the user asked for (``auto`` or a tier's name).
    """
    if requested != "auto" or len(services.tiers) < 2:
        return InForce(wish)
    notices = []
    if not isinstance(wish, str) and not services.windows:
        text = "A share of questions can be kept only after: tierwise router calibrate. Until then: balanced."
        notices.append(Notice("uncalibrated_share", text))
    prices = [tier.price for tier in services.tiers if tier.costs and tier.price is not None]
    if not caps or not prices:
        return InForce(wish, tuple(notices))
    paced = _pace(services, caps, prices[-1].cost(*_GUESS), wish)
    if paced is not None:
        share = round(paced.share, 4)
        return InForce(share, (*notices, Notice("budget_paced", paced.text())), share)
    low = next((cap for cap in caps if cap.low and cap.period is not TURN), None)
    if low is not None:
        notices.append(Notice("budget_low", f"{low.text()}."))
    return InForce(wish, tuple(notices))


def _pace(services: Services, caps: tuple[Cap, ...], guess: float, wish: Wish) -> Pace | None:
    """The pace that lasts, if the wish would go faster."""
    window = services.window(services.tiers[0].name)
    if window is None:
        return None
    now = time.time()
    asked = services.record.spending(day_and_month(now)[0].start)
    habit = Habit(asked.turns, asked.turns_a_day, asked.cost or guess)
    paced = pace(caps, habit, now)
    return paced if paced is not None and window.line(paced.share) > window.line(wish) else None


def turn_cost(state: TurnState, services: Services) -> float:
    """USD that the turn has cost so far, the attempt that is being written included."""
    return sum(_costs(state, services))


def _costs(state: TurnState, services: Services) -> Iterator[float]:
    yield from (attempt["cost_usd"] for attempt in state.get("attempts", []))
    for draft in (state.get("held"), state.get("draft")):
        if draft is not None:
            yield finished_attempt(services, draft, "discarded").cost_usd
