"""Rows that say nearly the same must stand on the same side of a split, or a score flatters itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_NOT_WORD = re.compile(r"[\W_]+")
_BLOCK = 1024
ALIKE = 0.95


def near_duplicates(texts: Sequence[str], vectors: NDArray[np.float32], alike: float = ALIKE) -> NDArray[np.intp]:
    """Number each row by its group: rows with the same words, or whose vectors are alike, share one.

    Args:
        texts: one a row.
        vectors: of length 1, shape ``(n, d)``.
        alike: cosine from which two rows belong together; being alike passes on.

    Returns:
        Shape ``(n,)``; groups are numbered from 0.
    """
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        parent[root(i)] = root(first.setdefault(_NOT_WORD.sub(" ", text.lower()).strip(), i))
    table = np.ascontiguousarray(vectors, np.float32)
    for start in range(0, len(table), _BLOCK):
        near = table[start : start + _BLOCK] @ table[start:].T > alike
        for i, j in zip(*np.nonzero(near), strict=True):
            if i < j:
                parent[root(start + int(i))] = root(start + int(j))
    return np.unique([root(i) for i in range(len(texts))], return_inverse=True)[1].astype(np.intp)


def group_folds(groups: NDArray[np.intp], k: int, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Train and test rows of ``k`` folds; a group is never split."""
    fold = np.random.default_rng(seed).permutation(int(groups.max()) + 1) % k
    of_row = fold[groups]
    for i in range(k):
        if (of_row == i).any() and (of_row != i).any():
            yield np.flatnonzero(of_row != i), np.flatnonzero(of_row == i)
