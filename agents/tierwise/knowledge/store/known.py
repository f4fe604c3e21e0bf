"""What is remembered of a collection so that an ingest leaves alone what did not change."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tierwise.knowledge.report import Failure
from tierwise.knowledge.store.database import Database


@dataclass(frozen=True, slots=True)
class Stored:
    """A source as it is stored; see the table ``sources``."""

    hash: str
    stamp: str | None
    version: str
    pages: int | None
    passages: int
    kind: str
    modified: float | None
    origin: str
    warnings: tuple[str, ...]
    labels: frozenset[str]
    access: frozenset[str]


@dataclass(frozen=True, slots=True)
class Failed:
    """A source that could not be read, with what tells whether trying again is of any use."""

    failure: Failure
    stamp: str | None
    hash: str | None
    version: str


@dataclass(frozen=True, slots=True)
class Crawled:
    """An origin that was brought in before."""

    cursor: str | None
    labels: frozenset[str]


def sources(db: Database, collection: str) -> dict[str, Stored]:
    """The sources of a collection by path."""
    rows = db.rows(
        "SELECT path, hash, stamp, version, pages, passages, kind, modified, origin, warnings, labels, access"
        " FROM sources WHERE collection = ?",
        (collection,),
    )
    return {row[0]: Stored(*(*row[1:9], tuple(json.loads(row[9])), *map(_words, row[10:]))) for row in rows}


def failures(db: Database, collection: str) -> dict[str, Failed]:
    """What could not be read, by path."""
    rows = db.rows(
        "SELECT path, collection, error, fix, original, failed, stamp, hash, version FROM failures"
        " WHERE collection = ?",
        (collection,),
    )
    return {row[0]: Failed(Failure(*row[:6]), *row[6:]) for row in rows}


def origins(db: Database, collection: str) -> dict[str, Crawled]:
    """The origins of a collection by id."""
    rows = db.rows("SELECT id, cursor, labels FROM origins WHERE collection = ?", (collection,))
    return {id_: Crawled(cursor, _words(labels)) for id_, cursor, labels in rows}


def _words(listed: str) -> frozenset[str]:
    return frozenset(json.loads(listed)) if listed != "[]" else frozenset()
