"""A matrix of mostly zeros, by rows, with the two products that fitting needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sparse:
    """Compressed rows: row ``i`` holds ``values[starts[i]:starts[i + 1]]`` in the same part of ``columns``.

    A column may occur more than once in a row; its values then count together.

    Attributes:
        starts: shape ``(rows + 1,)``, rising from 0.
        columns: of each value, below ``width``.
        values: as many as there are columns.
        width: number of columns.
    """

    starts: Ints
    columns: Ints
    values: Floats
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def times(self, weights: Floats) -> Floats:
        """The matrix times a vector of shape ``(width,)``; shape ``(rows,)``."""
        sums = np.concatenate([[0.0], np.cumsum(self.values * weights[self.columns])])
        made: Floats = sums[self.starts[1:]] - sums[self.starts[:-1]]
        return made

    def turned_times(self, rows: Floats) -> Floats:
        """The transposed matrix times a vector of shape ``(rows,)``; shape ``(width,)``."""
        each = self.values * np.repeat(rows, np.diff(self.starts))
        return np.bincount(self.columns, each, minlength=self.width).astype(float)

    def take(self, index: NDArray[np.intp]) -> Sparse:
        """Some rows, in the order of ``index``."""
        lengths = np.diff(self.starts)[index]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.repeat(self.starts[index] - starts[:-1], lengths) + np.arange(int(starts[-1]))
        return Sparse(starts, self.columns[places], self.values[places], self.width)

    def scaled(self, factor: float) -> Sparse:
        """Every value times ``factor``."""
        return Sparse(self.starts, self.columns, self.values * factor, self.width)


def beside(left: Sparse, right: Sparse) -> Sparse:
    """Two matrices with the same rows as one, ``right`` to the right."""
    rows = np.concatenate([np.repeat(np.arange(len(m)), np.diff(m.starts)) for m in (left, right)])
    order = np.argsort(rows, kind="stable")
    columns = np.concatenate([left.columns, right.columns + left.width])[order]
    values = np.concatenate([left.values, right.values])[order]
    return Sparse(left.starts + right.starts, columns, values, left.width + right.width)
