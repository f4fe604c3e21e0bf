"""What changes a home; between processes, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput, StoreError
from tierwise.home import open_home
from tierwise.knowledge.ingest.embedding import Embedding
from tierwise.knowledge.ingest.pace import Pace
from tierwise.knowledge.ingest.run import Ingest
from tierwise.knowledge.report import IngestReport, Progress
from tierwise.knowledge.sources.item import Origin
from tierwise.knowledge.store import changes, embeddings
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors, VectorsUnavailable
from tierwise.locks import hold

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_collection_name(name: str) -> str:
    """The name, if a collection may have it.

    Raises:
        InvalidInput: if not.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"A collection cannot be named {name!r}.", fix="Use letters, digits, '.', '_' and '-', at most 64."
        )
    return name


class Writing:
    """Ingests, removes and rebuilds.

    Args:
        home: the folder of the stores.
        db: its database.
        vectors: its vectors.
        embedder: makes them.
        wait: seconds to wait for another process that writes.
    """

    def __init__(self, home: Path, db: Database, vectors: Vectors, embedder: Embedder, *, wait: float) -> None:
        self._home = home
        self._db = db
        self._vectors = vectors
        self._embedder = embedder
        self._wait = wait
        self.unavailable: VectorsUnavailable | None = None
        """Why the last change is not in the index of vectors, though it is stored."""

    def ingest(
        self,
        origins: Sequence[Origin],
        *,
        collection: str,
        locked: bool,
        labels: frozenset[str],
        progress: Progress | None,
        stopped: Callable[[], bool],
    ) -> IngestReport:
        """Bring in what origins give."""
        check_collection_name(collection)
        pace = Pace(progress)
        with self._alone(pace, stopped) as embedding:
            with self._db.writing() as sql:
                changes.put_collection(sql, collection, locked)
            run = Ingest(
                *(self._db, embedding, self._embedder),
                collection=collection,
                labels=labels,
                pace=pace,
                stopped=stopped,
            )
            return run.run(origins)

    def rebuild(self, progress: Progress | None, stopped: Callable[[], bool]) -> int:
        """Make the index again, and the vectors that are missing or another embedder's; returns how many there are."""
        with self._alone(Pace(progress), stopped) as embedding:
            embedding.rebuild()
        if self.unavailable is not None:
            raise StoreError(f"The index cannot be made: {self.unavailable}.", fix="Check free space and permissions.")
        return embeddings.count(self._db)

    def remove(self, gone: Collection[tuple[str, str]], collection: str | None) -> None:
        """Remove sources by collection and path, and a whole collection if one is named."""
        with self._alone(Pace(None), lambda: False) as embedding:
            with self._db.writing() as sql:
                for name, path in gone:
                    changes.delete_sources(sql, name, [path])
                    changes.delete_failures(sql, name, [path])
                if collection is not None:
                    changes.delete_collection(sql, collection)
            embedding.forget("")

    @contextmanager
    def _alone(self, pace: Pace, stopped: Callable[[], bool]) -> Iterator[Embedding]:
        open_home(self._home)
        with hold(self._home / "knowledge.lock", wait=self._wait):
            embedding = Embedding(self._db, self._vectors, self._embedder, pace, stopped)
            yield embedding
        self.unavailable = embedding.unavailable
