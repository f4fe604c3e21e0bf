"""How good a score is: at telling right from wrong, at telling how often, and at spending calls of a larger model.

Quality against share of calls is measured as RouteLLM does (Ong et al. 2024, arXiv 2406.18665): a score orders the
questions, the first ones go to the strong model, and the curve runs from none to all. Ties are split evenly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auroc(score: Floats, right: Floats) -> float:
    """Chance that a right row scores above a wrong one; ties count half. ``nan`` if all rows are alike.

    Args:
        score: shape ``(n,)``.
        right: shape ``(n,)``, 0 or 1; values between count as that share of a right row.
    """
    order = np.argsort(score, kind="stable")
    _, group = np.unique(score[order], return_inverse=True)
    good = np.bincount(group, right[order])
    bad = np.bincount(group, 1.0 - right[order])
    below = np.cumsum(bad) - bad
    pairs = good.sum() * bad.sum()
    return float((good * (below + bad / 2)).sum() / pairs) if pairs > 0 else float("nan")


def brier(p: Floats, right: Floats) -> float:
    """Mean squared error of chances; lower is better. Always saying the base rate ``b`` gives ``b * (1 - b)``."""
    return float(np.mean((p - right) ** 2))


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of similar chance: how many, what was said on average, how often it came true."""

    n: int
    said: float
    came: float


def reliability(p: Floats, right: Floats, bins: int = 10) -> list[Bin]:
    """Rows in ``bins`` groups of equal size, from the lowest chance to the highest."""
    order = np.argsort(p, kind="stable")
    groups = [group for group in np.array_split(order, bins) if group.size]
    return [Bin(len(g), float(p[g].mean()), float(right[g].mean())) for g in groups]


def calibration_error(p: Floats, right: Floats, bins: int = 10) -> float:
    """Mean distance between what was said and what came true, over :func:`reliability`'s groups (ECE)."""
    groups = reliability(p, right, bins)
    return sum(b.n * abs(b.said - b.came) for b in groups) / sum(b.n for b in groups)


def expected_error(p: Floats, bins: int = 10, *, quantile: float = 0.95, draws: int = 500, seed: int = 7) -> float:
    """The :func:`calibration_error` that a perfectly calibrated predictor stays under in ``quantile`` of all samples.

    A small sample shows an error even if every chance is true; only what is above this is the predictor's own.
    """
    rng = np.random.default_rng(seed)
    errors = [calibration_error(p, (rng.random(len(p)) < p).astype(float), bins) for _ in range(draws)]
    return float(np.quantile(errors, quantile))


# -- spending calls ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """Quality against share of strong calls; both start at share 0 and end at share 1.

    Attributes:
        share: rising from 0 to 1.
        quality: mean quality at that share.
    """

    share: Floats
    quality: Floats

    @property
    def weak(self) -> float:
        """Quality of never calling."""
        return float(self.quality[0])

    @property
    def strong(self) -> float:
        """Quality of always calling."""
        return float(self.quality[-1])

    @property
    def apgr(self) -> float:
        """Average share of the gap recovered, over all shares of calls: 0.5 is chance, ``nan`` if there is no gap."""
        area = float((np.diff(self.share) * (self.quality[1:] + self.quality[:-1]) / 2).sum())
        return _parts(area - self.weak, self.strong - self.weak)

    def at(self, share: float) -> float:
        """Quality at a share of calls."""
        return float(np.interp(share, self.share, self.quality))

    def above_line(self, share: float) -> float:
        """How far the quality at ``share`` is above mixing at random, in parts of the gap; ``nan`` without a gap."""
        return _parts(self.at(share) - self.weak, self.strong - self.weak) - share

    def share_for(self, recovered: float) -> float:
        """Smallest share of calls that recovers this part of the gap; RouteLLM's CPT(x) for ``x = 100 * recovered``."""
        return self._first(self.weak + recovered * (self.strong - self.weak))

    def share_for_quality(self, quality: float) -> float:
        """Smallest share of calls that reaches a quality; ``nan`` if none does."""
        return self._first(quality)

    def _first(self, wanted: float) -> float:
        reached = np.flatnonzero(self.quality >= wanted - 1e-12)
        if not reached.size:
            return float("nan")
        i = int(reached[0])
        if i == 0:
            return 0.0
        low, high = self.quality[i - 1], self.quality[i]
        part = (wanted - low) / (high - low) if high > low else 1.0
        return float(self.share[i - 1] + part * (self.share[i] - self.share[i - 1]))


def _parts(value: float, gap: float) -> float:
    return value / gap if gap else float("nan")


def curve(score: Floats, weak: Floats, strong: Floats, weights: Floats | None = None) -> Curve:
    """The curve of a score: rows with the highest score go to the strong model first.

    Args:
        score: expected gain of the strong model, shape ``(n,)``.
        weak: quality of the weak model on each row.
        strong: quality of the strong model.
        weights: how often each row counts; once by default.
    """
    weights = np.ones(len(score)) if weights is None else weights
    values, group = np.unique(-score, return_inverse=True)
    size = np.bincount(group, weights, minlength=len(values))
    gain = np.bincount(group, weights * (strong - weak), minlength=len(values))
    total = size.sum()
    share = np.concatenate([[0.0], np.cumsum(size) / total])
    quality = (float((weights * weak).sum()) + np.concatenate([[0.0], np.cumsum(gain)])) / total
    share[-1] = 1.0
    return Curve(share, quality)


def resamples(n: int, draws: int, seed: int = 7) -> Floats:
    """Bootstrap weights, shape ``(draws, n)``: how often each row was drawn."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1.0 / n), size=draws).astype(float)


def interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """The middle ``level`` of bootstrap values; those that are ``nan`` are passed over."""
    edge = (1.0 - level) / 2
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, [edge, 1.0 - edge])
    return float(low), float(high)
