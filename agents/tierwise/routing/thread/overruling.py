"""When a user has a question answered again on another tier: which way that goes, and whether it may."""

from __future__ import annotations

from collections.abc import Sequence

from tierwise.errors import Blocked
from tierwise.routing.choose import TierState
from tierwise.types import Overrule


def direction(
    tiers: Sequence[str], answered: str | None, by: str | None, *, anew: bool = False, edited: bool = False
) -> Overrule | None:
    """Which way one answer overrules another; ``None`` if it does not.

    An answer of the same tier does only if that is what was asked for: else the tier had to stand in for another.

    Args:
        tiers: names of the tiers, cheapest first.
        answered: the tier of the earlier answer, ``None`` if it had none.
        by: the tier of the later one, ``None`` if there is none.
        anew: the same tier was asked, or none was named, or there was no earlier answer.
        edited: the question was put in other words.
    """
    if by is None:
        return None
    if edited:
        return "edit"
    if by == answered or by not in tiers or answered not in tiers:
        return "again" if anew else None
    return "escalate" if tiers.index(by) > tiers.index(answered) else "local"


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
