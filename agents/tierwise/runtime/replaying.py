"""The dial as a line for a replay: by calibration where it is in force, else by the drafting model's evidence card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.routing.replay import Line, first_draft
from tierwise.runtime.evidence_cards import evidence_for
from tierwise.signals import SECOND_SAMPLE, SELF_CHECK
from tierwise.turns import DecisionRecord
from tierwise.types import Look, Wish

if TYPE_CHECKING:
    from tierwise.routing.calibration.stages import Calibration, DraftStages, Stage

_FOUND: dict[Look, frozenset[str]] = {
    "self_check": frozenset(SELF_CHECK),
    "second_sample": frozenset(SECOND_SAMPLE),
}


def dial_line(wish: Wish, cheapest: str, calibration: Calibration | None = None) -> Line:
    """Whether a wish would escalate a draft.

    Args:
        wish: the wish to try. Without calibration a share of questions means ``balanced``.
        cheapest: the tier whose drafts are judged.
        calibration: the one in force for the present tiers, if there is one. Drafts by other models than it was made
            for are left open.
    """
    if calibration is not None and (stages := calibration.drafts.get(cheapest)) is not None:
        return _by_gain(wish, cheapest, calibration.models[cheapest], stages)
    lines: dict[str, float] = {}

    def line(record: DecisionRecord) -> bool | None:
        draft = first_draft(record, cheapest)
        if draft is None or draft.p_good is None:
            return None
        model = draft.model_requested
        if model not in lines:
            lines[model] = evidence_for(model).line(wish)
        return draft.p_good < lines[model]

    return line


def _by_gain(wish: Wish, cheapest: str, model: str, stages: DraftStages) -> Line:
    """By the gain that is expected from what the record has of the draft, looks at it included; no new look is had."""
    from tierwise.routing.dial import line_for, need

    at = line_for(wish, stages.gains)

    def line(record: DecisionRecord) -> bool | None:
        draft = first_draft(record, cheapest)
        known = _known(record, cheapest)
        if draft is None or draft.model_requested != model or "logprob_mean" not in known:
            return None
        heads = _stage(stages, known).heads
        own = heads[cheapest].p(known)
        return any(heads[name].p(known) - own > need(at, stages.effort[name]) for name in stages.higher)

    return line


def _known(record: DecisionRecord, tier: str) -> dict[str, float]:
    """What was measured of the question and of the tier's draft."""
    own = f"{tier}."
    of_draft = {name.removeprefix(own): value for name, value in record.features.items() if name.startswith(own)}
    return {**{name: value for name, value in record.features.items() if "." not in name}, **of_draft}


def _stage(stages: DraftStages, known: dict[str, float]) -> Stage:
    """The heads that know everything that was measured: those after the last look that was had."""
    stage = stages.draft
    for look, after in stages.looks.items():
        if not _FOUND[look] & known.keys():
            break
        stage = after
    return stage
