"""Whether to know more is worth its price: the one rule of every stage.

At each point of a turn the next step may be to go on with what is cheap (draft, look again, write on) or to decide now
by the gain that is expected. Cascade routing (Dekoninck et al. 2024, arXiv 2410.10347) takes the step with the highest
expected quality minus cost; here quality is counted in chances of a right answer, and the line of the dial is what a
call of the largest tier costs in that currency.

Knowing more moves the expected gain by an amount with mean 0 and standard deviation ``spread``. If it can carry the
gain across the line, it changes the decision for the better; what that is worth on average is the expected value of
sample information for a linear loss (Raiffa and Schlaifer 1961, chapter 5): ``spread * unit_loss(|gain - line| /
spread)``.
"""

from __future__ import annotations

import math

DRAFT_COST = 0.03
"""A local draft in calls of the largest tier. It costs no money and sends nothing out; it takes some seconds."""

LOOK_COST = {"self_check": 0.003, "second_sample": DRAFT_COST}
"""A further look in calls of the largest tier: one token after a prompt that is still in memory, or a whole draft."""


def unit_loss(distance: float) -> float:
    """Mean of ``max(0, x - distance)`` for a standard normal ``x``."""
    density = math.exp(-distance * distance / 2) / math.sqrt(2 * math.pi)
    return density - distance * 0.5 * math.erfc(distance / math.sqrt(2))


def reach(spread: float, cost: float) -> float:
    """How far from the line knowing more is still worth ``cost``; below 0 if it never is, infinite if it costs nothing.

    Args:
        spread: standard deviation of the gain's move.
        cost: in chances of a right answer, at least 0.
    """
    if spread <= 0 or spread * unit_loss(0.0) <= cost:
        return -1.0
    low, high = 0.0, 8.0
    if spread * unit_loss(high) > cost:
        return math.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if spread * unit_loss(middle) > cost else (low, middle)
    return spread * low
