"""Judging a draft by calibration: accept it, look again, or go up, whichever is expected to be worth most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tierwise.routing.calibration.stages import Calibration, DraftStages, Stage
from tierwise.routing.calibration.turning import turning_points
from tierwise.routing.dial import Window, need
from tierwise.routing.features import retrieval_features, surface_features
from tierwise.routing.value import LOOK_COST, reach
from tierwise.signals import words_of
from tierwise.types import Draft, Look, Reason, Verdict, Wish

_MOST_REASONS = 3
_LEAST_COST = 0.05  # a line at or below 0 does not make looking free: it takes the user's time


@dataclass(frozen=True)
class _Situation:
    """A draft with what is known about it.

    Attributes:
        tier: the drafting tier.
        best: the tier above that is expected to be worth most.
        stage: the heads that know all of it.
        need: gain from which on ``best`` is worth its call.
        needs: the same of every tier that may take over.
        next_look: a further look that can be had.
        margin: how far from ``need`` that look is worth its time, at least 0.
    """

    tier: str
    best: str
    stage: Stage
    need: float
    needs: Mapping[str, float]
    next_look: Look | None
    margin: float

    def gain(self, features: Mapping[str, float]) -> float:
        return self.stage.heads[self.best].p(features) - self.stage.heads[self.tier].p(features)


class CalibratedJudge:
    """Knows the user's own kind of questions (a :class:`~tierwise.verify.base.Judge`).

    Args:
        calibration: heads and spreads.
        windows: by drafting tier, the latest gains, from which the dial's line is solved.
    """

    def __init__(self, calibration: Calibration, windows: Mapping[str, Window]) -> None:
        self._calibration, self._windows = calibration, windows

    def judge(self, draft: Draft, features: Mapping[str, float], wish: Wish) -> Verdict | None:
        """The verdict on a draft that does not fail plainly; ``None`` where calibration says nothing about its tier.

        Args:
            draft: the draft; the tiers in ``draft.higher`` may take over.
            features: what was measured of it, further looks included.
            wish: the user's.
        """
        stages = self._calibration.drafts.get(draft.tier)
        if stages is None or "logprob_mean" not in features:
            return None
        # The question's own retrieval features are measured at the draft too, where they mean the same.
        known = {**retrieval_features(draft.question, draft.passages), **surface_features(draft.question), **features}
        line = self._windows[draft.tier].line(wish)
        now = _situation(stages, draft, known, line)
        p_good, gain = now.stage.heads[draft.tier].p(known), now.gain(known)
        p_higher = {name: now.stage.heads[name].p(known) for name in stages.higher}
        measured = {**features, "gain": gain}
        if now.next_look is not None and abs(gain - now.need) < now.margin:
            return Verdict("look", p_good, (_undecided(now, gain),), measured, p_higher=p_higher, look=now.next_look)
        if gain <= now.need:
            reasons = _for_staying(now, p_good, p_higher[now.best], gain)
            return Verdict("accept", p_good, reasons, measured, p_higher=p_higher)
        reasons = _for_going(now, p_good, p_higher[now.best], gain)
        return Verdict("escalate", p_good, reasons + _turning(now, known), measured, p_higher=p_higher, tier=now.best)


def _situation(stages: DraftStages, draft: Draft, known: Mapping[str, float], line: float) -> _Situation:
    stage, following = stages.draft, list(stages.looks)
    for place, name in enumerate(stages.looks):
        if name in draft.looks_had:  # the heads of a look do with what those before it found, and without
            stage, following = stages.looks[name], list(stages.looks)[place + 1 :]
    own = stage.heads[draft.tier].p(known)
    # Without a tier that may take over the draft is judged all the same: the user is told what it lacks.
    names = [name for name in stages.higher if name in draft.higher] or list(stages.higher)
    needs = {name: need(line, stages.effort[name]) for name in names}
    worth = {name: stage.heads[name].p(known) - own - needs[name] for name in names}
    best = max(names, key=lambda name: worth[name])
    look = next((name for name in following if stages.looks[name].spread > 0), None) if draft.may_look else None
    margin = 0.0
    if look is not None:
        margin = max(0.0, reach(stages.looks[look].spread, LOOK_COST[look] * max(line, _LEAST_COST)))
    return _Situation(draft.tier, best, stage, needs[best], needs, look if margin > 0 else None, margin)


def _undecided(now: _Situation, gain: float) -> Reason:
    text = f"A gain of {_points(gain)} is too near the line of {_points(now.need)}; a further look is worth its time."
    return Reason("undecided", text, abs(gain - now.need), now.margin)


def _for_staying(now: _Situation, p_good: float, p_best: float, gain: float) -> tuple[Reason, ...]:
    text = (
        f"Estimated chance that the draft is right: {p_good:.0%}. {now.best} would be right in {p_best:.0%} of such"
        f" cases: a gain of {_points(gain)}; more than {_points(now.need)} would be worth the call."
    )
    return (Reason("gain", text, gain, now.need + now.margin),)


def _for_going(now: _Situation, p_good: float, p_best: float, gain: float) -> tuple[Reason, ...]:
    enough = now.need - now.margin
    text = (
        f"{now.best} is expected to be right in {p_best:.0%} of such cases, this draft in {p_good:.0%}:"
        f" a gain of {_points(gain)}; up to {_points(enough)} the draft would do."
    )
    chance = f"Estimated chance that the draft is right: {p_good:.0%}; {max(0.0, p_best - enough):.0%} would do."
    return Reason("gain", text, gain, enough), Reason("p_good", chance, p_good, p_best - enough)


def _turning(now: _Situation, known: Mapping[str, float]) -> tuple[Reason, ...]:
    """Features each of which alone would have kept the draft."""
    heads = now.stage.heads
    rivals = [(heads[name], needed) for name, needed in now.needs.items()]
    found = turning_points(heads[now.tier], rivals, known, -now.margin)
    reasons = []
    for point in found[:_MOST_REASONS]:
        words = f"{words_of(point.name)}: {point.value:.2f}; {point.threshold:.2f} would do."
        reasons.append(Reason(point.name, words[0].upper() + words[1:], point.value, point.threshold))
    return tuple(reasons)


def _points(gain: float) -> str:
    return f"{100 * gain:.0f} points"
