"""From a question to its passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tierwise.errors import ModelError
from tierwise.knowledge.search.filters import Filter
from tierwise.knowledge.search.order import DEPTH, relevance_floor, worth
from tierwise.knowledge.search.terms import terms
from tierwise.knowledge.search.windows import WIDE_CHARS, shown, windows
from tierwise.knowledge.search.words import fullest, look_up
from tierwise.knowledge.store import tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors, VectorsUnavailable
from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.models.base import Embedder


class Searcher:
    """Finds passages in a store by meaning and by words.

    Args:
        db: sources, passages and the index of words.
        vectors: the vectors of the passages.
        embedder: makes the vector of a question.
        wide: characters that a passage is widened to at most.
    """

    def __init__(self, db: Database, vectors: Vectors, embedder: Embedder, *, wide: int = WIDE_CHARS) -> None:
        self._wide = wide
        self._db = db
        self._vectors = vectors
        self._embedder = embedder
        self.lost: VectorsUnavailable | ModelError | None = None
        """Why the last search had to do without vectors; ``None`` if it had them."""

    def search(
        self, query: str, *, k: int, only: Filter | None = None, vector: NDArray[np.float32] | None = None
    ) -> list[Passage]:
        """Best passages first, each widened by those beside it; by words alone if there are no vectors.

        Nothing is shown twice: passages side by side come as one, and of passages with the same text one.

        Args:
            query: the question in words.
            k: how many passages at most.
            only: what the search is limited to; whoever calls has seen to it that its collections exist.
            vector: embedding of ``query`` if the caller has it already, shape ``(dimension,)``.

        Raises:
            EmbedderMismatch: if the stored vectors were made by another embedder.
        """
        self.lost = None
        query = query.encode("utf-8", "replace").decode()  # halves of surrogate pairs cannot be looked for
        if not query.strip() or tables.count(self._db) == 0:
            return []
        where = only.where() if only is not None else None
        depth = max(DEPTH, k)
        held = look_up(self._db, terms(query), where)
        cosines: dict[str, float] = {}
        try:
            if vector is None:
                vector = self._embedder.embed([query])[0]
            cosines = self._vectors.nearest(vector, depth, where)
        except (VectorsUnavailable, ModelError) as error:
            self.lost = error
        around = windows(self._db, cosines, fullest(held, depth), wide=self._wide)
        if self.lost is None and vector is not None:
            cosines |= self._vectors.cosines(vector, [window.id for window in around if window.id not in cosines])
        values = {w.id: worth(cosines.get(w.id, 0.0), held, w.row, w.rows) for w in around}
        around.sort(key=lambda window: (-values[window.id], window.id))
        return shown(self._db, around, cosines, k)

    @property
    def floor(self) -> float | None:
        """The line that :meth:`relevant` goes by; ``None`` if it has none."""
        return relevance_floor(tables.count(self._db)) if self.lost is None else None

    def relevant(self, query: str, passages: Sequence[Passage]) -> bool:
        """Whether any of the passages found for a query has to do with it at all.

        A search without vectors is taken at its word: it found nothing but passages that hold words of the query.
        """
        if self.lost is not None:
            return bool(passages)
        floor = relevance_floor(tables.count(self._db))
        return any(p.score >= floor for p in passages) or any(w >= floor for w in self.worths(query, passages))

    def worths(self, query: str, passages: Sequence[Passage]) -> list[float]:
        """What each of the passages found for a query is worth for it; see ``order.worth``."""
        scores = {passage.id: passage.score for passage in passages}
        held = look_up(self._db, terms(query.encode("utf-8", "replace").decode()), None)
        around = windows(self._db, scores, (), wide=self._wide)
        found = {w.id: worth(scores[w.id], held, w.row, w.rows) for w in around}
        return [found.get(passage.id, passage.score) for passage in passages]
