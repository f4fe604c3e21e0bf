"""A question whose outcome is known: what was measured, and which tiers were right."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Labelled:
    """One question of a calibration.

    Attributes:
        id: of the question.
        right: by tier, 0 or 1, or a share between for a label that is not sure.
        asked: what could be measured before drafting.
        drafts: by drafting tier, what could be measured of its draft, further looks included.
        failed: drafting tiers whose draft fails plainly: it goes up whatever its probabilities say.
        usd: by tier, what its answer cost.
        seconds: by tier, how long its answer took.
        vector: of the question, empty if it was not embedded.
    """

    id: str
    right: dict[str, float]
    asked: dict[str, float]
    drafts: dict[str, dict[str, float]]
    failed: frozenset[str] = frozenset()
    usd: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    vector: tuple[float, ...] = ()
