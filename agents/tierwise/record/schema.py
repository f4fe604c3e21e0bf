"""Tables of ``record.sqlite`` and how the file is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tierwise.errors import StoreError
from tierwise.home import open_home, private

VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS threads (
  thread TEXT PRIMARY KEY, created REAL NOT NULL, locked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS turns (
  n INTEGER PRIMARY KEY,
  turn_id TEXT NOT NULL UNIQUE,
  thread TEXT NOT NULL REFERENCES threads ON DELETE CASCADE,
  created REAL NOT NULL,
  status TEXT NOT NULL,
  owner TEXT NOT NULL,
  locked INTEGER NOT NULL DEFAULT 0,
  asked TEXT NOT NULL,
  text TEXT NOT NULL DEFAULT '',
  record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS turns_by_thread ON turns (thread, n);
CREATE TABLE IF NOT EXISTS partials (
  turn_id TEXT NOT NULL REFERENCES turns (turn_id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL, tier TEXT NOT NULL, model TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (turn_id, attempt)
) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (asked, text, content='turns', content_rowid='n');
CREATE TRIGGER IF NOT EXISTS words_insert AFTER INSERT ON turns BEGIN
  INSERT INTO words (rowid, asked, text) VALUES (new.n, new.asked, new.text);
END;
CREATE TRIGGER IF NOT EXISTS words_delete AFTER DELETE ON turns BEGIN
  INSERT INTO words (words, rowid, asked, text) VALUES ('delete', old.n, old.asked, old.text);
END;
CREATE TRIGGER IF NOT EXISTS words_update AFTER UPDATE OF asked, text ON turns BEGIN
  INSERT INTO words (words, rowid, asked, text) VALUES ('delete', old.n, old.asked, old.text);
  INSERT INTO words (rowid, asked, text) VALUES (new.n, new.asked, new.text);
END;
"""


def connect(home: Path) -> sqlite3.Connection:
    """Open ``record.sqlite``, making it if it is not there.

    A transaction survives the death of the process (write-ahead log); only a loss of power may undo the last ones.

    Raises:
        StoreError: if it cannot be opened, or a newer tierwise wrote it.
    """
    path = private(open_home(home) / "record.sqlite")
    try:
        db = sqlite3.connect(path, timeout=5.0, check_same_thread=False, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            db.close()
            raise StoreError(f"{path} was written by a newer tierwise.", fix="Upgrade tierwise.")
        if version < VERSION:
            db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be opened: {error}.",
            fix="Check its permissions and free space, or move it aside to start with an empty record.",
        ) from error
    return db
