"""What is written to the tables of ``knowledge.sqlite``; the caller holds the transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tierwise.knowledge.cutting.passages import Cut
from tierwise.knowledge.document import Document
from tierwise.knowledge.report import Failure
from tierwise.knowledge.store.schema import text_hash


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a source beside its text.

    Attributes:
        hash: of its content.
        bytes: how long the content is.
        version: of the reader and the cutter.
        stamp: as its place gave it.
        modified: when it was changed last, seconds since the epoch.
        origin: id of the origin it came from.
        labels: words a search can be limited to.
        access: who may read it; empty means everyone.
    """

    hash: str
    bytes: int
    version: str
    stamp: str | None
    modified: float | None
    origin: str
    labels: frozenset[str]
    access: frozenset[str]


def put_fact(sql: sqlite3.Connection, key: str, value: str) -> None:
    """Store a fact about the whole store."""
    sql.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def put_collection(sql: sqlite3.Connection, name: str, locked: bool) -> None:
    """Make the collection if it is new; ``locked=True`` locks it, ``False`` leaves its lock as it is."""
    sql.execute(
        "INSERT INTO collections (name, locked) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET locked = max(locked, excluded.locked)",
        (name, int(locked)),
    )


def put_lock(sql: sqlite3.Connection, collection: str, locked: bool) -> None:
    """Lock or unlock a collection."""
    sql.execute("UPDATE collections SET locked = ? WHERE name = ?", (int(locked), collection))


def delete_collection(sql: sqlite3.Connection, collection: str) -> None:
    """Delete a collection with all that is in it."""
    sql.execute("DELETE FROM collections WHERE name = ?", (collection,))


def put_origin(sql: sqlite3.Connection, collection: str, origin: str, labels: Iterable[str]) -> None:
    """Note that an origin is brought in, and which labels its sources get from now on."""
    sql.execute(
        "INSERT INTO origins (collection, id, crawled, labels) VALUES (?, ?, ?, ?) ON CONFLICT (collection, id)"
        " DO UPDATE SET crawled = excluded.crawled, labels = excluded.labels",
        (collection, origin, time.time(), json.dumps(sorted(labels))),
    )


def put_cursor(sql: sqlite3.Connection, collection: str, origin: str, cursor: str) -> None:
    """Note how far the crawl of an origin has come."""
    sql.execute("UPDATE origins SET cursor = ? WHERE collection = ? AND id = ?", (cursor, collection, origin))


def put_failure(
    sql: sqlite3.Connection, failure: Failure, *, stamp: str | None, digest: str | None, version: str
) -> None:
    """Note that a source could not be read, in place of what was noted of it before."""
    sql.execute(
        "INSERT OR REPLACE INTO failures (collection, path, stamp, hash, version, error, fix, original, failed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(failure.collection, failure.path, stamp, digest, version),
            *(failure.error, failure.fix, failure.original, failure.failed),
        ),
    )


def delete_failures(sql: sqlite3.Connection, collection: str, paths: Iterable[str]) -> None:
    """Forget that sources could not be read."""
    sql.executemany("DELETE FROM failures WHERE collection = ? AND path = ?", [(collection, path) for path in paths])


def put_source(
    sql: sqlite3.Connection, collection: str, path: str, document: Document, cuts: Sequence[Cut], facts: Facts
) -> int:
    """Store a document in place of its earlier version; passages that stay keep their rows.

    Returns:
        How many texts wait for the embedder now that did not before.
    """
    numbered = document.pages[0].number is not None
    (source,) = sql.execute(
        "INSERT INTO sources (collection, path, title, kind, date, pages, passages, warnings, ingested, hash, bytes,"
        " version, stamp, modified, origin, labels, access) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (collection, path) DO UPDATE SET title = excluded.title, kind = excluded.kind,"
        " date = excluded.date, pages = excluded.pages, passages = excluded.passages, warnings = excluded.warnings,"
        " ingested = excluded.ingested, hash = excluded.hash, bytes = excluded.bytes, version = excluded.version,"
        " stamp = excluded.stamp, modified = excluded.modified, origin = excluded.origin, labels = excluded.labels,"
        " access = excluded.access RETURNING id",
        (
            *(collection, path, document.title, document.kind, document.date),
            *(len(document.pages) if numbered else None, len(cuts), json.dumps(document.warnings), time.time()),
            *(facts.hash, facts.bytes, facts.version, *_changing(facts)),
        ),
    ).fetchone()
    sql.execute("DELETE FROM pages WHERE source = ?", (source,))
    sql.executemany(
        "INSERT INTO pages (source, position, number, text) VALUES (?, ?, ?, ?)",
        [(source, i, page.number, page.text) for i, page in enumerate(document.pages)],
    )
    delete_failures(sql, collection, [path])
    return _put_passages(sql, source, cuts)


def _put_passages(sql: sqlite3.Connection, source: int, cuts: Sequence[Cut]) -> int:
    stored = dict(
        sql.execute(
            "SELECT p.id, v.hash FROM passages p JOIN vectors v ON v.id = p.vector WHERE p.source = ?", (source,)
        ).fetchall()
    )
    hashes = [text_hash(cut.embedded) for cut in cuts]
    kept = {cut.id for cut, digest in zip(cuts, hashes, strict=True) if stored.get(cut.id) == digest}
    sql.executemany("DELETE FROM passages WHERE id = ?", [(id_,) for id_ in stored.keys() - kept])
    waiting = 0
    for position, (cut, digest) in enumerate(zip(cuts, hashes, strict=True)):
        place = (position, cut.page, cut.start, cut.end)
        if cut.id in kept:
            sql.execute("UPDATE passages SET position = ?, page = ?, start = ?, end = ? WHERE id = ?", (*place, cut.id))
            continue
        waiting += sql.execute("INSERT OR IGNORE INTO vectors (hash) VALUES (?)", (digest,)).rowcount
        sql.execute(
            "INSERT INTO passages (source, position, page, start, end, id, text, title, head, vector)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM vectors WHERE hash = ?))",
            (source, *place, cut.id, cut.text, cut.title, cut.head, digest),
        )
    return waiting


def touch_source(sql: sqlite3.Connection, collection: str, path: str, facts: Facts) -> None:
    """Note what else changed of a source whose content did not."""
    sql.execute(
        "UPDATE sources SET stamp = ?, modified = ?, origin = ?, labels = ?, access = ?"
        " WHERE collection = ? AND path = ?",
        (*_changing(facts), collection, path),
    )


def delete_sources(sql: sqlite3.Connection, collection: str, paths: Iterable[str]) -> None:
    """Delete sources with their pages and passages."""
    sql.executemany("DELETE FROM sources WHERE collection = ? AND path = ?", [(collection, path) for path in paths])


def forget_orphans(sql: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Note that vectors are gone from the index too."""
    sql.executemany("DELETE FROM orphans WHERE id = ?", [(id_,) for id_ in ids])


def _changing(facts: Facts) -> tuple[str | float | None, ...]:
    return (
        *(facts.stamp, facts.modified, facts.origin),
        *(json.dumps(sorted(facts.labels)), json.dumps(sorted(facts.access))),
    )
