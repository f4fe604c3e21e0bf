"""A few directions in place of a whole vector: some hundred questions cannot tell 384 numbers apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tierwise.fitting.logistic import Floats, Head
from tierwise.signals import vector_names

DIRECTIONS = 24


@dataclass(frozen=True)
class Compressed:
    """Vectors along their principal directions.

    Attributes:
        rows: the vectors as features ``names``; empty for a question without a vector.
        names: of the directions, the one along which questions differ most first.
        basis: shape ``(len(names), dimension)``.
        centre: mean of the vectors.
    """

    rows: tuple[dict[str, float], ...]
    names: tuple[str, ...]
    basis: Floats
    centre: Floats

    def spread_out(self, head: Head) -> Head:
        """The same head over the numbers of the vector itself, as it is used."""
        kept = [i for i, name in enumerate(head.names) if name not in self.names]
        weights = np.zeros(len(self.centre))
        for name, scale, weight in zip(head.names, head.scales, head.weights, strict=True):
            if name in self.names:
                weights += weight / scale * self.basis[self.names.index(name)]
        return Head(
            (*(head.names[i] for i in kept), *vector_names(len(weights))),
            (*(head.means[i] for i in kept), *map(float, self.centre)),
            (*(head.scales[i] for i in kept), *(1.0 for _ in weights)),
            (*(head.weights[i] for i in kept), *map(float, weights)),
            head.intercept,
        )


def compress(vectors: Sequence[Sequence[float]]) -> Compressed:
    """Find the directions; labels play no part, so cross-validation may use them.

    Args:
        vectors: one a question, all of one length or empty.
    """
    present = np.array([v for v in vectors if len(v)], float)
    if len(present) < 2:
        return Compressed(tuple({} for _ in vectors), (), np.zeros((0, 0)), np.zeros(0))
    centre = present.mean(axis=0)
    _, _, basis = np.linalg.svd(present - centre, full_matrices=False)
    basis = basis[: min(DIRECTIONS, len(present) // 4)]
    names = tuple(f"direction{i}" for i in range(len(basis)))
    rows = [
        dict(zip(names, map(float, basis @ (np.asarray(v) - centre)), strict=True)) if len(v) else {} for v in vectors
    ]
    return Compressed(tuple(rows), names, basis, centre)
