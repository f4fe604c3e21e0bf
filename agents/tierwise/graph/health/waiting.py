"""The pauses of the one retry loop: when a request may be sent, and when one that failed may be sent again."""

from __future__ import annotations

import asyncio
import time

from tierwise.errors import ModelError, ModelTimeout
from tierwise.graph.health.breaker import Permit
from tierwise.graph.health.deadline import Deadline
from tierwise.graph.health.retries import back_off, wished
from tierwise.graph.health.tiers import Health, resting
from tierwise.routing.choose import WAIT

RETRIES = 2
LONGEST_WAIT = 20.0  # seconds, where somebody else can answer; a server that wishes for more is left to the breaker
_LOOK_AGAIN = 0.1  # seconds, while another turn's request tries the tier


async def leave_to_ask(health: Health, tier: str, *, spared: bool) -> Permit:
    """Leave to send a request; where nobody else can answer, a short rest is waited for.

    Raises:
        TierResting: if the tier rests, and for longer than that.
    """
    permit = await _admitted(health, tier, 0.0 if spared else WAIT)
    if permit is None:
        raise resting(tier, health.rest(tier))
    return permit


async def leave_to_retry(
    health: Health, deadline: Deadline, tier: str, error: ModelError, *, retry: int, spared: bool
) -> Permit | None:
    """Wait until a request may be sent again.

    Args:
        health: of all tiers.
        deadline: of the turn; no wait goes beyond it.
        tier: which failed.
        error: with what.
        retry: how many retries there were.
        spared: another tier can answer, or a draft is held, so that a long wait is not worth it.

    Returns:
        Leave to send it, or ``None`` if it is not to be sent again: the failure will not pass, it was tried often
        enough, too many requests of all turns fail, or the wait would be too long.
    """
    if retry >= RETRIES or not _may_pass(error, spared):
        return None
    wish = wished(error)
    ends = time.monotonic() + min(deadline.left, LONGEST_WAIT if spared else float("inf"))
    wait, patience = wish or back_off(retry), 0.0 if spared else WAIT
    for _ in range(RETRIES - retry if wish is not None else 1):
        rest = health.rest(tier)
        if wish is None and rest is not None and rest.seconds > patience:
            return None  # others have seen it fail, too
        wait = max(wait, rest.seconds if rest is not None else 0.0)
        if health.retries.empty or time.monotonic() + wait > ends:
            return None
        await asyncio.sleep(wait)
        if (permit := await _admitted(health, tier, ends - time.monotonic(), sleeps=False)) is not None:
            if health.retries.take():
                return permit
            health.withdraw(tier, permit)
            return None
        wait = 0.0
    return None


async def _admitted(health: Health, tier: str, seconds: float, *, sleeps: bool = True) -> Permit | None:
    """Leave to ask within so many seconds.

    Waits while one request of another turn tries the tier and, if it ``sleeps``, while it rests.
    """
    ends = time.monotonic() + seconds
    while (permit := health.try_admit(tier)) is None:
        rest = health.rest(tier)
        pause = max(_LOOK_AGAIN, rest.seconds) if rest is not None else 0.0
        if (pause > _LOOK_AGAIN and not sleeps) or time.monotonic() + pause > ends:
            return None
        await asyncio.sleep(pause)
    return permit


def _may_pass(error: ModelError, spared: bool) -> bool:
    """Whether asking again may help; a time limit has been waited for once, and that is enough."""
    if isinstance(error, ModelTimeout):
        return error.nothing_sent and not spared
    return error.transient
