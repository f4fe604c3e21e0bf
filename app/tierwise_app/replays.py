"""Trying another setting on recorded turns: what the terminal and the app both need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierwise.routing import Calibration, Line
    from tierwise.turns import DecisionRecord
    from tierwise.types import Wish


def line_to_try(
    turns: Sequence[DecisionRecord], wish: Wish, *, cheapest: str, calibration: Calibration | None
) -> tuple[Line, float | None]:
    """Which drafts a wish would send up.

    Args:
        turns: the turns it is tried on: without calibration a share is kept among them.
        wish: a word of the dial, or a share of turns.
        cheapest: the tier whose drafts are judged.
        calibration: the one in force, if there is one.

    Returns:
        The line, and the chance of being right below which drafts go up where that is one number.
    """
    from tierwise.routing import below, threshold_for
    from tierwise.runtime import dial_line

    if isinstance(wish, str) or calibration is not None:
        return dial_line(wish, cheapest, calibration), None
    threshold = threshold_for(turns, cheapest=cheapest, share=wish)
    return below(threshold or 0.0, cheapest), threshold
