"""``Knowledge``: documents in, passages out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tierwise.connector_settings import ConnectorSettings
from tierwise.errors import InvalidInput, UnknownName
from tierwise.home import open_home
from tierwise.knowledge.ingest.writing import Writing
from tierwise.knowledge.report import (
    Collection,
    Failure,
    IngestReport,
    Progress,
    Source,
    told_by_words,
    told_without_index,
)
from tierwise.knowledge.search import around
from tierwise.knowledge.search.engine import Searcher
from tierwise.knowledge.search.filters import Filter
from tierwise.knowledge.search.windows import NARROW_CHARS, WIDE_CHARS
from tierwise.knowledge.sources import open_origins
from tierwise.knowledge.sources.paths import canonical, is_inside
from tierwise.knowledge.store import changes, known, tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors, VectorsUnavailable
from tierwise.models.base import require_on_device
from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.knowledge.sources.item import Origin
    from tierwise.models.base import Embedder

MAX_K = 100
_Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class Knowledge:
    """The documents of one home (a :class:`~tierwise.knowledge.Retriever`).

    Safe to use from any thread, and from several processes at once: reading always works, writing takes turns. Nothing
    is opened or made before the first use.

    Args:
        home: the folder of the stores.
        embedder: makes the vectors; one home stays with one embedder until it is rebuilt.
        wait: seconds to wait for another process that writes.
        offline: web pages and connectors that need the network are not asked.
        connectors: the connectors that may be used.
        narrow: widen passages less, for a model that loses itself in long ones.

    Raises:
        ConfigError: if the embedder is not on the device.
    """

    def __init__(
        self,
        home: Path | str,
        embedder: Embedder,
        *,
        wait: float = 30.0,
        offline: bool = False,
        connectors: ConnectorSettings | None = None,
        narrow: bool = False,
    ) -> None:
        require_on_device(embedder)
        self._offline, self._connectors = offline, connectors
        self._home = Path(home)
        self._db = Database(self._home / "knowledge.sqlite")
        self._vectors = Vectors(self._home, embedder, self._db)
        self._searcher = Searcher(self._db, self._vectors, embedder, wide=NARROW_CHARS if narrow else WIDE_CHARS)
        self._writing = Writing(self._home, self._db, self._vectors, embedder, wait=wait)
        self._degraded: str | None = None

    @property
    def degraded(self) -> str | None:
        """What the last search or ingest had to do without, as a sentence; ``None`` if nothing."""
        return self._degraded

    @property
    def is_empty(self) -> bool:
        """Whether there are no passages: a question needs no vector for them."""
        return tables.count(self._db) == 0

    # -- reading -------------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        collection: str | None = None,
        vector: NDArray[np.float32] | None = None,
        only: Filter | None = None,
    ) -> list[Passage]:
        """Best passages first; see :meth:`Retriever.search <tierwise.knowledge.Retriever.search>`.

        Without vectors (see :attr:`degraded`) it finds by words alone.

        Args:
            query: the question in words.
            k: how many passages at most.
            collection: search only this one; ``None`` searches all, or those of ``only``.
            vector: embedding of ``query`` if the caller has it already, shape ``(dimension,)``.
            only: what else the search is limited to.

        Raises:
            UnknownName: if a collection does not exist.
            InvalidInput: if ``k`` is not from 1 to 100.
            EmbedderMismatch: if the stored vectors were made by another embedder.
        """
        if not 1 <= k <= MAX_K:
            raise InvalidInput(f"k is {k}.", fix=f"Ask for 1 to {MAX_K} passages.")
        only = only or Filter()
        for name in {*only.collections, *([collection] if collection is not None else [])}:
            tables.require_collection(self._db, name)
        if collection is not None:
            if only.collections and collection not in only.collections:
                return []
            only = replace(only, collections=(collection,))
        self._degraded = None
        found = self._searcher.search(query, k=k, only=only, vector=vector)
        if isinstance(lost := self._searcher.lost, VectorsUnavailable):
            self._degraded = told_by_words(lost)
        elif lost is not None:
            self._degraded = f"Searched by words only: {lost}"
        elif self._vectors.trouble is not None:
            self._degraded = told_without_index(self._vectors.trouble)
        elif self._db.damaged is not None:
            self._degraded = self._db.damaged
        return found

    def relevant(self, query: str, passages: Sequence[Passage]) -> bool:
        """Whether the passages have to do with the query at all; see ``Searcher.relevant``."""
        return self._searcher.relevant(query, passages)

    def worths(self, query: str, passages: Sequence[Passage]) -> list[float]:
        """What passages that were found for a query are worth: their cosine, plus a bonus for holding its words.

        Where the best of those that a turn reads is below :func:`~tierwise.knowledge.relevance_floor` of all passages
        there are, the turn goes on without them.
        """
        return self._searcher.worths(query, passages)

    @property
    def floor(self) -> float | None:
        """What the best passage of a search has to be worth for a turn to go on with any; see :func:`relevance_floor`.

        ``None`` after a search that had to do without vectors.
        """
        return self._searcher.floor

    def neighbours(self, passage: Passage, *, before: int = 1, after: int = 1) -> list[Passage]:
        """The passages next to one in its document, itself among them; none if it is gone."""
        return around.neighbours(self._db, passage, before=before, after=after)

    def whole(self, source: str | os.PathLike[str], *, collection: str | None = None) -> list[Passage]:
        """All passages of a document in reading order; of one collection's copy, or of the copy read last."""
        return around.whole(self._db, self._place(source), collection=collection)

    def find_source(self, word: str | os.PathLike[str], *, collection: str | None = None) -> str:
        """The path or address of the one source that a word means: itself, or a file name that only one source has.

        Raises:
            UnknownName: if none or several are meant, or there is no such collection.
        """
        given = os.fspath(word)
        paths = {s.path for s in self.sources(collection)} | {f.path for f in self.failures(collection)}
        for candidate in (given, canonical(given)):
            if candidate in paths:
                return candidate
        named = sorted(path for path in paths if Path(path).name == given)
        if len(named) == 1:
            return named[0]
        what = f"Several sources are called {given!r}" if named else f"There is no source {given!r}"
        raise UnknownName(f"{what}.", fix="Give the path as `tierwise sources list` shows it.")

    def sources(self, collection: str | None = None) -> list[Source]:
        """All sources, or those of one collection, by collection and path.

        Raises:
            UnknownName: if the collection does not exist.
        """
        if collection is not None:
            tables.require_collection(self._db, collection)
        return tables.sources(self._db, collection)

    def failures(self, collection: str | None = None) -> list[Failure]:
        """What could not be read when it was last tried, by collection and path.

        Raises:
            UnknownName: if the collection does not exist.
        """
        if collection is not None:
            tables.require_collection(self._db, collection)
        return tables.failures(self._db, collection)

    def source_text(self, source: str | os.PathLike[str], page: int | None = None) -> str:
        """The text that the spans of a source's passages count in.

        Args:
            source: path or address of the document.
            page: page number for paged formats; ``None`` gives all pages, with an empty line between.

        Raises:
            UnknownName: if there is no such source or page.
        """
        return tables.source_text(self._db, self._place(source), page)

    def collections(self) -> list[Collection]:
        """All collections by name."""
        return tables.collections(self._db)

    # -- writing -------------------------------------------------------------------------------------------------------

    def ingest(
        self,
        paths: _Paths,
        *,
        collection: str = "default",
        locked: bool = False,
        labels: Iterable[str] = (),
        progress: Progress | None = None,
        stop: Event | None = None,
    ) -> IngestReport:
        """Bring documents in: files, folders with all that is in them, patterns, addresses.

        What did not change is left alone; what changed is read again and only its new passages are embedded; what is
        gone is removed. A file that cannot be read is reported and does not stop the others.

        Args:
            paths: one or several; see :func:`~tierwise.knowledge.sources.open_origins`.
            collection: where to; made if new.
            locked: lock the collection: turns that read it stay on the device. ``False`` never unlocks.
            labels: words a search can be limited to, for all that is found there from now on.
            progress: called often, from this thread.
            stop: set it to stop after the source in work; the next ingest goes on from there.

        Raises:
            InvalidInput: if nothing is at any of the paths, one cannot be a path, or the collection cannot be named so.
            StoreBusy: if another process went on writing for too long.
            EmbedderMismatch: if the stored vectors were made by another embedder.
            StoreError: if the home cannot be written.
        """
        words = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        stored = partial(self.knows, collection=collection)
        origins = open_origins(words, stored=stored, offline=self._offline, connectors=self._connectors)
        return self.ingest_from(
            origins, collection=collection, locked=locked, labels=labels, progress=progress, stop=stop
        )

    def ingest_from(
        self,
        origins: Sequence[Origin],
        *,
        collection: str = "default",
        locked: bool = False,
        labels: Iterable[str] = (),
        progress: Progress | None = None,
        stop: Event | None = None,
    ) -> IngestReport:
        """Bring in what origins give; otherwise as :meth:`ingest`."""
        report = self._writing.ingest(
            origins,
            collection=collection,
            locked=locked,
            labels=frozenset(labels),
            progress=progress,
            stopped=(stop or Event()).is_set,
        )
        self._settle()
        return report

    def rebuild(self, progress: Progress | None = None, *, stop: Event | None = None) -> int:
        """Make the index again from the stored vectors, and the vectors that are missing or another embedder's.

        Returns:
            How many vectors there are: one for each text, however many passages it stands in.

        Raises:
            StoreBusy: if another process went on writing for too long.
            StoreError: if the home cannot be written, or Chroma does not work even with an empty folder.
        """
        count = self._writing.rebuild(progress, (stop or Event()).is_set)
        self._settle()
        return count

    def remove(self, source: str | os.PathLike[str] | None = None, *, collection: str | None = None) -> int:
        """Remove a source, all of a folder or of a connector, a whole collection, or a source from one collection.

        Returns:
            How many sources were removed, those that could not be read among them.

        Raises:
            UnknownName: if there is no such source or collection.
            InvalidInput: if neither is named.
        """
        if source is None and collection is None:
            raise InvalidInput("Nothing was named to remove.", fix="Name a source or a collection.")
        stored = self.sources(collection)
        gone = {(s.collection, s.path) for s in stored}
        gone |= {(f.collection, f.path) for f in self.failures(collection)}
        if source is not None:
            place, origin = self._place(source), os.fspath(source)
            of_origin = {(s.collection, s.path) for s in stored if s.origin == origin}
            gone = {(c, p) for c, p in gone if is_inside(p, place)} | of_origin
            if not gone:
                raise UnknownName(f"{source} is not among the sources.", fix="`tierwise sources list` shows them.")
        self._writing.remove(gone, collection if source is None else None)
        self._settle()
        return len(gone)

    def is_locked(self, collection: str) -> bool:
        """Whether turns that are limited to this collection stay on the device.

        Raises:
            UnknownName: if the collection does not exist.
        """
        tables.require_collection(self._db, collection)
        return tables.has_lock(self._db, collection)

    def set_lock(self, collection: str, locked: bool) -> None:
        """Lock a collection, or unlock it.

        Raises:
            UnknownName: if the collection does not exist.
        """
        tables.require_collection(self._db, collection)
        open_home(self._home)
        with self._db.writing() as sql:
            changes.put_lock(sql, collection, locked)

    def close(self) -> None:
        """Let go of all files; safe to call twice, and the next use opens them again."""
        self._vectors.close()
        self._db.close()

    # -- helpers -------------------------------------------------------------------------------------------------------

    def knows(self, place: str, *, collection: str) -> bool:
        """Whether anything of a place or pattern is stored in a collection, or it was ingested before."""
        return place in known.origins(self._db, collection) or any(
            is_inside(path, place) for path in known.sources(self._db, collection)
        )

    def _place(self, source: str | os.PathLike[str]) -> str:
        """The name of a source as it is stored: a path may be given in another spelling."""
        given = os.fspath(source)
        return given if tables.is_source(self._db, given) else canonical(given)

    def _settle(self) -> None:
        lost = self._writing.unavailable
        self._degraded = told_without_index(str(lost)) if lost is not None else None
