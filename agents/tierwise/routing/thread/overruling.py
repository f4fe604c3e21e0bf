"""When a user has a question answered again on another tier: which way that goes, and whether it may."""

from __future__ import annotations

from collections.abc import Sequence

from tierwise.errors import Blocked, InvalidInput
from tierwise.routing.choose import TierState
from tierwise.types import Overrule


def direction(tiers: Sequence[str], answered: str, by: str | None) -> Overrule | None:
    """Which way one answer overrules another; ``None`` if it does not, since both are of one tier.

    Args:
        tiers: names of the tiers, cheapest first.
        answered: the tier of the earlier answer.
        by: the tier of the later one, ``None`` if there is none.
    """
    if by == answered or by not in tiers or answered not in tiers:
        return None
    return "escalate" if tiers.index(by) > tiers.index(answered) else "local"


def check_overrule(tiers: Sequence[str], answered: str, by: str) -> None:
    """See that asking tier ``by`` overrules an answer of tier ``answered``.

    Raises:
        InvalidInput: if it is the same tier, or the earlier one is not configured any more.
    """
    if answered not in tiers:
        raise InvalidInput(
            f"{answered}, which answered, is not configured any more: no tier is above or below it.",
            fix="Ask the question anew.",
        )
    if direction(tiers, answered, by) is None:
        others = ", ".join(name for name in tiers if name != answered)
        raise InvalidInput(
            f"{by} has answered this already.",
            fix=f"Name another tier: {others}." if others else "It is the only tier; ask the question anew.",
        )


def check_lock(tier: TierState, *, turn_locked: bool) -> None:
    """See that a locked answer is not overruled off the device.

    Raises:
        Blocked: if it would be. The lock of a turn that is over cannot be taken off: its words have been read.
    """
    if turn_locked and not tier.on_device:
        raise Blocked(
            f"The turn that is asked again is locked to this device, and {tier.name} is not on it.",
            fix="Ask a tier on this device, or ask anew, without the lock and what is locked.",
        )
