"""Vectors for stored texts, and an index that keeps up with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tierwise.knowledge.ingest.pace import Pace
from tierwise.knowledge.store import embeddings
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors, VectorsUnavailable

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

BATCH = 64  # texts embedded and stored at a time: about a second of work, and the most a crash can cost
_INDEX_STEP = 2000  # vectors that searches look at one by one before they are put into the index


class Embedding:
    """Embeds what waits. The caller holds the writers' lock.

    Args:
        db: where texts and vectors are.
        vectors: keeps them, and the index.
        embedder: makes them.
        pace: is told.
        stopped: whether to stop, asked between two batches.
    """

    def __init__(
        self, db: Database, vectors: Vectors, embedder: Embedder, pace: Pace, stopped: Callable[[], bool]
    ) -> None:
        self._db = db
        self._vectors = vectors
        self._embedder = embedder
        self._pace = pace
        self._stopped = stopped
        self._counts = False
        self.unavailable: VectorsUnavailable | None = None
        """Why the index could not be kept; the vectors themselves are stored nevertheless."""

    def start(self) -> None:
        """See that the index is whole, or begin a new one.

        Raises:
            EmbedderMismatch: if the vectors were made by another embedder.
        """
        self._try(self._vectors.heal)

    def catch_up(self, path: str, *, least: int = BATCH) -> None:
        """Embed waiting texts as long as there are ``least`` of them."""
        before = self._pace.embedded
        while not self._stopped() and len(batch := embeddings.waiting(self._db, BATCH)) >= least:
            self._vectors.put([text.id for text in batch], self._embedder.embed([text.text for text in batch]))
            self._pace.embedded += len(batch)
            self._step(len(batch), path)
        if self._pace.embedded > before:
            self._index(_INDEX_STEP, path)

    def finish(self, path: str) -> None:
        """Embed all that waits, forget the vectors of what is gone, and bring the index up to it."""
        self.catch_up(path, least=1)
        self.forget(path)

    def forget(self, path: str) -> None:
        """Forget the vectors of what is gone, and bring the index up to it."""
        if not self._stopped():
            embeddings.sweep(self._db)
            self._index(1, path)

    def rebuild(self) -> None:
        """Begin an empty index and fill it from the stored vectors; embed what has none, or another embedder's.

        It counts its steps: a text to embed, a text to put into the index.
        """
        self._try(self._vectors.start_over)
        waiting = embeddings.count_waiting(self._db)
        self._pace.total = 2 * waiting + embeddings.count(self._db)
        self._counts = True
        self.finish("")

    def _step(self, count: int, path: str) -> None:
        if self._counts:
            self._pace.done += count
        self._pace.tell(path)

    def _index(self, least: int, path: str) -> None:
        def work() -> None:
            for count in self._vectors.index(least=least):
                self._step(count, path)
                if self._stopped():
                    break

        self._try(work)

    def _try(self, work: Callable[[], None]) -> None:
        if self.unavailable is None:
            try:
                work()
            except VectorsUnavailable as error:
                self.unavailable = error
