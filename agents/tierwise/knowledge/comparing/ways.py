"""Plainer ways to search than ours: words alone, vectors alone, and both fused by rank."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierwise.knowledge.search.terms import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 100
"""Of each ranking, what goes into the fusion."""

CHUNK_WORDS, OVERLAP_WORDS = 200, 40


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that can be found.

    Attributes:
        file: its document, as a path below the corpus.
        text: what it says.
        title: searched with the text.
    """

    file: str
    text: str
    title: str = ""


def chunks(file: str, text: str) -> list[Piece]:
    """A text in pieces of 200 words, each with the last 40 of the one before."""
    words = text.split()
    step = CHUNK_WORDS - OVERLAP_WORDS
    starts = range(0, max(1, len(words) - OVERLAP_WORDS), step)
    return [Piece(file, " ".join(words[start : start + CHUNK_WORDS])) for start in starts]


class Pool:
    """Pieces with their vectors, searched in memory.

    Args:
        pieces: all there are.
        vectors: one of length 1 for each, shape ``(len(pieces), dimension)``.
    """

    def __init__(self, pieces: Sequence[Piece], vectors: NDArray[np.float32]) -> None:
        self.pieces = pieces
        self._vectors = vectors
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute("CREATE VIRTUAL TABLE w USING fts5(title, text, tokenize='porter unicode61')")
        self._index.executemany(
            "INSERT INTO w (rowid, title, text) VALUES (?, ?, ?)",
            ((i, piece.title, piece.text) for i, piece in enumerate(pieces)),
        )

    def close(self) -> None:
        """Let go of the index."""
        self._index.close()

    def by_words(self, question: str) -> list[int]:
        """The best by BM25 over the question's words, titles counting half."""
        match = " OR ".join(f'"{term.text}"' for term in terms(question))
        if not match:
            return []
        rows = self._index.execute(
            "SELECT rowid FROM w WHERE w MATCH ? ORDER BY bm25(w, 0.5, 1.0), rowid LIMIT ?", (match, DEPTH)
        )
        return [row for (row,) in rows]

    def by_vectors(self, vector: NDArray[np.float32]) -> list[int]:
        """The nearest by cosine; ``vector`` is the question's, shape ``(dimension,)``."""
        import numpy as np

        return [int(i) for i in np.argsort(-(self._vectors @ vector), kind="stable")[:DEPTH]]


def by_rank(*rankings: Iterable[int], k: int = 60) -> list[int]:
    """Reciprocal-rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for n, i in enumerate(ranking, 1):
            scores[i] += 1 / (k + n)
    return sorted(scores, key=lambda i: (-scores[i], i))
