"""The router after local calibration: chances from the question alone, where they have proven themselves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tierwise.routing.base import Question
from tierwise.routing.calibration.stages import Calibration, DraftStages
from tierwise.routing.dial import Window, need
from tierwise.routing.rules import measure
from tierwise.routing.value import DRAFT_COST, reach
from tierwise.signals import BEGUN, vector_names
from tierwise.types import Ahead, Assessment, Floor

_BEGUN = next(iter(BEGUN))


class CalibratedRouter:
    """A :class:`~tierwise.routing.base.Router` that knows the user's own kind of questions.

    Args:
        calibration: heads and spreads.
        windows: by drafting tier, the latest gains, from which the dial's line is solved.
    """

    def __init__(self, calibration: Calibration, windows: Mapping[str, Window]) -> None:
        self._calibration, self._windows = calibration, windows
        self._floors: dict[tuple[str, float], Floor | None] = {}

    async def assess(self, question: Question) -> Assessment:
        """Chances per tier if prediction is on, tiers that are worth going to at once, and the floor of a beginning."""
        features = measure(question)
        tier = question.tiers[0] if question.tiers else ""
        stages = self._calibration.drafts.get(tier)
        if stages is None:
            return Assessment(features=features)
        line = self._windows[tier].line(question.dial)
        floor = self._floor(tier, stages, line)
        if stages.asked is None or question.vector is None:
            return Assessment(features=features, floor=floor)
        known = {**features, **dict(zip(vector_names(len(question.vector)), question.vector.tolist(), strict=True))}
        p_good = {name: head.p(known) for name, head in stages.asked.heads.items()}
        # A draft may still change the decision: going ahead must be worth more than what it would tell.
        beyond = max(0.0, reach(stages.beyond_asked, DRAFT_COST * max(line, 0.0)))
        ahead = [
            Ahead(name, p_good[name] - p_good[tier], need(line, stages.effort[name]) + beyond) for name in stages.higher
        ]
        ahead.sort(key=lambda option: option.threshold - option.gain)
        return Assessment(p_good, features=features, ahead=tuple(ahead), floor=floor)

    def _floor(self, tier: str, stages: DraftStages, line: float) -> Floor | None:
        if (tier, line) not in self._floors:
            if len(self._floors) > 100:
                self._floors.clear()
            self._floors[tier, line] = begun_floor(stages, tier, line)
        return self._floors[tier, line]


def begun_floor(stages: DraftStages, tier: str, line: float) -> Floor | None:
    """How sure the first tokens of a draft must be for the rest to be worth writing; ``None`` if it always is.

    Args:
        stages: what calibration knows of the tier's drafts.
        tier: the drafting tier.
        line: the dial's.
    """
    begun = stages.begun
    if begun is None or line <= 0:
        return None
    beyond = max(0.0, reach(begun.spread, DRAFT_COST * line * stages.begun_left))
    own = begun.heads[tier]
    if not own.names:
        return None
    mean, scale = own.means[0], own.scales[0]
    for value in np.linspace(min(0.0, mean + 3 * scale), mean - 3 * scale, 121):
        chances = {name: head.p({_BEGUN: float(value)}) for name, head in begun.heads.items()}
        worth = max(chances[name] - need(line, stages.effort[name]) for name in stages.higher)
        if worth - chances[tier] > beyond:
            return Floor(stages.begun_tokens, float(value))
    return None
