"""Bringing documents in: read, cut, store, embed; only what is new or changed."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput, StoreError
from tierwise.knowledge.cutting.passages import CUTTER_VERSION, TokenSpans, cut, rough_token_spans
from tierwise.knowledge.reading.documents import READER_VERSION, parse_document, read_bytes
from tierwise.knowledge.report import IngestProgress, IngestReport, Progress, SourceReport, SourceStatus
from tierwise.knowledge.sources.files import Found, is_gone
from tierwise.knowledge.store import tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors, VectorsUnavailable

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

BATCH = 64  # passages embedded and stored at a time: about a second of work, and the most a crash can cost


class Ingest:
    """One run over some files into one collection. The caller holds the writers' lock.

    Order of writing: text and words first, in one transaction a file; then vectors; then a mark that they are there. So
    whatever a crash leaves behind is found by its missing mark and finished by the next run.
    """

    def __init__(
        self,
        db: Database,
        vectors: Vectors,
        embedder: Embedder,
        *,
        collection: str = "",
        progress: Progress | None = None,
    ) -> None:
        self._db = db
        self._vectors = vectors
        self._embedder = embedder
        self._token_spans: TokenSpans = getattr(embedder, "token_spans", rough_token_spans)
        self._collection = collection
        self._progress = progress
        self._started = time.monotonic()
        self._done = 0
        self._total = 0
        self._embedded = 0
        self._reports: list[SourceReport] = []
        self.unavailable: VectorsUnavailable | None = None

    def run(self, found: Found) -> IngestReport:
        """Bring the found files in and take those out that are gone."""
        self._mend()
        self._total = len(found.files)
        stored = tables.stored_hashes(self._db, self._collection)
        self._remove_gone(found, set(stored))
        for folder in found.closed:
            self._failed(folder, "You may not read this folder. Change its permissions.")
        for file in found.misnamed:
            self._failed(file, "Its name is not UTF-8. Rename it.")
        for path in found.files:
            self._tell(path)
            self._bring_in(path, stored.get(path))
            self.embed_waiting(path, least=BATCH)
            self._done += 1
        self.embed_waiting(found.files[-1] if found.files else "")
        self._tell(found.files[-1] if found.files else "")
        counts = Counter(report.status for report in self._reports)
        return IngestReport(
            **{status: counts[status] for status in ("added", "changed", "removed", "unchanged", "failed")},
            seconds=time.monotonic() - self._started,
            sources=tuple(self._reports),
        )

    def rebuild(self) -> int:
        """Empty the index and embed every stored passage; returns how many.

        Raises:
            StoreError: if Chroma does not work even with an empty folder.
        """
        self._total = tables.count(self._db)
        self._try(self._vectors.reset)
        count = self.embed_waiting()
        if self.unavailable is not None:
            raise StoreError(
                f"The vectors cannot be made: {self.unavailable}.", fix="Check free space and permissions."
            )
        return count

    def embed_waiting(self, path: str = "", *, least: int = 1) -> int:
        """Embed stored passages that have no vector, once there are ``least`` of them; returns how many."""
        before = self._embedded
        while self.unavailable is None and len(batch := tables.waiting(self._db, BATCH)) >= least:
            vectors = self._embedder.embed([passage.embedded for passage in batch])
            ids = [passage.id for passage in batch]
            if not self._try(lambda: self._vectors.add(ids, vectors, [p.collection for p in batch])):  # noqa: B023
                break
            with self._db.writing() as sql:
                tables.mark_embedded(sql, ids)
            self._embedded += len(batch)
            self._tell(path)
        return self._embedded - before

    def drop_orphans(self) -> None:
        """Delete the vectors of passages that are gone."""
        orphans = tables.orphans(self._db)
        for i in range(0, len(orphans), 1000):
            chunk = orphans[i : i + 1000]
            if self._try(lambda: self._vectors.delete(chunk)):  # noqa: B023
                with self._db.writing() as sql:
                    tables.forget_orphans(sql, chunk)

    # -- files ---------------------------------------------------------------------------------------------------------

    def _bring_in(self, path: str, stored_hash: str | None) -> None:
        try:
            data = read_bytes(Path(path))
            digest = hashlib.sha256(f"{READER_VERSION}/{CUTTER_VERSION}/".encode() + data).hexdigest()
            if digest == stored_hash:
                source = tables.source(self._db, self._collection, path)
                self._reports.append(
                    SourceReport(path, "unchanged", source.pages, source.passages, warnings=source.warnings)
                )
                return
            document = parse_document(Path(path), data)
        except InvalidInput as error:
            kept = " Its earlier version is kept." if stored_hash is not None else ""
            self._failed(path, f"{error}{kept}")
            return
        cuts = cut(document, self._token_spans, key=f"{self._collection}\0{path}")
        with self._db.writing() as sql:
            tables.put_source(sql, self._collection, document, cuts, digest, len(data))
        self.drop_orphans()
        warnings = document.warnings
        if self.unavailable is not None:
            warnings += (f"Stored for search by words only: {self.unavailable}. Run `tierwise sources rebuild`.",)
        status: SourceStatus = "added" if stored_hash is None else "changed"
        pages = len(document.pages) if document.pages[0].number is not None else None
        self._reports.append(SourceReport(path, status, pages, len(cuts), warnings))

    def _remove_gone(self, found: Found, stored: set[str]) -> None:
        kept = set(found.files)
        gone = []
        for place in (*found.folders, *found.missing):
            inside = place.rstrip(os.sep) + os.sep
            gone += [p for p in stored - kept if (p == place or p.startswith(inside)) and is_gone(p)]
        gone = sorted(set(gone))
        for place in found.missing:
            if not any(p == place or p.startswith(place + os.sep) for p in gone):
                if tables.is_root(self._db, self._collection, place):
                    continue
                self._failed(place, "There is no such file or folder. Check the path.")
        with self._db.writing() as sql:
            tables.put_roots(sql, self._collection, found.folders, gone=found.missing)
            tables.delete_sources(sql, self._collection, gone)
        self.drop_orphans()
        self._reports += [SourceReport(path, "removed") for path in gone]

    def _failed(self, path: str, reason: str) -> None:
        self._reports.append(SourceReport(path, "failed", warnings=(reason,)))

    def _tell(self, path: str) -> None:
        if self._progress is not None:
            seconds = time.monotonic() - self._started
            rate = self._embedded / seconds if self._embedded and seconds > 0 else 0.0
            self._progress(IngestProgress(self._done, self._total, path, self._embedded, rate))

    # -- vectors -------------------------------------------------------------------------------------------------------

    def _mend(self) -> None:
        """Make the vectors agree with the passages again, if a crash or a hand came between them."""

        def compare() -> None:
            self._vectors.prepare()
            if self._vectors.count() == tables.count(self._db, "embedded"):
                return
            there = self._vectors.ids()
            stored = tables.embedded_ids(self._db)
            if strays := sorted(there - stored):
                self._vectors.delete(strays)
            with self._db.writing() as sql:
                tables.mark_embedded(sql, sorted(stored - there), False)

        self._try(compare)
        self.drop_orphans()

    def _try(self, work: Callable[[], object]) -> bool:
        """Do something with the vectors unless they are out of use; the text is stored either way."""
        if self.unavailable is None:
            try:
                work()
            except VectorsUnavailable as error:
                self.unavailable = error
        return self.unavailable is None
