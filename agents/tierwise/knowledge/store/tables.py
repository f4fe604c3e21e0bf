"""What is asked of, and written to, the tables of ``knowledge.sqlite``."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tierwise.errors import UnknownName
from tierwise.knowledge.cutting.passages import Cut
from tierwise.knowledge.document import Document
from tierwise.knowledge.report import Collection, Source
from tierwise.knowledge.store.database import Database
from tierwise.types import Passage


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored passage that has no vector yet."""

    id: str
    collection: str
    embedded: str


# -- reading -----------------------------------------------------------------------------------------------------------


def collections(db: Database) -> list[Collection]:
    """All collections by name."""
    rows = db.rows(
        "SELECT c.name, c.locked, (SELECT count(*) FROM sources s WHERE s.collection = c.name),"
        " (SELECT count(*) FROM passages p JOIN sources s ON s.id = p.source WHERE s.collection = c.name)"
        " FROM collections c ORDER BY c.name"
    )
    return [Collection(name, bool(locked), sources, passages) for name, locked, sources, passages in rows]


def require_collection(db: Database, name: str) -> None:
    """Raise ``UnknownName``, with the names there are, unless the collection exists."""
    names = [row[0] for row in db.rows("SELECT name FROM collections ORDER BY name")]
    if name not in names:
        fix = f"There are: {', '.join(names)}." if names else "There are none yet: run `tierwise ingest PATH`."
        raise UnknownName(f"There is no collection named {name!r}.", fix=fix)


def sources(db: Database, collection: str | None = None, path: str | None = None) -> list[Source]:
    """Sources, of one collection or path or of all, by collection and path."""
    rows = db.rows(
        "SELECT s.path, s.collection, s.title, s.pages, (SELECT count(*) FROM passages p WHERE p.source = s.id),"
        " s.bytes, s.ingested, s.warnings FROM sources s WHERE (?1 IS NULL OR s.collection = ?1)"
        " AND (?2 IS NULL OR s.path = ?2) ORDER BY s.collection, s.path",
        (collection, path),
    )
    return [
        Source(where, name, title, pages, passages, size, ingested, tuple(json.loads(warnings)))
        for where, name, title, pages, passages, size, ingested, warnings in rows
    ]


def source(db: Database, collection: str, path: str) -> Source:
    """One source that is known to be there."""
    return next(s for s in sources(db, collection, path))


def source_pages(db: Database, path: str) -> list[tuple[int | None, str]]:
    """Page numbers and texts of a source, in order; of the copy read last, if several collections hold it."""
    return [
        (number, text)
        for number, text in db.rows(
            "SELECT number, text FROM pages WHERE source ="
            " (SELECT id FROM sources WHERE path = ? ORDER BY ingested DESC, id DESC LIMIT 1) ORDER BY position",
            (path,),
        )
    ]


def stored_hashes(db: Database, collection: str) -> dict[str, str]:
    """Path to content hash of all sources of a collection."""
    return dict(db.rows("SELECT path, hash FROM sources WHERE collection = ?", (collection,)))


def has_lock(db: Database, collection: str) -> bool:
    """Whether the collection is locked."""
    return bool(db.rows("SELECT 1 FROM collections WHERE name = ? AND locked", (collection,)))


def is_root(db: Database, collection: str, path: str) -> bool:
    """Whether this folder was ingested into the collection."""
    return bool(db.rows("SELECT 1 FROM roots WHERE collection = ? AND path = ?", (collection, path)))


def passages(db: Database, scores: dict[str, float]) -> dict[str, Passage]:
    """Passages by id with their scores; ids that are not stored are left out.

    A document that any locked collection holds is locked in all of them.
    """
    found: dict[str, Passage] = {}
    for chunk in _chunks(list(scores)):
        rows = db.rows(
            "SELECT p.id, s.path, s.collection, p.page, p.start, p.end, p.text, p.title,"  # noqa: S608
            " EXISTS (SELECT 1 FROM sources o JOIN collections c ON c.name = o.collection"
            "         WHERE o.path = s.path AND c.locked)"
            " FROM passages p JOIN sources s ON s.id = p.source"
            f" WHERE p.id IN ({_marks(chunk)})",
            chunk,
        )
        for id_, path, collection, page, start, end, text, title, locked in rows:
            found[id_] = Passage(
                id_, path, collection, page, start, end, text, score=scores[id_], title=title, locked=bool(locked)
            )
    return found


def match_words(db: Database, words: Sequence[str], collection: str | None, limit: int) -> list[tuple[str, float]]:
    """Passages that hold any of the words: ids and BM25 (higher is better), best first.

    Args:
        words: letters, digits and underscores only; a word matches in all its endings.
    """
    if not words:
        return []
    rows = db.rows(
        "SELECT p.id, -bm25(words, 0.5, 1.0) AS score FROM words JOIN passages p ON p.rowid = words.rowid"
        " JOIN sources s ON s.id = p.source WHERE words MATCH ?1 AND (?2 IS NULL OR s.collection = ?2)"
        " ORDER BY score DESC, p.id LIMIT ?3",
        (" OR ".join(f'"{word}"' for word in words), collection, limit),
    )
    return [(id_, score) for id_, score in rows]


def waiting(db: Database, limit: int) -> list[Waiting]:
    """Passages without a vector, at most ``limit``, in the order of their sources."""
    rows = db.rows(
        "SELECT p.id, s.collection, p.title, p.text FROM passages p JOIN sources s ON s.id = p.source"
        " WHERE p.embedded = 0 ORDER BY p.source, p.rowid LIMIT ?",
        (limit,),
    )
    return [Waiting(id_, collection, f"{title}\n{text}" if title else text) for id_, collection, title, text in rows]


def embedded_ids(db: Database) -> set[str]:
    """Ids of the passages that should have a vector."""
    return {row[0] for row in db.rows("SELECT id FROM passages WHERE embedded = 1")}


def orphans(db: Database) -> list[str]:
    """Ids whose passages are gone and whose vectors may still be there."""
    return [row[0] for row in db.rows("SELECT id FROM orphans ORDER BY id")]


def count(db: Database, where: str = "1") -> int:
    """How many passages there are; ``where`` is one of this package's own conditions."""
    rows = db.rows(f"SELECT count(*) FROM passages WHERE {where}")  # noqa: S608
    return int(rows[0][0]) if rows else 0


# -- writing -----------------------------------------------------------------------------------------------------------


def put_collection(sql: sqlite3.Connection, name: str, locked: bool) -> None:
    """Make the collection if it is new; ``locked=True`` locks it, ``False`` leaves its lock as it is."""
    sql.execute(
        "INSERT INTO collections (name, locked) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET locked = max(locked, excluded.locked)",
        (name, int(locked)),
    )


def put_roots(sql: sqlite3.Connection, collection: str, folders: Iterable[str], gone: Iterable[str]) -> None:
    """Remember which folders were ingested, and forget those that are not there any more."""
    sql.executemany("DELETE FROM roots WHERE collection = ? AND path = ?", [(collection, path) for path in gone])
    sql.executemany(
        "INSERT OR IGNORE INTO roots (collection, path) VALUES (?, ?)", [(collection, path) for path in folders]
    )


def put_source(
    sql: sqlite3.Connection, collection: str, document: Document, cuts: Sequence[Cut], digest: str, size: int
) -> None:
    """Store a document in place of its earlier version; passages that stay the same keep their vectors."""
    numbered = document.pages[0].number is not None
    (source,) = sql.execute(
        "INSERT INTO sources (collection, path, title, hash, bytes, ingested, pages, warnings)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (collection, path) DO UPDATE SET title = excluded.title,"
        " hash = excluded.hash, bytes = excluded.bytes, ingested = excluded.ingested, pages = excluded.pages,"
        " warnings = excluded.warnings RETURNING id",
        (
            *(collection, document.path, document.title, digest, size, time.time()),
            *(len(document.pages) if numbered else None, json.dumps(document.warnings)),
        ),
    ).fetchone()
    sql.execute("DELETE FROM pages WHERE source = ?", (source,))
    sql.executemany(
        "INSERT INTO pages (source, position, number, text) VALUES (?, ?, ?, ?)",
        [(source, i, page.number, page.text) for i, page in enumerate(document.pages)],
    )
    stored = {id_ for (id_,) in sql.execute("SELECT id FROM passages WHERE source = ?", (source,))}
    new = {cut.id for cut in cuts}
    sql.executemany("DELETE FROM passages WHERE id = ?", [(id_,) for id_ in stored - new])
    sql.executemany(
        "UPDATE passages SET start = ?, end = ? WHERE id = ?", [(c.start, c.end, c.id) for c in cuts if c.id in stored]
    )
    added = [c for c in cuts if c.id not in stored]
    sql.executemany(
        "INSERT INTO passages (id, source, page, start, end, text, title) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(c.id, source, c.page, c.start, c.end, c.text, c.title) for c in added],
    )
    # A passage that comes back is no orphan; what its old vector was does not matter, it gets a new one.
    sql.executemany("DELETE FROM orphans WHERE id = ?", [(c.id,) for c in added])


def delete_sources(sql: sqlite3.Connection, collection: str, paths: Iterable[str]) -> None:
    """Delete sources with their pages and passages."""
    sql.executemany("DELETE FROM sources WHERE collection = ? AND path = ?", [(collection, path) for path in paths])


def mark_embedded(sql: sqlite3.Connection, ids: Sequence[str], embedded: bool = True) -> None:
    """Note which passages have vectors."""
    sql.executemany("UPDATE passages SET embedded = ? WHERE id = ?", [(int(embedded), id_) for id_ in ids])


def forget_orphans(sql: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Their vectors are gone too."""
    sql.executemany("DELETE FROM orphans WHERE id = ?", [(id_,) for id_ in ids])


def forget_vectors(sql: sqlite3.Connection) -> None:
    """Note that no passage has a vector: the index starts over."""
    sql.execute("UPDATE passages SET embedded = 0")
    sql.execute("DELETE FROM orphans")


def put_lock(sql: sqlite3.Connection, collection: str, locked: bool) -> None:
    """Lock or unlock a collection."""
    sql.execute("UPDATE collections SET locked = ? WHERE name = ?", (int(locked), collection))


def delete_collection(sql: sqlite3.Connection, collection: str) -> None:
    """Delete a collection with all that is in it."""
    sql.execute("DELETE FROM collections WHERE name = ?", (collection,))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _chunks(ids: list[str], size: int = 500) -> Iterable[list[str]]:
    return (ids[i : i + size] for i in range(0, len(ids), size))
