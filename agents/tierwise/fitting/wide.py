"""Linear heads over thousands of columns, some dense and most sparse, without ever building a square matrix.

Everything is a product of the table with a vector, so time and memory grow with the values that are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tierwise.fitting.sparse import Floats, Sparse

_TOLERANCE = 1e-3
_MOST_STEPS = 200
_NEWTON_STEPS = 8


@dataclass(frozen=True)
class Wide:
    """Rows of dense columns with sparse ones to their right.

    Attributes:
        dense: shape ``(n, k)``.
        sparse: ``n`` rows.
    """

    dense: Floats
    sparse: Sparse

    def __len__(self) -> int:
        return len(self.dense)

    @property
    def width(self) -> int:
        """Columns of both."""
        return int(self.dense.shape[1]) + self.sparse.width

    def times(self, weights: Floats) -> Floats:
        """The table times a vector of shape ``(width,)``."""
        k = self.dense.shape[1]
        made: Floats = self.dense @ weights[:k] + self.sparse.times(weights[k:])
        return made

    def turned_times(self, rows: Floats) -> Floats:
        """The transposed table times a vector of shape ``(n,)``."""
        return np.concatenate([self.dense.T @ rows, self.sparse.turned_times(rows)])

    def take(self, index: NDArray[np.intp]) -> Wide:
        """Some rows."""
        return Wide(self.dense[index], self.sparse.take(index))


def ridge(x: Wide, y: Floats, penalties: Sequence[float]) -> tuple[list[Floats], float]:
    """Least squares with each of several penalties on the squared weights, for the price of the smallest.

    Conjugate gradients for shifted systems (Jegerlehner 1996, hep-lat/9612014): all penalties share one sequence of
    directions. The table should be centred as far as it matters: the intercept is the mean of ``y``.

    Args:
        x: shape ``(n, width)``.
        y: shape ``(n,)``.
        penalties: above 0, for the sum over rows.

    Returns:
        Weights of each penalty, shape ``(width,)``, and the intercept.
    """
    mean = float(y.mean())
    base = min(penalties)
    shifts = np.array(penalties) - base
    residual = x.turned_times(y - mean)
    direction = residual.copy()
    shifted = [residual.copy() for _ in penalties]
    weights = [np.zeros(x.width) for _ in penalties]
    zeta, before = np.ones(len(shifts)), np.ones(len(shifts))
    old_alpha, old_beta = 1.0, 0.0
    norm = first = float(residual @ residual)
    for _ in range(_MOST_STEPS):
        if norm <= first * _TOLERANCE**2:
            break
        turned = x.turned_times(x.times(direction)) + base * direction
        alpha = norm / float(direction @ turned)
        # The recurrences of the paper with alpha as the step and beta as the share of the old direction.
        down = alpha * old_beta * (before - zeta) + before * old_alpha * (1.0 + shifts * alpha)
        after = zeta * before * old_alpha / np.where(down == 0, 1.0, down)
        ratio = after / np.where(zeta == 0, 1.0, zeta)
        residual = residual - alpha * turned
        new_norm = float(residual @ residual)
        beta = new_norm / norm
        for i, own in enumerate(shifted):
            weights[i] += alpha * ratio[i] * own
            shifted[i] = after[i] * residual + beta * ratio[i] ** 2 * own
        direction = residual + beta * direction
        before, zeta, old_alpha, old_beta, norm = zeta, after, alpha, beta, new_norm
    return weights, mean


def logistic(x: Wide, y: Floats, penalty: float, start: tuple[Floats, float] | None = None) -> tuple[Floats, float]:
    """Ridge logistic regression by Newton's method, each step solved by conjugate gradients (Lin et al. 2008, JMLR 9).

    Args:
        x: shape ``(n, width)``.
        y: shares of right, shape ``(n,)``.
        penalty: on half the squared weights, for the sum over rows; the intercept is free.
        start: weights and intercept to begin with, such as those of a neighbouring penalty.

    Returns:
        Weights of shape ``(width,)`` and the intercept.
    """
    rate = min(max(float(y.mean()), 1e-3), 1 - 1e-3)
    w = np.append(*start) if start else np.append(np.zeros(x.width), np.log(rate / (1 - rate)))
    ridge_ = np.append(np.full(x.width, penalty), 1e-6)
    first = None
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x.times(w[:-1]) + w[-1], -30, 30)))
        wrong = p - y
        gradient = np.append(x.turned_times(wrong), wrong.sum()) + ridge_ * w
        size = float(np.linalg.norm(gradient))
        first = first or size
        if size <= 3e-3 * first or size < 1e-6:
            break
        w = w - _newton(x, np.maximum(p * (1 - p), 1e-4), ridge_, gradient)
    return w[:-1], float(w[-1])


def _newton(x: Wide, spread: Floats, ridge_: Floats, gradient: Floats) -> Floats:
    """Solve Hessian times step = gradient."""
    step, residual = np.zeros(len(gradient)), gradient.copy()
    # Jacobi preconditioning of the intercept alone: its curvature is far from the others'.
    scale = np.append(np.ones(x.width), 1.0 / max(float(spread.sum()), 1e-9) ** 0.5)
    residual = residual * scale
    direction = residual.copy()
    norm = first = float(residual @ residual)
    for _ in range(_MOST_STEPS):
        if norm <= first * 0.05**2:
            break
        d = direction * scale
        rows = spread * (x.times(d[:-1]) + d[-1])
        turned = (np.append(x.turned_times(rows), rows.sum()) + ridge_ * d) * scale
        alpha = norm / float(direction @ turned)
        step += alpha * direction
        residual = residual - alpha * turned
        new_norm = float(residual @ residual)
        direction = residual + new_norm / norm * direction
        norm = new_norm
    made: Floats = step * scale
    return made
