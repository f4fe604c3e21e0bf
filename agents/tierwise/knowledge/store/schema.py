"""The tables of ``knowledge.sqlite``, and the way to them from older versions.

A passage points to a row of ``vectors``, which stands for the text that is embedded (title, head, text): equal texts
share one, so a moved or copied file embeds nothing. A row without a vector waits for the embedder. Rows are numbered in
the order in which they come, filled in that order and never numbered again, so that a single number says how far the
index beside the database has come.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator

VERSION = 2

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections (name TEXT PRIMARY KEY, locked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    path TEXT NOT NULL,
    title TEXT,
    hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    ingested REAL NOT NULL,
    pages INTEGER,
    warnings TEXT NOT NULL,
    passages INTEGER NOT NULL DEFAULT 0,  -- how many, so that a filter's width is known without counting them
    kind TEXT NOT NULL DEFAULT 'text',
    date REAL,                            -- when it was written as it says itself
    modified REAL,                        -- when it was changed last as its place says
    stamp TEXT,                           -- as its place gave it: an equal one means it was not changed
    version TEXT NOT NULL DEFAULT '',     -- of the reader and the cutter that made its passages
    origin TEXT NOT NULL DEFAULT '',
    labels TEXT NOT NULL DEFAULT '[]',    -- a JSON list, as access
    access TEXT NOT NULL DEFAULT '[]',
    UNIQUE (collection, path)
);
CREATE INDEX sources_by_path ON sources (path);
CREATE TABLE pages (
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    number INTEGER,
    text TEXT NOT NULL,
    PRIMARY KEY (source, position)
) WITHOUT ROWID;
"""

_PARTS = """
CREATE TABLE origins (
    collection TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    id TEXT NOT NULL,
    cursor TEXT,
    crawled REAL NOT NULL,
    labels TEXT NOT NULL DEFAULT '[]',    -- that its sources get beside their own
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;
CREATE TABLE failures (
    collection TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    path TEXT NOT NULL,
    stamp TEXT,
    hash TEXT,
    version TEXT NOT NULL,
    error TEXT NOT NULL,
    fix TEXT,
    original TEXT,
    failed REAL NOT NULL,
    PRIMARY KEY (collection, path)
) WITHOUT ROWID;
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,            -- of the embedded text
    vector BLOB                           -- float16, little-endian
);
CREATE INDEX vectors_waiting ON vectors (id) WHERE vector IS NULL;
CREATE TABLE loose (id INTEGER PRIMARY KEY);    -- vectors that lost a passage, perhaps their last one
CREATE TABLE orphans (id INTEGER PRIMARY KEY);  -- vectors that are gone here and may still be in the index
CREATE TABLE passages (
    rowid INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,            -- in reading order, from 0
    page INTEGER,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    title TEXT,
    head TEXT,
    vector INTEGER NOT NULL REFERENCES vectors (id)
);
CREATE INDEX passages_by_place ON passages (source, position);
CREATE INDEX passages_by_vector ON passages (vector);
CREATE TRIGGER vectors_gone AFTER DELETE ON vectors BEGIN
    INSERT OR IGNORE INTO orphans (id) VALUES (old.id);
END;
"""

_WORDS = """
CREATE VIRTUAL TABLE words USING fts5 (
    title, head, text, content='passages', content_rowid='rowid', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
    INSERT INTO words (rowid, title, head, text) VALUES (new.rowid, new.title, new.head, new.text);
END;
CREATE TRIGGER passages_gone AFTER DELETE ON passages BEGIN
    INSERT INTO words (words, rowid, title, head, text) VALUES ('delete', old.rowid, old.title, old.head, old.text);
    INSERT OR IGNORE INTO loose (id) VALUES (old.vector);
    -- A text that comes back later than others that were embedded meanwhile must not get its old number.
    DELETE FROM vectors WHERE id = old.vector AND vector IS NULL
        AND NOT EXISTS (SELECT 1 FROM passages WHERE vector = old.vector);
END;
"""

# Version 1 kept vectors only in the index, one a passage: here they wait for the embedder.
_FROM_1 = """
DROP TRIGGER passages_added;
DROP TRIGGER passages_gone;
DROP TABLE words;
DROP TABLE orphans;
DROP INDEX passages_by_source;
DROP INDEX passages_waiting;
ALTER TABLE passages RENAME TO old_passages;
ALTER TABLE sources ADD COLUMN passages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
ALTER TABLE sources ADD COLUMN date REAL;
ALTER TABLE sources ADD COLUMN modified REAL;
ALTER TABLE sources ADD COLUMN stamp TEXT;
ALTER TABLE sources ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sources ADD COLUMN access TEXT NOT NULL DEFAULT '[]';
{parts}
INSERT INTO origins (collection, id, crawled) SELECT collection, path, 0 FROM roots;
DROP TABLE roots;
INSERT OR IGNORE INTO vectors (hash) SELECT text_hash(iif(title IS NULL, text, title || char(10) || text))
    FROM old_passages ORDER BY rowid;
INSERT INTO passages (rowid, id, source, position, page, start, end, text, title, vector)
    SELECT p.rowid, p.id, p.source, row_number() OVER (PARTITION BY p.source ORDER BY p.page, p.start) - 1,
           p.page, p.start, p.end, p.text, p.title, v.id
    FROM old_passages p JOIN vectors v
    ON v.hash = text_hash(iif(p.title IS NULL, p.text, p.title || char(10) || p.text));
DROP TABLE old_passages;
UPDATE sources SET passages = (SELECT count(*) FROM passages p WHERE p.source = sources.id);
DELETE FROM meta;
{words}
INSERT INTO words (words) VALUES ('rebuild');
"""


def text_hash(text: str) -> bytes:
    """What tells one embedded text from another: 16 bytes."""
    return hashlib.sha256(text.encode()).digest()[:16]


def bring_up(connection: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an older version up to date; the caller holds a transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return
    connection.create_function("text_hash", 1, text_hash, deterministic=True)
    script = _FROM_1.format(parts=_PARTS, words=_WORDS) if version == 1 else _TABLES + _PARTS + _WORDS
    for statement in _statements(script):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
