"""From encoded rows to three chances: the weak model is good, the strong one is, and what the strong one gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tierwise.fitting.logistic import platt
from tierwise.fitting.wide import Wide, logistic, ridge
from tierwise.routing.recorded.encode import Encoded

Floats = NDArray[np.float64]
# In standard deviations of a form feature.
_CUT = 4.0
# At equal strength, squared error needs about four times the penalty of log-loss, whose curvature is p (1 - p).
_RIDGE = 4.0
# Share of the gain learned directly; the rest is the difference of the two chances.
MIX = 0.5


@dataclass(frozen=True, slots=True)
class Setting:
    """How loudly each block of columns speaks, and the penalty on all weights."""

    vectors: float
    words: float
    form: float
    penalty: float


@dataclass(frozen=True)
class GainHead:
    """Linear in all columns.

    Attributes:
        names: of the form features.
        means: of the dense columns (vectors, then form), shape ``(k,)``.
        factors: what the centred dense columns are multiplied by, shape ``(k,)``.
        cut: largest size of a scaled form feature; one odd text must not decide by its oddness.
        dense: weights of the dense columns for logit of weak, logit of strong, and gain; shape ``(3, k)``.
        words: weights of the hashed words, shape ``(3, buckets)``.
        intercepts: shape ``(3,)``.
    """

    names: tuple[str, ...]
    means: Floats
    factors: Floats
    cut: float
    dense: Floats
    words: Floats
    intercepts: Floats

    def outputs(self, rows: Encoded) -> Floats:
        """Logit of the weak model's chance, of the strong one's, and the gain learned directly; shape ``(n, 3)``."""
        dense = _scaled(rows, self.means, self.factors, self.cut) @ self.dense.T
        return np.column_stack([rows.words.times(weights) for weights in self.words]) + dense + self.intercepts

    def gain(self, rows: Encoded) -> Floats:
        """Expected gain of the strong model, shape ``(n,)``."""
        return gain_of(self.outputs(rows))

    def calibrated(self, crossed: Floats, weak: Floats, strong: Floats) -> GainHead:
        """The same head with slopes and shifts that make cross-validated outputs true on average (Platt 1999).

        Args:
            crossed: outputs of heads that have not seen the rows, shape ``(n, 3)``.
            weak: quality of the weak model, shape ``(n,)``.
            strong: quality of the strong model.
        """
        slopes, shifts = calibration(crossed, weak, strong)
        return replace(
            self,
            dense=self.dense * slopes[:, None],
            words=self.words * slopes[:, None],
            intercepts=self.intercepts * slopes + shifts,
        )


def gain_of(outputs: Floats) -> Floats:
    """Three outputs as one expected gain."""
    chance = 1.0 / (1.0 + np.exp(-np.clip(outputs[:, :2], -30, 30)))
    made: Floats = (1.0 - MIX) * (chance[:, 1] - chance[:, 0]) + MIX * outputs[:, 2]
    return made


def calibration(crossed: Floats, weak: Floats, strong: Floats) -> tuple[Floats, Floats]:
    """Slope and shift of each output; a slope is never below 0, so no order is turned round."""
    pairs = [platt(crossed[:, 0], weak), platt(crossed[:, 1], strong)]
    gain, said = strong - weak, crossed[:, 2]
    spread = float(said.var())
    slope = min(max(float(np.mean((said - said.mean()) * gain)) / spread, 0.0), 1.5) if spread > 0 else 0.0
    pairs.append((slope, float(gain.mean()) - slope * float(said.mean())))
    slopes, shifts = np.array(pairs).T
    return slopes, shifts


def fit(rows: Encoded, weak: Floats, strong: Floats, setting: Setting) -> GainHead:
    """Fit to rows with results.

    Args:
        rows: encoded, ``n`` of them.
        weak: quality of the weak model in [0, 1], shape ``(n,)``.
        strong: quality of the strong model.
        setting: loudness and penalty.
    """
    x, means, factors, cut = _table(rows, setting)
    k = x.dense.shape[1]
    gains, mean = ridge(x, strong - weak, [_RIDGE * setting.penalty])
    of_weak, of_strong = (logistic(x, one, setting.penalty) for one in (weak, strong))
    weights = np.stack([of_weak[0], of_strong[0], gains[0]])
    intercepts = np.array([of_weak[1], of_strong[1], mean])
    return GainHead(rows.names, means, factors, cut, weights[:, :k], weights[:, k:] * setting.words, intercepts)


def direct_gains(rows: Encoded, gain: Floats, setting: Setting, penalties: Sequence[float], unseen: Encoded) -> Floats:
    """Gains of unseen rows learned directly, with each of several penalties; shape ``(len(penalties), len(unseen))``.

    It costs little more than one fit, which is why settings are compared by it.
    """
    x, means, factors, cut = _table(rows, setting)
    weights, mean = ridge(x, gain, [_RIDGE * penalty for penalty in penalties])
    new = Wide(_scaled(unseen, means, factors, cut), unseen.words.scaled(setting.words))
    return np.stack([new.times(one) + mean for one in weights])


def _table(rows: Encoded, setting: Setting) -> tuple[Wide, Floats, Floats, float]:
    means, factors = _scales(rows, setting)
    cut = _CUT * setting.form / max(1, rows.form.shape[1]) ** 0.5
    return Wide(_scaled(rows, means, factors, cut), rows.words.scaled(setting.words)), means, factors, cut


def _scales(rows: Encoded, setting: Setting) -> tuple[Floats, Floats]:
    spread = rows.form.std(axis=0)
    varies = spread > 1e-9
    form = np.where(varies, setting.form / max(1, len(spread)) ** 0.5 / np.where(varies, spread, 1.0), 0.0)
    means = np.concatenate([rows.vectors.mean(axis=0), rows.form.mean(axis=0)])
    return means, np.concatenate([np.full(rows.vectors.shape[1], setting.vectors), form])


def _scaled(rows: Encoded, means: Floats, factors: Floats, cut: float) -> Floats:
    d = rows.vectors.shape[1]
    form = np.clip((rows.form - means[d:]) * factors[d:], -cut, cut)
    return np.hstack([(rows.vectors - means[:d]) * factors[:d], form])
