"""Fit an evidence card: ridge logistic regression whose signs make sense, judged by cross-validation. numpy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What a rise of the feature may mean for the chance that a draft is right: +1 better, -1 worse, 0 either. A weight
# against its sign would come from features that say nearly the same, and the reason it gives would be nonsense.
SIGNS = {
    "logprob_mean": 1,
    "logprob_p10": 1,
    "logprob_min": 1,
    "low_share": -1,
    "margin_mean": 1,
    "entropy_mean": -1,
    "log_tokens": -1,
    "grounded": 0,
    "top_score": 1,
    "question_coverage": 1,
    "supported_share": 1,
    "hedges": -1,
    "echo": 0,
}
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3)
FOLDS = 10
REPEATS = 5
# What a wrong answer that is accepted costs, when a right draft that is sent up needlessly costs 1.
WRONG_COSTS = {"economy": 0.5, "balanced": 1.0, "quality": 3.0}


@dataclass(frozen=True)
class Fit:
    """A fitted model with its cross-validated predictions (mean over the repeats)."""

    means: Floats
    scales: Floats
    weights: Floats
    intercept: float
    penalty: float
    predicted: Floats


def fit(rows: Sequence[dict[str, float]], right: Sequence[bool]) -> Fit:
    """Fit all rows, and predict each row by models that have not seen it.

    Args:
        rows: features; absent ones are absent.
        right: whether the draft was right.
    """
    raw = np.array([[row.get(name, np.nan) for name in SIGNS] for row in rows])
    y = np.asarray(right, float)
    predicted = np.zeros((REPEATS, len(y)))
    for repeat in range(REPEATS):
        for train, test in _folds(y, FOLDS, seed=repeat):
            means, scales = _moments(raw[train])
            x = _standard(raw[train], means, scales)
            weights, intercept = _solve(x, y[train], _best_penalty(x, y[train]))
            predicted[repeat, test] = _sigmoid(_standard(raw[test], means, scales) @ weights + intercept)
    means, scales = _moments(raw)
    x = _standard(raw, means, scales)
    penalty = _best_penalty(x, y)
    weights, intercept = _solve(x, y, penalty)
    return Fit(means, scales, weights, intercept, penalty, predicted.mean(axis=0))


def accept_at(predicted: Floats, right: Sequence[bool], wrong_cost: float, *, resamples: int = 400) -> float:
    """The line that makes accepting cheapest: the mean over bootstrap resamples, which a few rows cannot move.

    Args:
        predicted: chances for drafts that the model has not seen.
        right: whether each was right.
        wrong_cost: cost of accepting a wrong draft; sending a right one up costs 1.
        resamples: how many.
    """
    y = np.asarray(right, bool)
    rng = np.random.default_rng(7)
    grid = np.linspace(0.05, 0.95, 91)
    accepted = predicted[None, :] >= grid[:, None]
    best = []
    for _ in range(resamples):
        pick = rng.integers(0, len(y), len(y))
        cost = (accepted[:, pick] & ~y[pick]).sum(1) * wrong_cost + (~accepted[:, pick] & y[pick]).sum(1)
        best.append(grid[cost == cost.min()].mean())
    return float(np.mean(best))


def auroc(score: Sequence[float] | Floats, right: Sequence[bool]) -> float:
    """Chance that a right draft scores above a wrong one; ties count half."""
    s, y = np.asarray(score, float), np.asarray(right, bool)
    differences = s[y][:, None] - s[~y][None, :]
    return float(((differences > 0) + 0.5 * (differences == 0)).mean()) if y.any() and (~y).any() else float("nan")


def brier(predicted: Floats, right: Sequence[bool]) -> float:
    """Mean squared error of the chances."""
    return float(np.mean((predicted - np.asarray(right, float)) ** 2))


def _moments(raw: Floats) -> tuple[Floats, Floats]:
    counts = (~np.isnan(raw)).sum(axis=0)
    safe = np.where(counts, counts, 1)
    means = np.nansum(raw, axis=0) / safe
    scales = np.sqrt(np.nansum((raw - means) ** 2, axis=0) / safe)
    return means, np.where(scales > 1e-9, scales, 1.0)


def _standard(raw: Floats, means: Floats, scales: Floats) -> Floats:
    return np.nan_to_num((raw - means) / scales, nan=0.0)


def _sigmoid(z: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(z, -30, 30)))


def _solve(x: Floats, y: Floats, penalty: float) -> tuple[Floats, float]:
    """Projected gradient with momentum; features whose column is constant keep weight 0."""
    n, k = x.shape
    signs = np.array(list(SIGNS.values()))
    with_one = np.hstack([x, np.ones((n, 1))])
    step = 1.0 / (0.25 * np.linalg.eigvalsh(with_one.T @ with_one / n)[-1] + penalty)
    ridge = np.append(np.full(k, penalty), 0.0)
    w = v = np.zeros(k + 1)
    for i in range(400):
        gradient = with_one.T @ (_sigmoid(with_one @ v) - y) / n + ridge * v
        new = v - step * gradient
        new[:k] = np.where(signs > 0, np.maximum(new[:k], 0), np.where(signs < 0, np.minimum(new[:k], 0), new[:k]))
        v = new + i / (i + 3) * (new - w)
        w = new
    return w[:k], float(w[k])


def _best_penalty(x: Floats, y: Floats) -> float:
    losses = []
    for penalty in PENALTIES:
        loss = 0.0
        for train, test in _folds(y, 5, seed=99):
            weights, intercept = _solve(x[train], y[train], penalty)
            p = np.clip(_sigmoid(x[test] @ weights + intercept), 1e-6, 1 - 1e-6)
            loss -= float((y[test] * np.log(p) + (1 - y[test]) * np.log(1 - p)).sum())
        losses.append(loss)
    return PENALTIES[int(np.argmin(losses))]


def _folds(y: Floats, k: int, *, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Train and test rows, the share of right drafts alike in each fold."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(y), int)
    for value in (0.0, 1.0):
        rows = rng.permutation(np.flatnonzero(y == value))
        fold[rows] = np.arange(len(rows)) % k
    for i in range(k):
        yield np.flatnonzero(fold != i), np.flatnonzero(fold == i)
