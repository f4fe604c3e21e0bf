"""What a measured pair is worth, by the kind of question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tierwise.fitting.metrics import (
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
from tierwise.jsonable import to_json
from tierwise.runtime.live_pair import LivePair, Tested

_DRAWS = 2000


def pair_figures(pair: LivePair) -> dict[str, Any]:
    """Figures as JSON values, under ``kinds`` by the kind of question and for ``all`` of them.

    Of each: ``n``, ``weak``, ``strong``, ``oracle``; by ``stages``: ``auroc`` and its 95 % interval, ``brier`` beside
    ``base``, ``error`` (ECE) beside what a true chance shows, ``apgr``, ``above_half`` (quality at half the calls above
    the straight line between never and always, in parts of the gap) with its one-sided 95 % bound; ``served``: what the
    graph did at each setting.
    """
    kinds = sorted({t.question.kind or "" for t in pair.tested})
    wanted = ["all", *kinds] if len(kinds) > 1 else ["all"]
    return {"kinds": {kind: _of_kind(pair, kind) for kind in wanted}}


def _of_kind(pair: LivePair, kind: str) -> dict[str, Any]:
    some = [t for t in pair.tested if kind in ("all", t.question.kind or "")]
    weak, strong = np.array([t.weak for t in some]), np.array([t.strong for t in some])
    return {
        "n": len(some),
        "weak": float(weak.mean()),
        "strong": float(strong.mean()),
        "oracle": float(np.maximum(weak, strong).mean()),
        "failed": sum(t.failed for t in some),
        "stages": {name: _stage(some, name, weak, strong) for name in some[0].p},
        "served": to_json(pair.served[kind]),
    }


def _stage(some: Sequence[Tested], name: str, weak: Floats, strong: Floats) -> dict[str, Any]:
    drawn = np.array([not t.failed for t in some])
    p, right = np.array([t.p[name] for t in some])[drawn], weak[drawn]
    gain = np.array([t.gain[name] for t in some])
    made = curve(gain, weak, strong)
    share = float(right.mean())
    return {
        "auroc": auroc(p, right),
        "auroc_interval": interval(_drawn(lambda w: auroc(np.repeat(p, w), np.repeat(right, w)), len(p))),
        "brier": brier(p, right),
        "base": share * (1 - share),
        "error": calibration_error(p, right),
        "error_expected": expected_error(p),
        "reliability": [[b.n, b.said, b.came] for b in reliability(p, right)],
        "apgr": made.apgr,
        "above": {str(at): made.above_line(at) for at in (0.2, 0.3, 0.5)},
        "above_half": made.above_line(0.5),
        # One-sided 95 %, so the lower end of the middle 90 %.
        "above_half_low": interval(
            _drawn(lambda w: curve(gain, weak, strong, w.astype(float)).above_line(0.5), len(gain)), 0.9
        )[0],
    }


def _drawn(measure: Callable[[Any], float], n: int) -> Floats:
    return np.array([measure(weights.astype(int)) for weights in resamples(n, _DRAWS)])
