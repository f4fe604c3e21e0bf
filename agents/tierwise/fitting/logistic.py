"""Ridge logistic regression over named features, judged by cross-validation.

A feature that a row does not have adds nothing: it is neither good nor bad. A weight may be held to a sign, so that the
reason it gives makes sense: of features that say nearly the same, one would otherwise get the sign of the others' sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_STEPS = 400


@dataclass(frozen=True)
class Head:
    """``p = 1 / (1 + exp(-(intercept + sum(weight * (value - mean) / scale))))``.

    Attributes:
        names: of the features, in the order of the three tuples below.
        means: over the rows that have them.
        scales: their standard deviations, above 0.
        weights: per standard deviation, in logits.
        intercept: in logits.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def __post_init__(self) -> None:
        if len({len(self.names), len(self.means), len(self.scales), len(self.weights)}) != 1:
            raise ValueError("names, means, scales and weights must match")
        if not all(map(math.isfinite, (*self.means, *self.scales, *self.weights, self.intercept))):
            raise ValueError("means, scales and weights must be numbers")
        if min(self.scales, default=1.0) <= 0:
            raise ValueError("scales must be above 0")

    def logit(self, measured: Mapping[str, float]) -> float:
        """The chance on the scale on which features add up."""
        total = self.intercept
        for name, mean, scale, weight in zip(self.names, self.means, self.scales, self.weights, strict=True):
            if weight and math.isfinite(value := measured.get(name, math.nan)):
                total += weight * (value - mean) / scale
        return total

    def p(self, measured: Mapping[str, float]) -> float:
        """The chance."""
        return sigmoid(self.logit(measured))

    def scaled(self, slope: float, shift: float) -> Head:
        """The same head with ``slope * logit + shift`` for its logit (Platt 1999)."""
        weights = tuple(slope * weight for weight in self.weights)
        return Head(self.names, self.means, self.scales, weights, slope * self.intercept + shift)


def sigmoid(logit: float) -> float:
    """The logistic function, for one number."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def table(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    """Rows as an array of shape ``(len(rows), len(names))``, ``nan`` where a feature is absent."""
    return np.array([[row.get(name, math.nan) for name in names] for row in rows], float).reshape(-1, len(names))


def fit_head(
    rows: Sequence[Mapping[str, float]],
    right: Sequence[float] | Floats,
    signs: Mapping[str, int],
    *,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Head, Floats]:
    """Fit a calibrated head, and predict each row by heads that have not seen it.

    The penalty is chosen by cross-validation, inside each fold too. The cross-validated logits then set slope and
    shift (Platt scaling), since a ridge fit to few rows is too timid or too bold.

    Args:
        rows: features; absent ones are absent.
        right: 0 or 1 a row, or a share between.
        signs: the features to use, and whether more of one can only be better (1), only worse (-1) or either (0).
        penalties: ridge penalties to choose from.

    Returns:
        The head, and one cross-validated chance a row, calibrated in the same way.
    """
    names = tuple(signs)
    raw, y = table(rows, names), np.asarray(right, float)
    bound = np.array([signs[name] for name in names], float)
    crossed = np.zeros(len(y))
    for train, test in folds(y, 10, seed=1):
        means, scales = moments(raw[train])
        x = standard(raw[train], means, scales)
        weights, intercept = solve(x, y[train], best_penalty(x, y[train], bound, penalties), bound)
        crossed[test] = standard(raw[test], means, scales) @ weights + intercept
    means, scales = moments(raw)
    x = standard(raw, means, scales)
    weights, intercept = solve(x, y, best_penalty(x, y, bound, penalties), bound)
    slope, shift = platt(crossed, y)
    head = Head(names, _tuple(means), _tuple(scales), _tuple(weights), float(intercept))
    return head.scaled(slope, shift), _sigmoid(slope * crossed + shift)


def platt(logits: Floats, right: Floats) -> tuple[float, float]:
    """Slope and shift that make logits calibrated; the slope stays between 0 and 1.5, so no order is turned round."""
    deviation = float(logits.std()) or 1.0
    centre = float(logits.mean())
    z = ((logits - centre) / deviation)[:, None]
    weights, _ = solve(z, right, 1e-4, np.ones(1))
    slope = min(float(weights[0]) / deviation, 1.5)
    # A slope that was cut needs its shift anew: the mean chance must stay the share of right rows.
    _, base = solve(np.zeros((len(right), 1)), right, 1e-4, np.zeros(1), offset=slope * (logits - centre))
    return slope, base - slope * centre


def moments(raw: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column over the rows that have it; 0 and 1 for a column that says nothing."""
    counts = (~np.isnan(raw)).sum(axis=0)
    safe = np.where(counts, counts, 1)
    means = np.nansum(raw, axis=0) / safe
    scales = np.sqrt(np.nansum((raw - means) ** 2, axis=0) / safe)
    return means, np.where(scales > 1e-9, scales, 1.0)


def standard(raw: Floats, means: Floats, scales: Floats) -> Floats:
    """Standardised columns; what is absent is 0."""
    return np.nan_to_num((raw - means) / scales, nan=0.0)


def solve(x: Floats, y: Floats, penalty: float, signs: Floats, offset: Floats | None = None) -> tuple[Floats, float]:
    """Weights and intercept by projected gradient with momentum (FISTA, Beck and Teboulle 2009).

    Args:
        x: standardised features, shape ``(n, k)``.
        y: shares of right, shape ``(n,)``.
        penalty: ridge penalty on the weights, for the mean loss of a row.
        signs: shape ``(k,)``; see :func:`fit_head`.
        offset: logits to begin with, shape ``(n,)``.
    """
    n, k = x.shape
    with_one = np.hstack([x, np.ones((n, 1))])
    start = np.zeros(n) if offset is None else offset
    step = 1.0 / (0.25 * _largest(with_one.T @ with_one / n) + penalty)
    ridge = np.append(np.full(k, penalty), 0.0)
    low, high = np.where(signs > 0, 0.0, -np.inf), np.where(signs < 0, 0.0, np.inf)
    w = v = np.zeros(k + 1)
    for i in range(_STEPS):
        gradient = with_one.T @ (_sigmoid(start + with_one @ v) - y) / n + ridge * v
        new = v - step * gradient
        np.clip(new[:k], low, high, out=new[:k])
        v = new + i / (i + 3) * (new - w)
        moved, w = np.abs(new - w), new
        if i % 5 == 4 and moved.max() < 1e-5:
            break
    return w[:k], float(w[k])


def best_penalty(x: Floats, y: Floats, signs: Floats, penalties: Sequence[float] = PENALTIES) -> float:
    """The penalty with the lowest cross-validated log-loss."""
    if len(penalties) == 1:
        return penalties[0]
    losses = np.zeros(len(penalties))
    for train, test in folds(y, 5, seed=99):
        for i, penalty in enumerate(penalties):
            weights, intercept = solve(x[train], y[train], penalty, signs)
            p = np.clip(_sigmoid(x[test] @ weights + intercept), 1e-6, 1 - 1e-6)
            losses[i] -= float((y[test] * np.log(p) + (1 - y[test]) * np.log(1 - p)).sum())
    return penalties[int(np.argmin(losses))]


def folds(y: Floats, k: int, *, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Train and test rows; the share of right rows is alike in each fold."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(y), int)
    shuffled = rng.permutation(len(y))
    fold[shuffled[np.argsort(y[shuffled], kind="stable")]] = np.arange(len(y)) % k
    for i in range(k):
        if (fold == i).any() and (fold != i).any():
            yield np.flatnonzero(fold != i), np.flatnonzero(fold == i)


def _largest(square: Floats) -> float:
    """An upper bound of the largest eigenvalue that is nearly met, by a few steps of the power method."""
    v = np.ones(len(square))
    value = 1.0
    for _ in range(30):
        v = square @ v
        value = float(np.linalg.norm(v))
        if value == 0.0:
            return 1.0
        v /= value
    return 1.1 * value


def _sigmoid(z: Floats) -> Floats:
    made: Floats = 0.5 + 0.5 * np.tanh(0.5 * z)  # the same function, without overflow
    return made


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(map(float, values))
