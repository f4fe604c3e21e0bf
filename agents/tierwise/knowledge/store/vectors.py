"""Nearest passages: from Chroma's index, with what it does not hold yet from ``knowledge.sqlite``.

SQLite is the truth; the index follows it. Two processes on one Chroma folder are not safe by themselves: crashes of its
native code are reported when one reads while the other writes, and an open folder does not show what another process
adds. So every use holds a lock, for the milliseconds of a call, and an open index is taken as what it is: the state up
to a certain row. What came later is searched in SQLite's vectors, exactly; only when that has become much is the folder
opened again. Scores are always cosines to SQLite's vectors: where Chroma says otherwise, it is damaged.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.errors import EmbedderMismatch
from tierwise.knowledge.store import changes, embeddings, tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.folder import Busy, IndexFolder
from tierwise.knowledge.store.index import VectorsUnavailable
from tierwise.knowledge.store.where import Where

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.models.base import Embedder

__all__ = ["EXACT_MOST", "Vectors", "VectorsUnavailable"]

EXACT_MOST = 50_000
"""Vectors up to which a search without the index is fast enough."""

_NARROW = 5_000  # passages up to which a filtered search looks at each of them
_DEEPEST = 1_000  # rows that are asked of the index at most
_SHORT_WAIT, _LONG_WAIT = 0.25, 3.0  # seconds for the folder, where there is another way and where there is none
_SAME = 1e-3  # cosines that differ by more are not of the same vectors
_AT_ONCE = 100  # rows put into the index at a time: others wait as long
_PAUSE = 0.03  # seconds between, so that those who wait get their turn


class Vectors:
    """Vectors of passages; safe to use from any thread.

    Args:
        home: the folder that holds ``knowledge.sqlite`` and ``chroma/``.
        embedder: whose vectors these are.
        db: the database.
    """

    def __init__(self, home: Path, embedder: Embedder, db: Database) -> None:
        self._embedder = embedder
        self._db = db
        self._folder = IndexFolder(home, db)
        self._mutex = threading.RLock()
        self._tail: embeddings.Rows | None = None
        self._all: embeddings.Rows | None = None
        self.trouble: str | None = None
        """Why the last search did without the index though there should be one, as a clause."""

    # -- searching -----------------------------------------------------------------------------------------------------

    def nearest(self, vector: NDArray[np.float32], n: int, only: Where | None = None) -> dict[str, float]:
        """The ``n`` passages nearest to ``vector``, nearest first.

        Args:
            vector: of a question, shape ``(dimension,)``.
            n: how many; of passages with the same text only a few count.
            only: a condition on their sources; no passage that meets it is lost by it.

        Returns:
            Cosine in [-1, 1] by passage id.

        Raises:
            EmbedderMismatch: if the vectors were made by another embedder.
            VectorsUnavailable: if there are none, or too many to do without the index.
        """
        self.trouble = None
        self._require_vectors()
        if only is None:
            return self._passages(self._rows(vector, n + n // 4), n, None)
        width = embeddings.count_of(self._db, only)
        if width > _NARROW and (depth := math.ceil(2 * n * tables.count(self._db) / width)) <= _DEEPEST:
            found = self._passages(self._rows(vector, depth), n, only)
            if len(found) == n:
                return found
        return self._passages(embeddings.nearest_of(self._db, vector, n, only), n, only)

    def cosines(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Cosine of ``vector`` to the passages that have a vector.

        Raises:
            EmbedderMismatch: if the vectors were made by another embedder.
            VectorsUnavailable: if there are none.
        """
        self._require_vectors()
        return embeddings.cosines(self._db, vector, ids)

    def close(self) -> None:
        """Let go of the folder; the next use opens it again."""
        with self._mutex:
            self._folder.close()
            self._tail = self._all = None

    def _require_vectors(self) -> None:
        self._require_embedder()
        if "embedder" not in tables.facts(self._db) and tables.count(self._db):
            raise VectorsUnavailable("they have not been made yet")

    def _require_embedder(self) -> None:
        made_by = tables.facts(self._db).get("embedder")
        if made_by not in (None, self._embedder.identity):
            raise EmbedderMismatch(
                f"The vectors in {self._db.path} were made by the embedder {made_by!r}, and this is"
                f" {self._embedder.identity!r}: they cannot be compared.",
                fix="Run `tierwise sources rebuild` to make them again.",
            )

    def _passages(self, rows: dict[int, float], n: int, only: Where | None) -> dict[str, float]:
        found = {id_: rows[row] for id_, row in embeddings.passages_of(self._db, list(rows), only)}
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0]))[:n])

    def _rows(self, vector: NDArray[np.float32], n: int) -> dict[int, float]:
        """The ``n`` nearest rows with their cosines, by the index, or without it if that is quick enough."""
        with self._mutex:
            many = embeddings.more_than(self._db, EXACT_MOST)
            if not self._db.writable():
                reason = "their folder is read-only"
            elif "index" not in tables.facts(self._db):
                reason = "the index has not been made yet"
            else:
                try:
                    found = self._from_index(vector, n, wait=_LONG_WAIT if many else _SHORT_WAIT)
                    self._all = None
                    return found
                except Busy:
                    reason = "another process is writing to their folder"
                except VectorsUnavailable as error:
                    reason = self.trouble = str(error)
            if many:
                raise VectorsUnavailable(reason)
            self._all = self._all or embeddings.Rows(self._db, 0)
            return self._all.nearest(vector, n)

    def _from_index(self, vector: NDArray[np.float32], n: int, *, wait: float) -> dict[int, float]:
        with self._folder.reading(wait=wait) as index:
            rows = index.nearest(vector[None], n)[0]
            if self._tail is None or self._tail.start != self._folder.upto:
                self._tail = embeddings.Rows(self._db, self._folder.upto)
            later = self._tail.nearest(vector, n)
            ids, vectors = embeddings.of(self._db, [*rows, *later])
            exact = dict(zip(ids, (vectors @ vector).tolist(), strict=True)) if ids else {}
            if any(abs(exact[id_] - rows[id_]) > _SAME for id_ in exact.keys() & rows.keys()):
                raise VectorsUnavailable("it holds other vectors than it should")
            if len(rows) - len(exact.keys() & rows.keys()) > n // 4:  # so many of them are gone from the database
                self._folder.stale = True
        return exact

    # -- keeping; the caller holds the writers' lock of the home -------------------------------------------------------

    def heal(self) -> None:
        """See that the index is whole if there should be one; else begin an empty one, see :meth:`index`.

        Raises:
            EmbedderMismatch: if the vectors were made by another embedder.
            VectorsUnavailable: if it does not work even then.
        """
        self._require_embedder()
        if "index" in tables.facts(self._db) and not self._folder.is_as_left():
            try:
                self._folder.check()
            except VectorsUnavailable:
                with self._mutex:
                    self._folder.start_over()
            else:
                with self._mutex:
                    self._folder.accept()

    def put(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Store the vectors of texts that waited for them, shape ``(len(ids), dimension)``."""
        embeddings.put(self._db, ids, vectors, self._embedder.identity)

    def index(self, *, least: int = 1) -> Iterator[int]:
        """Bring the index up to what is stored, step by step; who stops in between leaves it usable.

        Args:
            least: how many vectors must be missing there before anything is done.

        Yields:
            How many rows the last step put into it.

        Raises:
            VectorsUnavailable: if that does not work.
        """
        try:
            yield from self._bring_up(least)
        except VectorsUnavailable:  # damaged since it was opened
            with self._mutex:
                self._folder.start_over()
            yield from self._bring_up(least)

    def start_over(self) -> None:
        """Begin an empty index in place of whatever is there; vectors of another embedder are forgotten.

        Raises:
            VectorsUnavailable: if the folder cannot be emptied, or does not work even then.
        """
        with self._mutex:
            self._folder.start_over()
        if tables.facts(self._db).get("embedder") not in (None, self._embedder.identity):
            embeddings.clear(self._db)  # after that: an index of other vectors must never be left beside them

    def _bring_up(self, least: int) -> Iterator[int]:
        facts = tables.facts(self._db)
        upto = int(facts.get("indexed", 0))
        missing = embeddings.count_after(self._db, upto)
        gone = tables.orphans(self._db, _AT_ONCE)
        if missing < least and not (gone and least == 1):
            return
        if "index" not in facts:
            with self._mutex:
                self._folder.start_over()
        for ids, vectors in embeddings.batches(self._db, upto, _AT_ONCE):
            with self._mutex, self._folder.writing() as index:
                index.put(ids, vectors)
                self._folder.reached(ids[-1])
            yield len(ids)
            time.sleep(_PAUSE)
        if least == 1:
            yield from self._tidy(gone)

    def _tidy(self, gone: Sequence[int]) -> Iterator[int]:
        """Take out what is gone, and see that nothing else differs: a crash may have left something in between."""
        while gone:
            with self._mutex, self._folder.writing() as index:
                index.delete(gone)
            with self._db.writing() as sql:
                changes.forget_orphans(sql, gone)
            gone = tables.orphans(self._db, _AT_ONCE)
            yield 0
        with self._mutex, self._folder.writing() as index:
            if index.count() != embeddings.count(self._db):
                there, stored = index.ids(), embeddings.ids(self._db)
                for i in range(0, len(strays := sorted(there - stored)), _AT_ONCE):
                    index.delete(strays[i : i + _AT_ONCE])
                for i in range(0, len(absent := sorted(stored - there)), _AT_ONCE):
                    index.put(*embeddings.of(self._db, absent[i : i + _AT_ONCE]))
