"""Tables of ``record.sqlite`` and how the file is opened."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from tierwise.errors import StoreError
from tierwise.home import open_home, private
from tierwise.record.stated import stated_lines

_FIRST = """
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
# What every turn asks about those before it stands beside their records, which are long and need not be read for it.
_OVERRULES = """
ALTER TABLE turns ADD COLUMN requested TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE turns ADD COLUMN final TEXT;
ALTER TABLE turns ADD COLUMN stage TEXT;
ALTER TABLE turns ADD COLUMN cause TEXT;
ALTER TABLE turns ADD COLUMN overruled TEXT;
ALTER TABLE turns ADD COLUMN overrules TEXT;
ALTER TABLE turns ADD COLUMN overrule TEXT;
UPDATE turns SET
  requested = coalesce(told(record, 'requested_tier'), 'auto'),
  final = told(record, 'final'),
  stage = told(record, 'stage'),
  cause = told(record, 'cause');
CREATE INDEX turns_by_overruled ON turns (overrules) WHERE overrules IS NOT NULL;
CREATE VIEW conversation AS
  SELECT n, turn_id, thread, status, locked, asked, text, requested, final, stage, cause, overrule FROM turns
  WHERE status NOT IN ('running', 'blocked') AND overruled IS NULL;
"""
# What was spent counts against the budget, also when the turns it was spent on are deleted.
_SPENDING = """
ALTER TABLE turns ADD COLUMN cost REAL NOT NULL DEFAULT 0;
UPDATE turns SET cost = coalesce(CAST(told(record, 'cost_usd') AS REAL), 0);
CREATE INDEX turns_by_created ON turns (created, cost);
CREATE TABLE costs_of_deleted (created REAL NOT NULL, cost REAL NOT NULL) STRICT;
CREATE TRIGGER keep_cost AFTER DELETE ON turns WHEN old.cost > 0 BEGIN
  INSERT INTO costs_of_deleted VALUES (old.created, old.cost);
END;
"""
# A turn that is parked goes on later: it waits for a person, or its program died. Its calls are begun once.
_CALLS = """
ALTER TABLE turns ADD COLUMN parked TEXT;
ALTER TABLE turns ADD COLUMN begun_with TEXT;
ALTER TABLE turns ADD COLUMN tainted INTEGER NOT NULL DEFAULT 0;
UPDATE turns SET tainted =
  coalesce(told(record, 'passages'), '[]') != '[]' OR coalesce(told(record, 'tools'), '[]') != '[]';
CREATE INDEX turns_parked ON turns (parked) WHERE parked IS NOT NULL;
DROP VIEW conversation;
CREATE VIEW conversation AS
  SELECT n, turn_id, thread, status, locked, tainted, asked, text, requested, final, stage, cause, overrule FROM turns
  WHERE status NOT IN ('running', 'blocked', 'needs_approval') AND overruled IS NULL;
CREATE TABLE calls (
  turn_id TEXT NOT NULL REFERENCES turns (turn_id) ON DELETE CASCADE,
  round INTEGER NOT NULL, place INTEGER NOT NULL,
  state TEXT NOT NULL, name TEXT NOT NULL, arguments TEXT NOT NULL,
  edited INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', waiting TEXT, step TEXT,
  asked REAL, decided REAL, began REAL, ended REAL,
  PRIMARY KEY (turn_id, round, place)
) STRICT;
CREATE TABLE allowances (tool TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, given REAL NOT NULL) STRICT;
"""
# A thread that is too long to be read whole keeps what the user told of himself; a title that he gave replaces ours.
_LONG_THREADS = """
ALTER TABLE threads ADD COLUMN title TEXT;
ALTER TABLE turns ADD COLUMN stated TEXT;
UPDATE turns SET stated = stated(asked);
DROP VIEW conversation;
CREATE VIEW conversation AS
  SELECT n, turn_id, thread, status, locked, tainted, asked, text, requested, final, stage, cause, overrule, stated
  FROM turns WHERE status NOT IN ('running', 'blocked', 'needs_approval') AND overruled IS NULL;
CREATE INDEX turns_said ON turns (thread, n, locked)
  WHERE status NOT IN ('running', 'blocked', 'needs_approval') AND overruled IS NULL;
CREATE INDEX turns_stated ON turns (thread, n) WHERE stated IS NOT NULL;
"""
# What a person was shown before it left, and what of it stays here; turns of the device that have read that.
_SENDINGS = """
CREATE TABLE sendings (
  turn_id TEXT NOT NULL REFERENCES turns (turn_id) ON DELETE CASCADE,
  id TEXT NOT NULL, thread TEXT NOT NULL, place TEXT NOT NULL,
  state TEXT NOT NULL, shown TEXT NOT NULL, asked REAL NOT NULL, decided REAL, sent REAL,
  PRIMARY KEY (turn_id, id)
) STRICT;
CREATE INDEX sendings_by_thread ON sendings (thread, place, state);
CREATE TABLE taken_out (
  thread TEXT NOT NULL REFERENCES threads (thread) ON DELETE CASCADE,
  item TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
  turn_id TEXT NOT NULL, tier TEXT, passage TEXT, taken REAL NOT NULL,
  PRIMARY KEY (thread, item)
) STRICT;
CREATE TABLE repeats (
  turn_id TEXT NOT NULL REFERENCES turns (turn_id) ON DELETE CASCADE, tier TEXT NOT NULL,
  PRIMARY KEY (turn_id, tier)
) STRICT;
"""

_MIGRATIONS = (_FIRST, _OVERRULES, _SPENDING, _CALLS, _LONG_THREADS, _SENDINGS)
"""What makes version ``n + 1`` of a file of version ``n``; a new file goes through all of them."""
VERSION = len(_MIGRATIONS)
_PATIENCE = 5.0  # seconds to wait for another process that writes


def connect(home: Path) -> sqlite3.Connection:
    """Open ``record.sqlite``, making it if it is not there.

    A transaction survives the death of the process (write-ahead log); only a loss of power may undo the last ones.

    Raises:
        StoreError: if it cannot be opened, or a newer tierwise wrote it.
    """
    path = private(open_home(home) / "record.sqlite")
    try:
        db = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False, isolation_level=None)
        db.row_factory = sqlite3.Row
        _write_ahead(db)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            db.close()
            raise StoreError(f"{path} was written by a newer tierwise.", fix="Upgrade tierwise.")
        if version < VERSION:
            _migrate(db)
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be opened: {error}.",
            fix="Check its permissions and free space, or move it aside to start with an empty record.",
        ) from error
    return db


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite does not wait by itself for others who are switching."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _migrate(db: sqlite3.Connection) -> None:
    """Bring the file up to date, wholly or not at all."""
    db.create_function("told", 2, _told, deterministic=True)
    db.create_function("stated", 1, stated_lines, deterministic=True)
    db.execute("BEGIN IMMEDIATE")
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()  # another process may just have done it
        for script in _MIGRATIONS[version:]:
            for statement in _statements(script):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {max(version, VERSION)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _told(record: str, name: str) -> str | None:
    """A field of a stored record. SQLite itself would refuse numbers such as ``NaN`` that are in some."""
    fields = _parsed(record)
    if name == "cause":
        return next((str(reason["code"]) for reason in fields.get("reasons", ())), None)
    value = fields.get(name)
    return None if value is None else str(value)


@lru_cache(maxsize=1)
def _parsed(record: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(record)
    return parsed


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: ``executescript`` would end the transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
