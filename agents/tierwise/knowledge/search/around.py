"""The passages beside a passage, and all of a document."""

from __future__ import annotations

from tierwise.knowledge.store import tables
from tierwise.knowledge.store.database import Database
from tierwise.types import Passage


def neighbours(db: Database, passage: Passage, *, before: int = 1, after: int = 1) -> list[Passage]:
    """The passages next to one in its document, in reading order, itself among them; none if it is gone.

    Args:
        db: where they are.
        passage: the one in the middle; its own score stays, the others have 0.
        before: how many of those before it, at most.
        after: how many of those after it, at most.
    """
    rows = db.rows(
        "SELECT n.id FROM passages p JOIN passages n ON n.source = p.source"
        " AND n.position BETWEEN p.position - ? AND p.position + ? WHERE p.id = ? ORDER BY n.position",
        (before, after, passage.id),
    )
    ids = [id_ for (id_,) in rows]
    found = tables.passages(db, {id_: passage.score if id_ == passage.id else 0.0 for id_ in ids})
    return [found[id_] for id_ in ids if id_ in found]


def whole(db: Database, source: str, *, collection: str | None = None) -> list[Passage]:
    """All passages of a document in reading order; of one collection's copy, or of the copy read last.

    Args:
        db: where they are.
        source: the document's path or address.
        collection: whose copy.
    """
    rows = db.rows(
        "SELECT p.id FROM passages p WHERE p.source = (SELECT s.id FROM sources s WHERE s.path = ?1"
        " AND (?2 IS NULL OR s.collection = ?2) ORDER BY s.ingested DESC, s.id DESC LIMIT 1) ORDER BY p.position",
        (source, collection),
    )
    ids = [id_ for (id_,) in rows]
    found = tables.passages(db, dict.fromkeys(ids, 0.0))
    return [found[id_] for id_ in ids if id_ in found]
