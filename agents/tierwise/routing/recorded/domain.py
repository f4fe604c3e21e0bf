"""Whether a question is of a kind that was trained on: a head that has only seen sums knows nothing about contracts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tierwise.routing.recorded.encode import Encoded

Floats = NDArray[np.float64]
# Share of the training rows' own kind that is taken for foreign: the price of noticing what is.
MISTAKEN = 0.01
_CENTRES = 32
_ROUNDS = 12
_FOLDS = 3
# Weight of the form beside the vector. Vectors alone take any school question for any other: what sets a new kind of
# work apart is often its form, such as ten options, or none.
_FORM = 0.5
# A form feature that hardly varied in training counts as if it had varied by this much.
_LEAST_SPREAD = 0.15
_CUT = 6.0


@dataclass(frozen=True)
class Domain:
    """Centres of the questions that were trained on, and how far from the nearest one a new question may be.

    Distance to the nearest of a few centres found by k-means (Lloyd 1982), over the question's vector and its form.

    Attributes:
        means: of the form features, shape ``(k,)``.
        spreads: their standard deviations, never below a least one.
        centres: shape ``(c, d + k)``.
        line: largest squared distance that still counts as known.
    """

    means: Floats
    spreads: Floats
    centres: Floats
    line: float

    @classmethod
    def fit(cls, rows: Encoded, groups: NDArray[np.intp]) -> Domain:
        """Learn the centres; the line is where all but :data:`MISTAKEN` of the held-out rows are inside.

        Args:
            rows: encoded questions, without answers.
            groups: rows that must stand on the same side of a split.
        """
        held = np.zeros(len(rows))
        for fold in range(_FOLDS):
            test = groups % _FOLDS == fold
            if test.any() and not test.all():
                held[test] = cls._of(rows.take(np.flatnonzero(~test))).distance(rows.take(np.flatnonzero(test)))
        made = cls._of(rows)
        return cls(made.means, made.spreads, made.centres, float(np.quantile(held, 1.0 - MISTAKEN)))

    @classmethod
    def _of(cls, rows: Encoded) -> Domain:
        means, spreads = rows.form.mean(axis=0), np.maximum(rows.form.std(axis=0), _LEAST_SPREAD)
        points = _points(rows.vectors, rows.form, means, spreads)
        return cls(means, spreads, _k_means(points), 0.0)

    def distance(self, rows: Encoded) -> Floats:
        """Squared distance of each question to its nearest centre, shape ``(n,)``; answers beside it do not count."""
        k = len(self.means)
        d = self.centres.shape[1] - k
        points = _points(rows.vectors[:, :d], rows.form[:, :k], self.means, self.spreads)
        made: Floats = _squares(points, self.centres).min(axis=1)
        return made

    def knows(self, rows: Encoded) -> NDArray[np.bool_]:
        """Whether each question is of a kind that was trained on."""
        return self.distance(rows) <= self.line


def _points(vectors: Floats, form: Floats, means: Floats, spreads: Floats) -> Floats:
    scaled = np.clip((form - means) / spreads, -_CUT, _CUT) * (_FORM / max(1, form.shape[1]) ** 0.5)
    return np.hstack([vectors, scaled])


def _k_means(points: Floats) -> Floats:
    rng = np.random.default_rng(5)
    centres = points[rng.choice(len(points), min(_CENTRES, len(points)), replace=False)].copy()
    for _ in range(_ROUNDS):
        nearest = _squares(points, centres).argmin(axis=1)
        for i in range(len(centres)):
            own = nearest == i
            if own.any():
                centres[i] = points[own].mean(axis=0)
    return centres


def _squares(a: Floats, b: Floats) -> Floats:
    made: Floats = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2.0 * a @ b.T
    return made
