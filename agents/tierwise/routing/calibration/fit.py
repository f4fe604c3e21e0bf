"""Fit a calibration to labelled questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import InvalidInput
from tierwise.fitting.logistic import PENALTIES, Floats, Head, fit_head
from tierwise.fitting.metrics import auroc, brier, interval, resamples
from tierwise.routing.calibration.compressed import compress
from tierwise.routing.calibration.labelled import Labelled
from tierwise.routing.calibration.stages import DraftStages, Stage
from tierwise.signals import ASKED, BEGUN, BEGUN_TOKENS, DRAFT, SECOND_SAMPLE, SELF_CHECK, signs
from tierwise.types import Look

# In the order in which they are had: the cheaper one first.
LOOKS: dict[Look, dict[str, int]] = {"self_check": signs(SELF_CHECK), "second_sample": signs(SECOND_SAMPLE)}
Flags = NDArray[np.bool_]
LEAST = 40
LEAST_OF_EACH = 8
PROVEN = 0.6
# What decides about a larger tier is mostly the question's kind, which few rows tell little about.
_FIRM = (0.1, 0.3, 1.0, 3.0)
_KEPT_GAINS = 1000


@dataclass(frozen=True)
class DraftFit:
    """What was fitted for the drafts of one tier, with cross-validated chances for the report.

    Attributes:
        stages: for the calibration.
        rows: the questions it was fitted on: those whose labels are known for all its tiers.
        chances: by stage (``asked``, ``draft``, ``self_check``, ``second_sample``), by tier, one chance a row.
        gains: by stage, the best expected gain of a row. A draft that fails plainly has the gain 1 after drafting.
    """

    stages: DraftStages
    rows: tuple[Labelled, ...]
    chances: dict[str, dict[str, Floats]]
    gains: dict[str, Floats]


def fit_drafts(rows: Sequence[Labelled], tier: str, higher: Sequence[str]) -> DraftFit:
    """Fit what the drafts of a tier say about it and about the tiers above.

    Args:
        rows: labelled questions.
        tier: the drafting tier.
        higher: the tiers above it, cheapest first; at least one.

    Raises:
        InvalidInput: if there are too few questions, or all have the same outcome.
    """
    known = tuple(_without_nan(r) for r in rows if tier in r.drafts and _is_known(r, (tier, *higher)))
    _check(known, tier)
    good = [r for r in known if tier not in r.failed]
    _check(good, tier)
    effort = _effort(known, higher)
    labels = {t: np.array([r.right[t] for r in known]) for t in (tier, *higher)}
    drafted = [tier not in r.failed for r in known]
    fitter = _Fitter(known, labels, np.array(drafted), tier, tuple(higher), effort)

    draft_signs = {**signs(ASKED), **signs(DRAFT)}
    compressed = compress([r.vector for r in known])
    asked_rows = [{**r.asked, **row} for r, row in zip(known, compressed.rows, strict=True)]
    asked_signs = {**signs(ASKED), "top_score": 0, "question_coverage": 0, **dict.fromkeys(compressed.names, 0)}
    asked_heads, asked = fitter.fit(asked_rows, asked_signs, _FIRM, every=True)
    asked_heads = {name: compressed.spread_out(head) for name, head in asked_heads.items()}
    before = fitter.mean_gain()
    asked_gain = fitter.gain(asked)
    proven = _proven(asked[tier], labels[tier])
    measured = [{**r.asked, **r.drafts[tier]} for r in known]
    draft_heads, draft = fitter.fit(measured, draft_signs, PENALTIES)
    chances, gains = {"asked": asked, "draft": draft}, {"asked": asked_gain, "draft": fitter.gain(draft, failed=True)}
    draft_stage = fitter.stage(draft_heads, draft, asked_gain if proven else before, fitter.gain(draft, failed=True))

    looks: dict[Look, Stage] = {}
    known_signs, last = dict(draft_signs), "draft"
    for look, more in LOOKS.items():
        if not any(name in row for row in measured for name in more):
            continue
        heads, crossed = fitter.fit(measured, known_signs | more, PENALTIES)
        gain = fitter.gain(crossed, failed=True)
        stage = fitter.stage(heads, crossed, gains[last], gain)
        if stage.spread > 0:  # a look that tells nothing here is never had
            known_signs |= more
            looks[look], chances[look], gains[look], last = stage, crossed, gain, look

    stages = DraftStages(
        higher=tuple(higher),
        effort=effort,
        draft=draft_stage,
        looks=looks,
        asked=fitter.stage(asked_heads, asked, before, asked_gain) if proven else None,
        begun=_begun(fitter, measured, gains[last]),
        begun_tokens=BEGUN_TOKENS,
        begun_left=_left(measured),
        beyond_asked=_spread(fitter.wins, asked_gain if proven else before, gains[last]),
        gains=_thinned(gains[last]),
    )
    return DraftFit(stages, known, chances, gains)


def _begun(fitter: _Fitter, measured: Sequence[Mapping[str, float]], final: Floats) -> Stage | None:
    """What the first tokens tell of drafts that have so many; shorter ones are over by then, and often of another kind.

    Its spread is what the rest of the draft and the looks at it tell beyond: that is lost by stopping.
    """
    long = np.array(["begun_logprob" in row for row in measured]) & fitter.drafted
    if long.sum() < LEAST:
        return None
    some = fitter.only(long)
    heads, crossed = some.fit(
        [row for row, wanted in zip(measured, long, strict=True) if wanted], signs(BEGUN), PENALTIES
    )
    gain = some.gain(crossed)
    if _spread(some.wins, some.mean_gain(), gain) == 0.0:
        return None
    stage = some.stage(heads, crossed, some.mean_gain(), gain)
    return replace(stage, spread=_spread(some.wins, gain, final[long]))


@dataclass(frozen=True)
class _Fitter:
    rows: tuple[Labelled, ...]
    labels: Mapping[str, Floats]
    drafted: Flags
    tier: str
    higher: tuple[str, ...]
    effort: Mapping[str, float]

    @property
    def wins(self) -> Floats:
        """What going up to the largest tier changes, for each row."""
        return self.labels[self.higher[-1]] - self.labels[self.tier]

    def only(self, wanted: Flags) -> _Fitter:
        """The same for some of the rows."""
        rows = tuple(row for row, one in zip(self.rows, wanted, strict=True) if one)
        labels = {name: values[wanted] for name, values in self.labels.items()}
        return _Fitter(rows, labels, self.drafted[wanted], self.tier, self.higher, self.effort)

    def fit(
        self,
        features: Sequence[Mapping[str, float]],
        bounds: Mapping[str, int],
        penalties: Sequence[float],
        *,
        every: bool = False,
    ) -> tuple[dict[str, Head], dict[str, Floats]]:
        """A head for each tier, on the drafts that do not fail plainly unless ``every`` row is wanted."""
        use = np.ones(len(self.rows), bool) if every else self.drafted
        some = [f for f, wanted in zip(features, use, strict=True) if wanted]
        heads, crossed = {}, {}
        for name in (self.tier, *self.higher):
            own = name == self.tier
            bound = bounds if own else dict.fromkeys(bounds, 0)
            heads[name], inside = _fit(some, self.labels[name][use], bound, penalties if own else _FIRM)
            crossed[name] = np.array([heads[name].p(f) for f in features])
            crossed[name][use] = inside
        return heads, crossed

    def gain(self, chances: Mapping[str, Floats], *, failed: bool = False) -> Floats:
        """The best expected gain of each row; 1 for a draft that fails plainly, if that is known by then."""
        best = np.max([chances[name] for name in self.higher], axis=0) - chances[self.tier]
        return np.where(self.drafted, best, 1.0) if failed else best

    def mean_gain(self) -> Floats:
        """What is known before anything is measured."""
        return np.full(len(self.rows), float(self.wins.mean()))

    def stage(self, heads: dict[str, Head], chances: Mapping[str, Floats], before: Floats, after: Floats) -> Stage:
        p, right = chances[self.tier][self.drafted], self.labels[self.tier][self.drafted]
        area = auroc(p, right)
        spread = _spread(self.wins[self.drafted], before[self.drafted], after[self.drafted])
        return Stage(heads, spread, None if math.isnan(area) else area, brier(p, right))


def _spread(wins: Floats, before: Floats, after: Floats) -> float:
    """How far the gain is moved by what is known after and not before.

    For chances that are true the mean squared move is just what the mean squared error falls by; taking the fall of the
    cross-validated error in its place counts a move only as far as it is in the right direction.
    """
    fall = float(np.mean((wins - before) ** 2) - np.mean((wins - after) ** 2))
    return math.sqrt(max(0.0, fall))


def _fit(
    features: Sequence[Mapping[str, float]], right: Floats, bounds: Mapping[str, int], penalties: Sequence[float]
) -> tuple[Head, Floats]:
    present = {name: sign for name, sign in bounds.items() if any(name in row for row in features)}
    if min(right.sum(), (1 - right).sum()) < 3:  # nothing to tell apart: the share of right ones, kept off 0 and 1
        share = (float(right.sum()) + 1) / (len(right) + 2)
        return Head((), (), (), (), math.log(share / (1 - share))), np.full(len(right), share)
    return fit_head(features, right, present, penalties=penalties)


def _proven(p: Floats, right: Floats, draws: int = 400) -> bool:
    """Whether a prediction tells right from wrong on questions that it has not seen, and not by luck."""
    areas = np.array([auroc(p[pick], right[pick]) for pick in _picks(len(p), draws)])
    return bool(auroc(p, right) >= PROVEN and interval(areas, 0.9)[0] > 0.5)


def _picks(n: int, draws: int) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    return [np.repeat(np.arange(n), weights.astype(int)) for weights in resamples(n, draws)]


def _check(rows: Sequence[Labelled], tier: str) -> None:
    if len(rows) < LEAST:
        raise InvalidInput(
            f"There are {len(rows)} usable questions with known outcomes; at least {LEAST} are needed.",
            fix="Add questions; about 300 are a good number.",
        )
    right = sum(row.right[tier] > 0.5 for row in rows)
    if min(right, len(rows) - right) < LEAST_OF_EACH:
        how = "right" if right > len(rows) / 2 else "wrong"
        raise InvalidInput(
            f"{tier} was {how} on {max(right, len(rows) - right)} of {len(rows)} questions, so there is nothing to"
            " learn about when it is not.",
            fix=f"Use questions of which {tier} answers some and fails some: at least {LEAST_OF_EACH} each.",
        )


def _is_known(row: Labelled, tiers: Sequence[str]) -> bool:
    return all(0 <= row.right.get(tier, math.nan) <= 1 for tier in tiers)


def _without_nan(row: Labelled) -> Labelled:
    """What is no number was not measured."""
    drafts = {tier: _numbers(features) for tier, features in row.drafts.items()}
    vector = row.vector if all(map(math.isfinite, row.vector)) else ()
    return replace(row, asked=_numbers(row.asked), drafts=drafts, vector=vector)


def _numbers(features: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in features.items() if math.isfinite(value)}


def _effort(rows: Sequence[Labelled], higher: Sequence[str]) -> dict[str, float]:
    """Cost of each tier's call in calls of the largest: by money where it is known, else by place."""
    means = [float(np.mean([row.usd.get(t, 0.0) for row in rows])) for t in higher]
    if all(value > 0 for value in means):
        return {t: min(1.0, value / means[-1]) for t, value in zip(higher, means, strict=True)}
    return {t: (place + 1) / len(higher) for place, t in enumerate(higher)}


def _left(rows: Sequence[Mapping[str, float]]) -> float:
    lengths = [math.exp(row["log_tokens"]) for row in rows if "log_tokens" in row]
    return float(np.mean([max(0.0, 1 - BEGUN_TOKENS / length) for length in lengths])) if lengths else 0.0


def _thinned(gains: Floats) -> tuple[float, ...]:
    ordered = np.sort(gains)
    if len(ordered) > _KEPT_GAINS:
        ordered = ordered[np.linspace(0, len(ordered) - 1, _KEPT_GAINS).round().astype(int)]
    return tuple(round(float(gain), 5) for gain in ordered)
