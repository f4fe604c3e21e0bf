"""Tables of ``record.sqlite``, and the way to them from older versions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tierwise.record.file import sums
from tierwise.record.missed import missed_by
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
# A turn is written by one process at a time: who runs it renews its lease, and whoever takes it over raises its epoch.
_LEASES = """
ALTER TABLE turns ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN lease REAL NOT NULL DEFAULT 0;
CREATE INDEX turns_running ON turns (thread, n) WHERE status = 'running';
"""
# Money is set aside before a request leaves, so that requests that run together do not spend the same money.
_PAYMENTS = """
CREATE TABLE payments (
  turn_id TEXT NOT NULL REFERENCES turns (turn_id) ON DELETE CASCADE,
  n INTEGER NOT NULL, usd REAL NOT NULL, settled INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (turn_id, n)
) STRICT;
CREATE INDEX turns_paid ON turns (thread, cost) WHERE cost > 0;
CREATE TRIGGER keep_payments BEFORE DELETE ON turns BEGIN
  INSERT INTO costs_of_deleted SELECT old.created, usd FROM payments WHERE turn_id = old.turn_id;
END;
"""
# Turns that a larger tier should have answered and could not be asked: they can be improved later.
_MISSED = """
ALTER TABLE turns ADD COLUMN missed TEXT;
UPDATE turns SET missed = missed(record);
CREATE INDEX turns_missed ON turns (n) WHERE missed IS NOT NULL;
CREATE INDEX turns_tainted ON turns (thread, n) WHERE tainted = 1;
"""
# SQLite itself does not notice a changed letter.
_SUMS = sums.TABLES
# Whoever begins a thread through an API owns it; what a caller's turns cost is told apart. A turn that ended with calls
# for its caller to run (called) has no answer: its question is asked again with what they gave. How often a turn was
# taken up after its program had ended in the middle (taken) is counted.
_CALLERS = """
ALTER TABLE threads ADD COLUMN caller TEXT;
ALTER TABLE threads ADD COLUMN passing INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER thread_sums_update;
CREATE TRIGGER thread_sums_update AFTER UPDATE OF thread, created, locked, title, caller, passing ON threads BEGIN
  UPDATE thread_sums SET sum = NULL WHERE thread = new.thread;
END;
CREATE INDEX threads_passing ON threads (thread) WHERE passing = 1;
ALTER TABLE turns ADD COLUMN caller TEXT;
ALTER TABLE turns ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN called INTEGER NOT NULL DEFAULT 0;
CREATE INDEX turns_by_caller ON turns (caller, created, cost) WHERE caller IS NOT NULL;
DROP VIEW conversation;
CREATE VIEW conversation AS
  SELECT n, turn_id, thread, status, locked, tainted, asked, text, requested, final, stage, cause, overrule, stated
  FROM turns WHERE status NOT IN ('running', 'blocked', 'needs_approval') AND overruled IS NULL AND called = 0;
DROP INDEX turns_said;
CREATE INDEX turns_said ON turns (thread, n, locked)
  WHERE status NOT IN ('running', 'blocked', 'needs_approval') AND overruled IS NULL AND called = 0;
ALTER TABLE costs_of_deleted ADD COLUMN caller TEXT;
DROP TRIGGER keep_cost;
CREATE TRIGGER keep_cost AFTER DELETE ON turns WHEN old.cost > 0 BEGIN
  INSERT INTO costs_of_deleted VALUES (old.created, old.cost, old.caller);
END;
DROP TRIGGER keep_payments;
CREATE TRIGGER keep_payments BEFORE DELETE ON turns BEGIN
  INSERT INTO costs_of_deleted SELECT old.created, usd, old.caller FROM payments WHERE turn_id = old.turn_id;
END;
"""

_MIGRATIONS = (
    _FIRST, _OVERRULES, _SPENDING, _CALLS, _LONG_THREADS, _SENDINGS, _LEASES, _PAYMENTS, _MISSED, _SUMS, _CALLERS,
)  # fmt: skip
"""What makes version ``n + 1`` of a file of version ``n``; a new file goes through all of them."""
VERSION = len(_MIGRATIONS)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file up to date, wholly or not at all."""
    db.create_function("told", 2, _told, deterministic=True)
    db.create_function("stated", 1, stated_lines, deterministic=True)
    db.create_function("missed", 1, _missed, deterministic=True)
    db.execute("BEGIN IMMEDIATE")
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()  # another process may just have done it
        for script in _MIGRATIONS[version:]:
            for statement in _statements(script):
                db.execute(statement)
        sums.seal(db, count=False)
        db.execute(f"PRAGMA user_version = {max(version, VERSION)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def derived(record: str, asked: str) -> dict[str, object]:
    """What the columns beside a record say, for a turn of a version that did not have them."""
    fields = _parsed(record)
    columns = {name: _told(record, name) for name in ("final", "stage", "cause")}
    return columns | {
        "requested": fields.get("requested_tier") or "auto",
        "cost": float(fields.get("cost_usd") or 0.0),
        "tainted": int(bool(fields.get("passages") or fields.get("tools"))),
        "stated": stated_lines(asked),
        "missed": _missed(record),
        "caller": fields.get("caller"),
        "called": int(bool(fields.get("calls"))),
    }


def _told(record: str, name: str) -> str | None:
    """A field of a stored record. SQLite itself would refuse numbers such as ``NaN`` that are in some."""
    fields = _parsed(record)
    if name == "cause":
        return next((str(reason["code"]) for reason in fields.get("reasons", ())), None)
    value = fields.get(name)
    return None if value is None else str(value)


def _missed(record: str) -> str | None:
    """Why a stored turn missed the larger tier, see :func:`~tierwise.record.missed.missed_by`."""
    fields = _parsed(record)
    codes = [notice["code"] for notice in fields.get("notices", ())]
    return missed_by(fields.get("status"), codes, locked=bool(fields.get("locked")))


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
