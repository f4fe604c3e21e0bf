"""What is asked of the tables of ``knowledge.sqlite``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tierwise.errors import UnknownName
from tierwise.knowledge.report import Collection, Failure, Source
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.schema import text_hash
from tierwise.types import Passage


def collections(db: Database) -> list[Collection]:
    """All collections by name."""
    rows = db.rows(
        "SELECT c.name, c.locked, count(s.id), coalesce(sum(s.passages), 0) FROM collections c"
        " LEFT JOIN sources s ON s.collection = c.name GROUP BY c.name ORDER BY c.name"
    )
    return [Collection(name, bool(locked), sources, passages) for name, locked, sources, passages in rows]


def require_collection(db: Database, name: str) -> None:
    """Raise ``UnknownName``, with the names there are, unless the collection exists."""
    names = [row[0] for row in db.rows("SELECT name FROM collections ORDER BY name")]
    if name not in names:
        fix = f"There are: {', '.join(names)}." if names else "There are none yet: run `tierwise ingest PATH`."
        raise UnknownName(f"There is no collection named {name!r}.", fix=fix)


def sources(db: Database, collection: str | None = None) -> list[Source]:
    """Sources, of one collection or of all, by collection and path."""
    rows = db.rows(
        "SELECT path, collection, title, pages, passages, bytes, ingested, warnings, kind, date, modified, origin,"
        " labels, access FROM sources WHERE ?1 IS NULL OR collection = ?1 ORDER BY collection, path",
        (collection,),
    )
    return [
        Source(*(*row[:7], tuple(json.loads(row[7])), *row[8:12], *(frozenset(json.loads(w)) for w in row[12:])))
        for row in rows
    ]


def is_source(db: Database, path: str) -> bool:
    """Whether a source has exactly this name."""
    return bool(db.rows("SELECT 1 FROM sources WHERE path = ? LIMIT 1", (path,)))


def failures(db: Database, collection: str | None = None) -> list[Failure]:
    """What could not be read when it was last tried, by collection and path."""
    return [
        Failure(*row)
        for row in db.rows(
            "SELECT path, collection, error, fix, original, failed FROM failures"
            " WHERE ?1 IS NULL OR collection = ?1 ORDER BY collection, path",
            (collection,),
        )
    ]


def source_text(db: Database, path: str, page: int | None) -> str:
    """The text of a page of a source, or of all with an empty line between; of the copy read last, if there are more.

    Raises:
        UnknownName: if there is no such source or page.
    """
    of_copy = (
        "FROM pages WHERE source = (SELECT id FROM sources WHERE path = ? ORDER BY ingested DESC, id DESC LIMIT 1)"
    )
    numbered = [] if page is None else db.rows(f"SELECT text {of_copy} AND number = ?", (path, page))
    if numbered:
        return str(numbered[0][0])
    pages = db.rows(f"SELECT number, text {of_copy} ORDER BY position", (path,))
    if not pages:
        raise UnknownName(f"{path} is not among the sources.", fix="`tierwise sources list` shows them.")
    if page is None:
        return "\n\n".join(text for _, text in pages)
    have = f"It has pages 1 to {len(pages)}." if pages[0][0] is not None else "It has no pages."
    raise UnknownName(f"{path} has no page {page}.", fix=have)


def has_lock(db: Database, collection: str) -> bool:
    """Whether the collection is locked."""
    return bool(db.rows("SELECT 1 FROM collections WHERE name = ? AND locked", (collection,)))


def passages(db: Database, scores: dict[str, float]) -> dict[str, Passage]:
    """Passages by id with their scores; ids that are not stored, or not as they were written, are left out.

    A document that any locked collection holds is locked in all of them.
    """
    found: dict[str, Passage] = {}
    for chunk in _chunks(list(scores)):
        rows = db.rows(
            "SELECT p.id, s.path, s.collection, p.page, p.start, p.end, p.text, p.title, p.head,"  # noqa: S608
            " EXISTS (SELECT 1 FROM sources o JOIN collections c ON c.name = o.collection"
            "         WHERE o.path = s.path AND c.locked), v.hash"
            " FROM passages p JOIN sources s ON s.id = p.source JOIN vectors v ON v.id = p.vector"
            f" WHERE p.id IN ({marks(chunk)})",
            chunk,
        )
        for id_, path, collection, page, start, end, text, title, head, locked, written in rows:
            if text_hash("\n".join(part for part in (title, head, text) if part)) != written:
                db.damaged = f"{db.path.name} is damaged: passages that are not as they were written are left out."
                continue
            found[id_] = Passage(
                *(id_, path, collection, page, start, end, text, scores[id_]),
                title=title,
                head=head,
                locked=bool(locked),
            )
    return found


def count(db: Database) -> int:
    """How many passages there are."""
    rows = db.rows("SELECT coalesce(sum(passages), 0) FROM sources")
    return int(rows[0][0]) if rows else 0


def orphans(db: Database, limit: int) -> list[int]:
    """Vectors that are gone and may still be in the index, at most ``limit``."""
    return [row[0] for row in db.rows("SELECT id FROM orphans ORDER BY id LIMIT ?", (limit,))]


def facts(db: Database) -> dict[str, str]:
    """Facts about the whole store: whose vectors these are, and what the index beside them should hold."""
    return dict(db.rows("SELECT key, value FROM meta"))


def marks(values: Sequence[Any]) -> str:
    """Question marks for a list of values."""
    return ",".join("?" * len(values))


def _chunks(ids: list[str], size: int = 500) -> Iterable[list[str]]:
    return (ids[i : i + size] for i in range(0, len(ids), size))
