"""What a calibration is worth, in figures that can be held against always, never and at random."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tierwise.errors import InvalidInput
from tierwise.fitting.metrics import (
    Curve,
    Floats,
    auroc,
    brier,
    calibration_error,
    curve,
    expected_error,
    interval,
    reliability,
    resamples,
)
from tierwise.routing.calibration.fit import LEAST, DraftFit, fit_drafts
from tierwise.routing.calibration.stages import Stage
from tierwise.routing.dial import line_for, share_above
from tierwise.types import Wish

WISHES: tuple[Wish, ...] = ("economy", "balanced", "quality", 0.1, 0.2, 0.3, 0.5)
_DRAWS = 1000


def figures(fit: DraftFit, tier: str) -> dict[str, Any]:
    """Cross-validated figures of the drafts of one tier against the largest, all JSON values.

    :func:`label_curve` tells how many more labels would help.

    Returns:
        ``n``; ``weak``, ``strong`` and ``oracle`` (quality of never, always and ideally calling); ``curve`` (``share``,
        ``quality``) with ``apgr`` and its 95 % interval; ``curve_asked`` before drafting; ``auroc``, ``brier`` and its
        ``base`` of the final chance; ``error`` (ECE) with ``error_expected``, which a true chance stays under in 95 %
        of samples of this size; ``reliability``; ``dial``: share of calls and quality of each wish; ``stages``: what
        each look brought; ``prediction`` (whether it is on).
    """
    top = fit.stages.higher[-1]
    weak = np.array([row.right[tier] for row in fit.rows])
    strong = np.array([row.right[top] for row in fit.rows])
    last = list(fit.gains)[-1]
    gains, p = fit.gains[last], fit.chances[last][tier]
    drawn = np.array([tier not in row.failed for row in fit.rows])
    final = curve(gains, weak, strong)
    base = float(weak.mean())
    return {
        "n": len(fit.rows),
        "weak": base,
        "strong": float(strong.mean()),
        "oracle": _curve(curve(strong - weak, weak, strong)),
        "curve": _curve(final),
        "apgr": final.apgr,
        "apgr_interval": interval(_apgrs(gains, weak, strong)),
        "curve_asked": _curve(curve(fit.gains["asked"], weak, strong)),
        "auroc": auroc(p[drawn], weak[drawn]),
        "brier": brier(p[drawn], weak[drawn]),
        "base": float(weak[drawn].mean() * (1 - weak[drawn].mean())),
        "error": calibration_error(p[drawn], weak[drawn]),
        "error_expected": expected_error(p[drawn]),
        "reliability": [[b.n, b.said, b.came] for b in reliability(p[drawn], weak[drawn])],
        "dial": {str(wish): _at(gains, weak, strong, wish) for wish in WISHES},
        "stages": _stages(fit),
        "prediction": fit.stages.asked is not None,
    }


def _at(gains: Floats, weak: Floats, strong: Floats, wish: Wish) -> dict[str, float]:
    line = line_for(wish, gains.tolist())
    called = gains > line
    return {
        "line": line,
        "share": share_above(line, gains.tolist()),
        "quality": float(np.where(called, strong, weak).mean()),
    }


def _curve(made: Curve, points: int = 101) -> dict[str, list[float]]:
    """A curve at evenly spaced shares, for plots and tables."""
    shares = np.linspace(0, 1, points)
    return {"share": shares.round(4).tolist(), "quality": [round(made.at(float(s)), 5) for s in shares]}


def _apgrs(gains: Floats, weak: Floats, strong: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([curve(gains, weak, strong, weights).apgr for weights in resamples(len(gains), _DRAWS)])


def _stages(fit: DraftFit) -> dict[str, dict[str, float | None]]:
    looks: dict[str, Stage | None] = dict(fit.stages.looks.items())
    named = {"asked": fit.stages.asked, "begun": fit.stages.begun, "draft": fit.stages.draft, **looks}
    return {
        name: {"auroc": stage.auroc, "brier": stage.brier, "spread": stage.spread}
        for name, stage in named.items()
        if stage is not None
    }


def label_curve(fit: DraftFit, tier: str, higher: Sequence[str], *, draws: int = 2) -> dict[str, Any] | None:
    """What more labels would bring: a fit repeated on random halves and quarters of its rows.

    Returns:
        ``curve``: pairs of labels and cross-validated APGR; ``doubling``: what each doubling brought on average.
        ``None`` if there are too few rows to take some away, or no gap between the tiers.
    """
    rng, rows = np.random.default_rng(7), fit.rows
    points: list[tuple[int, float]] = []
    for part in (4, 2):
        if len(rows) // part < LEAST:
            continue
        scores = []
        for _ in range(draws):
            some = [rows[i] for i in sorted(rng.permutation(len(rows))[: len(rows) // part])]
            with contextlib.suppress(InvalidInput):
                scores.append(_apgr(fit_drafts(some, tier, higher), tier))
        if scores:
            points.append((len(rows) // part, float(np.mean(scores))))
    points.append((len(rows), _apgr(fit, tier)))
    if len(points) < 2 or not all(math.isfinite(score) for _, score in points):
        return None
    doublings = np.log2(points[-1][0] / points[0][0])
    return {"curve": points, "doubling": float((points[-1][1] - points[0][1]) / doublings)}


def _apgr(fit: DraftFit, tier: str) -> float:
    weak = np.array([row.right[tier] for row in fit.rows])
    strong = np.array([row.right[fit.stages.higher[-1]] for row in fit.rows])
    return curve(list(fit.gains.values())[-1], weak, strong).apgr
