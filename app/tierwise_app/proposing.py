"""Which model of the catalogue suits a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise_app.choices import EMBEDDED, PROPOSED

if TYPE_CHECKING:
    from tierwise.models import Card, DeviceProfile, Estimate

_PACE = 5.0  # tokens a second; about as fast as one reads aloud
_FREE = ("Apache-2.0", "MIT")


def propose(machine: DeviceProfile) -> tuple[Card, Estimate] | None:
    """The model to propose, and what it would cost here; ``None`` if nothing beyond the embedded one suits.

    It fits into the memory that is free, a download can be verified, and its licence asks nothing of its user. Of those
    that write no slower than one reads, the proposed default, else the largest; where none is that fast, the fastest.
    """
    from tierwise.models import catalogue, estimate

    fitting = {}
    for card in catalogue():
        if not card.verified or card.licence not in _FREE or card.url is None or "coder" in card.name:
            continue
        expected = estimate(card, machine)
        whole = expected.memory >= card.memory  # with its usual window, not a shorter one that was made to fit
        if expected.fits and whole and card.name != EMBEDDED.removeprefix("llama:"):
            fitting[card.name] = (card, expected)
    quick = {name: one for name, one in fitting.items() if (one[1].tokens_per_s or _PACE) >= _PACE}
    if not quick:
        return max(fitting.values(), key=lambda one: one[1].tokens_per_s or 0.0, default=None)
    return quick.get(PROPOSED) or max(quick.values(), key=lambda one: one[0].file_bytes)
