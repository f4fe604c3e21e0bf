"""Fit an evidence card: ridge logistic regression whose signs make sense, judged by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tierwise.fitting.logistic import Floats, best_penalty, folds, moments, solve, standard

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
    y, signs = np.asarray(right, float), np.array(list(SIGNS.values()), float)
    predicted = np.zeros((REPEATS, len(y)))
    for repeat in range(REPEATS):
        for train, test in folds(y, FOLDS, seed=repeat):
            means, scales = moments(raw[train])
            x = standard(raw[train], means, scales)
            weights, intercept = solve(x, y[train], best_penalty(x, y[train], signs, PENALTIES), signs)
            logits = standard(raw[test], means, scales) @ weights + intercept
            predicted[repeat, test] = 1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30)))
    means, scales = moments(raw)
    x = standard(raw, means, scales)
    penalty = best_penalty(x, y, signs, PENALTIES)
    weights, intercept = solve(x, y, penalty, signs)
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
