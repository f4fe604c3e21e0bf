"""``escalate this`` and ``answer locally``: which tier that is, and which answer is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput

if TYPE_CHECKING:
    from tierwise.config import Tier
    from tierwise.record import Record
    from tierwise.turns import PastTurn


def tier_above(tiers: Sequence[Tier], answered: str) -> str:
    """The next larger tier.

    Raises:
        InvalidInput: if there is none.
    """
    at = _place(tiers, answered)
    if at + 1 == len(tiers):
        raise InvalidInput(f"{answered} is the largest tier, and it has answered.", fix="Reword the question.")
    return tiers[at + 1].name


def tier_here(tiers: Sequence[Tier], answered: str) -> str:
    """The next smaller tier that is on this device.

    Raises:
        InvalidInput: if there is none.
    """
    for tier in reversed(tiers[: _place(tiers, answered)]):
        if tier.stays_on_device:
            return tier.name
    raise InvalidInput(
        f"No tier below {answered} is on this device.", fix="Name a tier: tierwise ask --again TURN -t T"
    )


def last_answer(record: Record, thread: str | None) -> PastTurn:
    """The newest answer of a thread that stands.

    Raises:
        InvalidInput: if there is none.
    """
    turns = [] if thread is None else [turn for turn in record.recent(thread) if turn.final is not None]
    if not turns:
        raise InvalidInput("There is no answer in this thread yet.", fix="Ask something first.")
    return turns[-1]


def _place(tiers: Sequence[Tier], name: str) -> int:
    names = [tier.name for tier in tiers]
    if name not in names:
        raise InvalidInput(f"{name}, which answered, is not configured any more.", fix="Ask the question anew.")
    return names.index(name)
