"""One run over some origins into one collection."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput
from tierwise.knowledge.cutting.passages import CUTTER_VERSION, TokenSpans, cut, rough_token_spans
from tierwise.knowledge.document import Document
from tierwise.knowledge.ingest.embedding import Embedding
from tierwise.knowledge.ingest.pace import Pace
from tierwise.knowledge.reading.documents import READER_VERSION
from tierwise.knowledge.reading.process import ReaderProcess
from tierwise.knowledge.report import Failure, IngestReport, SourceReport, SourceStatus
from tierwise.knowledge.sources.item import Change, Cursor, Gone, Item, Origin, Trouble
from tierwise.knowledge.store import changes, known
from tierwise.knowledge.store.database import Database

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

_RETRY_SECONDS = 24 * 3600.0  # a document may have failed for want of time or memory: a day later it is tried again
_VERSION = f"{READER_VERSION}/{CUTTER_VERSION}"


class Ingest:
    """Brings in what is new or changed and takes out what is gone. The caller holds the writers' lock.

    Order of writing: pages, passages and words first, in one transaction a source; then vectors, first come first
    served; then the index. So whatever a crash leaves behind is found by what it lacks, and finished by the next run.

    Args:
        db: where all of it is kept.
        embedding: makes the vectors.
        embedder: measures passages.
        collection: where to.
        labels: for the sources of these origins, from now on.
        pace: is told.
        stopped: whether to stop, asked between two sources.
    """

    def __init__(
        self,
        db: Database,
        embedding: Embedding,
        embedder: Embedder,
        *,
        collection: str,
        labels: frozenset[str],
        pace: Pace,
        stopped: Callable[[], bool],
    ) -> None:
        self._db = db
        self._embedding = embedding
        self._token_spans: TokenSpans = getattr(embedder, "token_spans", rough_token_spans)
        self._collection = collection
        self._labels = labels
        self._pace = pace
        self._stopped = stopped
        self._stored = known.sources(db, collection)
        self._failed = known.failures(db, collection)
        self._origins = known.origins(db, collection)
        self._reports: list[SourceReport] = []
        self._reader = ReaderProcess()

    def run(self, origins: Sequence[Origin]) -> IngestReport:
        """Bring the origins in, one after the other."""
        self._embedding.start()
        counts = [origin.count() for origin in origins]
        self._pace.total = sum(n or 0 for n in counts) if None not in counts else 0
        try:
            for origin in origins:
                self._crawl(origin)
        finally:
            self._reader.close()
        last = self._reports[-1].path if self._reports else ""
        self._embedding.finish(last)
        self._pace.tell(last)
        by_status = Counter(report.status for report in self._reports)
        return IngestReport(
            **{status: by_status[status] for status in ("added", "changed", "removed", "unchanged", "failed")},
            seconds=self._pace.seconds,
            sources=tuple(self._reports),
            embedded=self._pace.embedded,
            stopped=self._stopped(),
        )

    def _crawl(self, origin: Origin) -> None:
        before = self._origins.get(origin.id)
        crawled = known.Crawled(before.cursor if before else None, self._labels | (before.labels if before else set()))
        self._origins[origin.id] = crawled
        with self._db.writing() as sql:
            changes.put_origin(sql, self._collection, origin.id, crawled.labels)
        for change in origin.changes(self._stamps(), crawled.cursor):
            if self._stopped():
                return
            self._take(origin.id, change)

    def _take(self, origin: str, change: Change) -> None:
        match change:
            case Item():
                self._pace.tell(change.source)
                self._bring_in(change, origin)
                self._embedding.catch_up(change.source)
                self._pace.done += 1
            case Gone():
                self._take_out(change.source)
            case Trouble():
                self._report_failure(Failure(change.source, self._collection, change.reason, change.fix, None, time()))
            case Cursor():
                with self._db.writing() as sql:
                    changes.put_cursor(sql, self._collection, origin, change.value)

    def _stamps(self) -> dict[str, str | None]:
        stamps = {path: source.stamp for path, source in self._stored.items()}
        return stamps | {path: failed.stamp for path, failed in self._failed.items()}

    # -- one source ----------------------------------------------------------------------------------------------------

    def _bring_in(self, item: Item, origin: str) -> None:
        stored, failed = self._stored.get(item.source), self._failed.get(item.source)
        worth_trying = failed is None or failed.version != _VERSION or time() - failed.failure.failed > _RETRY_SECONDS
        if failed is not None and not worth_trying and item.stamp is not None and failed.stamp == item.stamp:
            self._report_failure(failed.failure)
            return
        facts = self._facts(item, origin, stored)
        if stored is not None and failed is None and self._is_unchanged(item, stored):
            self._leave(item.source, stored, facts)
            return
        blamed = None  # the content that is at fault
        try:
            data = item.load()
            digest = hashlib.sha256(data).hexdigest()
            if failed is not None and not worth_trying and failed.hash == digest:
                self._fail(failed.failure, item.stamp, digest)
                return
            facts = replace(facts, hash=digest, bytes=len(data))
            if stored is not None and (stored.version, stored.hash) == (_VERSION, digest):
                self._leave(item.source, stored, facts)
                return
            self._reader.isolation()  # starts it: that it cannot be started is no fault of the document
            blamed = digest
            document = self._read(item, data)
        except InvalidInput as error:
            self._fail(self._failure(item.source, error), item.stamp if blamed else None, blamed)
            return
        self._store(item.source, document, facts)

    @staticmethod
    def _is_unchanged(item: Item, stored: known.Stored) -> bool:
        return item.stamp is not None and (item.stamp, _VERSION) == (stored.stamp, stored.version)

    def _read(self, item: Item, data: bytes) -> Document:
        document = self._reader.read(item.name, data)
        return replace(document, path=item.source, title=item.title or document.title)

    def _facts(self, item: Item, origin: str, stored: known.Stored | None) -> changes.Facts:
        # A source stays with the origin that brought it first, and has the labels of both.
        first = stored.origin if stored is not None and stored.origin in self._origins else origin
        labels = item.labels | self._origins[first].labels | self._origins[origin].labels
        modified = item.modified if item.modified is not None or stored is None else stored.modified
        return changes.Facts("", 0, _VERSION, item.stamp, modified, first, labels, item.access)

    def _store(self, source: str, document: Document, facts: changes.Facts) -> None:
        cuts = cut(document, self._token_spans, key=f"{self._collection}\0{source}")
        with self._db.writing() as sql:
            embedded = changes.put_source(sql, self._collection, source, document, cuts, facts)
        status: SourceStatus = "changed" if source in self._stored else "added"
        pages = len(document.pages) if document.pages[0].number is not None else None
        self._failed.pop(source, None)
        self._stored[source] = known.Stored(
            *(facts.hash, facts.stamp, facts.version, pages, len(cuts), document.kind),
            *(facts.modified, facts.origin, document.warnings, facts.labels, facts.access),
        )
        self._reports.append(SourceReport(source, status, pages, len(cuts), document.warnings, embedded, document.kind))

    def _leave(self, source: str, stored: known.Stored, facts: changes.Facts) -> None:
        current = (stored.stamp, stored.modified, stored.origin, stored.labels, stored.access)
        if current != (facts.stamp, facts.modified, facts.origin, facts.labels, facts.access):
            with self._db.writing() as sql:
                changes.touch_source(sql, self._collection, source, facts)
        if self._failed.pop(source, None) is not None:
            with self._db.writing() as sql:
                changes.delete_failures(sql, self._collection, [source])
        self._reports.append(
            SourceReport(source, "unchanged", stored.pages, stored.passages, stored.warnings, kind=stored.kind)
        )

    def _take_out(self, source: str) -> None:
        with self._db.writing() as sql:
            changes.delete_sources(sql, self._collection, [source])
            changes.delete_failures(sql, self._collection, [source])
        self._failed.pop(source, None)
        if self._stored.pop(source, None) is not None:
            self._reports.append(SourceReport(source, "removed"))

    def _failure(self, source: str, error: InvalidInput) -> Failure:
        kept = " Its earlier version is kept." if source in self._stored else ""
        original = getattr(error, "original", None)
        return Failure(source, self._collection, f"{error.what}{kept}", error.fix, original, time())

    def _fail(self, failure: Failure, stamp: str | None, digest: str | None) -> None:
        self._failed[failure.path] = known.Failed(failure, stamp, digest, _VERSION)
        with self._db.writing() as sql:
            changes.put_failure(sql, failure, stamp=stamp, digest=digest, version=_VERSION)
        self._report_failure(failure)

    def _report_failure(self, failure: Failure) -> None:
        self._reports.append(
            SourceReport(failure.path, "failed", error=failure.error, fix=failure.fix, original=failure.original)
        )
