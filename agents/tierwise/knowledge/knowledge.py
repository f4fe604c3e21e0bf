"""``Knowledge``: documents in, passages out."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tierwise.errors import InvalidInput, ModelError, UnknownName
from tierwise.home import open_home
from tierwise.knowledge.ingest import Ingest
from tierwise.knowledge.report import Collection, IngestReport, Progress, Source
from tierwise.knowledge.search.order import DEPTH, RELEVANCE_FLOOR, combine, query_words
from tierwise.knowledge.sources.files import canonical, find
from tierwise.knowledge.store import tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors, VectorsUnavailable
from tierwise.locks import hold
from tierwise.models.base import require_on_device
from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.models.base import Embedder

MAX_K = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
_T = TypeVar("_T")


class Knowledge:
    """The documents of one home (a :class:`~tierwise.knowledge.Retriever`).

    Safe to use from any thread, and from several processes at once: reading always works, writing takes turns. Nothing
    is opened or made before the first use.

    Args:
        home: the folder of the stores.
        embedder: makes the vectors; one home stays with one embedder until it is rebuilt.
        wait: seconds to wait for another process that writes.

    Raises:
        ConfigError: if the embedder is not on the device.
    """

    def __init__(self, home: Path | str, embedder: Embedder, *, wait: float = 30.0) -> None:
        require_on_device(embedder)
        self._home = Path(home)
        self._embedder = embedder
        self._wait = wait
        self._db = Database(self._home / "knowledge.sqlite")
        self._vectors = Vectors(self._home, embedder, self._db)
        self._degraded: str | None = None

    @property
    def degraded(self) -> str | None:
        """Why the last search or ingest had to do without vectors, as a sentence; ``None`` if it had them."""
        return self._degraded

    # -- reading -------------------------------------------------------------------------------------------------------

    def search(
        self, query: str, *, k: int = 5, collection: str | None = None, vector: NDArray[np.float32] | None = None
    ) -> list[Passage]:
        """Best passages first; see :meth:`Retriever.search <tierwise.knowledge.Retriever.search>`.

        Without vectors (see :attr:`degraded`) it finds by words alone.

        Raises:
            UnknownName: if the collection does not exist.
            InvalidInput: if ``k`` is not from 1 to 100.
            EmbedderMismatch: if the stored vectors were made by another embedder.
        """
        if not 1 <= k <= MAX_K:
            raise InvalidInput(f"k is {k}.", fix=f"Ask for 1 to {MAX_K} passages.")
        if collection is not None:
            tables.require_collection(self._db, collection)
        self._degraded = None
        query = query.encode("utf-8", "replace").decode()  # halves of surrogate pairs cannot be looked for
        if not query.strip() or tables.count(self._db) == 0:
            return []
        words = tables.match_words(self._db, query_words(query), collection, max(DEPTH, k))
        try:
            if vector is None:
                vector = self._embedder.embed([query])[0]
            cosines = self._vectors.nearest(vector, max(DEPTH, k), collection)
            cosines |= self._vectors.cosines(vector, [id_ for id_, _ in words if id_ not in cosines])
        except VectorsUnavailable as error:
            self._lost(str(error))
            best, cosines = [id_ for id_, _ in words[:k]], {}
        except ModelError as error:
            self._degraded = f"Searched by words only: {error}"
            best, cosines = [id_ for id_, _ in words[:k]], {}
        else:
            best = combine(cosines, words)
        found = tables.passages(self._db, {id_: cosines.get(id_, 0.0) for id_ in best})
        return [found[id_] for id_ in best if id_ in found][:k]

    def relevant(self, query: str, passages: Sequence[Passage]) -> bool:
        """Whether the passages have to do with the query at all: close in meaning, or sharing a telling word."""
        if self._degraded is not None or any(p.score >= RELEVANCE_FLOOR for p in passages):
            return bool(passages)
        words = set(query_words(query))
        return any(words & set(query_words(p.text)) for p in passages)

    def sources(self, collection: str | None = None) -> list[Source]:
        """All sources, or those of one collection, by collection and path.

        Raises:
            UnknownName: if the collection does not exist.
        """
        if collection is not None:
            tables.require_collection(self._db, collection)
        return tables.sources(self._db, collection)

    def source_text(self, source: str | os.PathLike[str], page: int | None = None) -> str:
        """The text that the spans of a source's passages count in.

        Args:
            source: path of the document.
            page: page number for paged formats; ``None`` gives all pages, with an empty line between.

        Raises:
            UnknownName: if there is no such source or page.
        """
        pages = tables.source_pages(self._db, canonical(source))
        if not pages:
            raise UnknownName(f"{source} is not among the sources.", fix="`tierwise sources list` shows them.")
        if page is None:
            return "\n\n".join(text for _, text in pages)
        for number, text in pages:
            if number == page:
                return text
        have = f"It has pages 1 to {len(pages)}." if pages[0][0] is not None else "It has no pages."
        raise UnknownName(f"{source} has no page {page}.", fix=have)

    def collections(self) -> list[Collection]:
        """All collections by name."""
        return tables.collections(self._db)

    # -- writing -------------------------------------------------------------------------------------------------------

    def ingest(
        self, paths: _Paths, *, collection: str = "default", locked: bool = False, progress: Progress | None = None
    ) -> IngestReport:
        """Bring documents in: files, or folders with all that is in them.

        What did not change is left alone; what changed is cut again and only its new passages are embedded; what is
        gone from a folder is removed. A file that cannot be read is reported and does not stop the others.

        Args:
            paths: one path or several.
            collection: where to; made if new.
            locked: lock the collection: turns that read it stay on the device. ``False`` never unlocks.
            progress: called often, from this thread.

        Raises:
            InvalidInput: if nothing is at any of the paths, one cannot be a path, or the collection cannot be named so.
            StoreBusy: if another process went on writing for too long.
            EmbedderMismatch: if the stored vectors were made by another embedder.
            StoreError: if the home cannot be written.
        """
        if not _NAME.fullmatch(collection):
            raise InvalidInput(
                f"A collection cannot be named {collection!r}.",
                fix="Use letters, digits, '.', '_' and '-', at most 64.",
            )
        found = find([paths] if isinstance(paths, str | os.PathLike) else list(paths))
        known = tables.stored_hashes(self._db, collection)
        if (
            not found.files
            and not found.folders
            and not found.misnamed
            and not any(self._was_here(p, known, collection) for p in found.missing)
        ):
            why = f"{', '.join(found.missing)} does not exist" if found.missing else "no path was named"
            raise InvalidInput(f"There is nothing to ingest: {why}.", fix="Check the path.")
        open_home(self._home)
        with hold(self._home / "knowledge.lock", wait=self._wait):
            with self._db.writing() as sql:
                tables.put_collection(sql, collection, locked)
            run = Ingest(self._db, self._vectors, self._embedder, collection=collection, progress=progress)
            report = run.run(found)
        self._settle(run)
        return report

    def rebuild(self, progress: Progress | None = None) -> int:
        """Make all vectors again from the stored passages, whatever state they are in; returns how many.

        Raises:
            StoreBusy: if another process went on writing for too long.
            StoreError: if the home cannot be written, or Chroma does not work even with an empty folder.
        """
        open_home(self._home)
        with hold(self._home / "knowledge.lock", wait=self._wait):
            with self._db.writing() as sql:
                tables.forget_vectors(sql)
            run = Ingest(self._db, self._vectors, self._embedder, progress=progress)
            count = run.rebuild()
        self._settle(run)
        return count

    def remove(self, source: str | os.PathLike[str] | None = None, *, collection: str | None = None) -> int:
        """Remove a source (or all of a folder), a whole collection, or a source from one collection.

        Returns:
            How many sources were removed.

        Raises:
            UnknownName: if there is no such source or collection.
            InvalidInput: if neither is named.
        """
        if source is None and collection is None:
            raise InvalidInput("Nothing was named to remove.", fix="Name a source or a collection.")
        if collection is not None:
            tables.require_collection(self._db, collection)
        gone = [(s.collection, s.path) for s in tables.sources(self._db, collection)]
        if source is not None:
            place = canonical(source)
            gone = [(c, p) for c, p in gone if p == place or p.startswith(place.rstrip(os.sep) + os.sep)]
            if not gone:
                raise UnknownName(f"{source} is not among the sources.", fix="`tierwise sources list` shows them.")
        open_home(self._home)
        with hold(self._home / "knowledge.lock", wait=self._wait):
            with self._db.writing() as sql:
                for name, path in gone:
                    tables.delete_sources(sql, name, [path])
                if source is None and collection is not None:
                    tables.delete_collection(sql, collection)
            run = Ingest(self._db, self._vectors, self._embedder)
            run.drop_orphans()
        self._settle(run)
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
            tables.put_lock(sql, collection, locked)

    def close(self) -> None:
        """Let go of all files; safe to call twice, and the next use opens them again."""
        self._vectors.close()
        self._db.close()

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _was_here(self, path: str, known: dict[str, str], collection: str) -> bool:
        return any(p == path or p.startswith(path + os.sep) for p in known) or tables.is_root(
            self._db, collection, path
        )

    def _settle(self, run: Ingest) -> None:
        self._degraded = None
        if run.unavailable is not None:
            self._lost(str(run.unavailable))

    def _lost(self, reason: str) -> None:
        self._degraded = (
            "Documents are searched by words only, not by meaning, because their vectors cannot be used"
            f" ({reason}). Run `tierwise sources rebuild`."
        )
