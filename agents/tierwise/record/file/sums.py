"""Checksums of turns and threads: SQLite notices a broken page, not a changed letter in a whole one."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence

OF_TURN = ("turn_id", "thread", "created", "status", "locked", "overruled", "asked", "text", "record")
OF_THREAD = ("thread", "created", "locked", "title", "caller", "passing")
_ALWAYS = 4  # of those; the others count only where they say something, as they came later

TABLES = """
CREATE TABLE sums (n INTEGER PRIMARY KEY, sum INTEGER) STRICT;
CREATE INDEX sums_due ON sums (n) WHERE sum IS NULL;
CREATE TRIGGER sums_insert AFTER INSERT ON turns BEGIN INSERT INTO sums VALUES (new.n, NULL); END;
CREATE TRIGGER sums_update AFTER UPDATE
  OF turn_id, thread, created, status, locked, overruled, asked, text, record ON turns BEGIN
  UPDATE sums SET sum = NULL WHERE n = new.n;
END;
CREATE TRIGGER sums_delete AFTER DELETE ON turns BEGIN DELETE FROM sums WHERE n = old.n; END;
CREATE TABLE thread_sums (thread TEXT PRIMARY KEY, sum INTEGER) STRICT;
CREATE INDEX thread_sums_due ON thread_sums (thread) WHERE sum IS NULL;
CREATE TRIGGER thread_sums_insert AFTER INSERT ON threads BEGIN INSERT INTO thread_sums VALUES (new.thread, NULL); END;
CREATE TRIGGER thread_sums_update AFTER UPDATE OF thread, created, locked, title ON threads BEGIN
  UPDATE thread_sums SET sum = NULL WHERE thread = new.thread;
END;
CREATE TRIGGER thread_sums_delete AFTER DELETE ON threads BEGIN
  DELETE FROM thread_sums WHERE thread = old.thread;
END;
CREATE TABLE written (n INTEGER NOT NULL) STRICT;
INSERT INTO written VALUES (0);
INSERT INTO sums SELECT n, NULL FROM turns;
INSERT INTO thread_sums SELECT thread, NULL FROM threads;
"""
"""``written`` counts transactions: a file that lost its newest ones knows of fewer than were noted beside it."""

_TURNS = (
    "SELECT sum, n, turn_id, thread, created, status, locked, overruled, asked, text, record"
    " FROM sums LEFT JOIN turns USING (n)"
)
_TURNS_DUE = f"{_TURNS} WHERE sum IS NULL"
_THREADS = (
    "SELECT sum, thread_sums.thread, threads.thread, created, locked, title, caller, passing"
    " FROM thread_sums LEFT JOIN threads USING (thread)"
)
_THREADS_DUE = f"{_THREADS} WHERE sum IS NULL"
_THREADS_BEFORE = _THREADS.replace(", caller, passing", "")  # in a file that does not know of callers yet


def seal(db: sqlite3.Connection, *, count: bool = True) -> int | None:
    """Bring the sums of what a transaction changed up to date, before it ends.

    Args:
        db: a connection in a transaction.
        count: count the transaction.

    Returns:
        How many there were with it, ``None`` if it was not counted.
    """
    for row in db.execute(_TURNS_DUE).fetchall():
        db.execute("UPDATE sums SET sum = ? WHERE n = ?", (sum_of(tuple(row)[2:]), row[1]))
    for row in db.execute(_THREADS_DUE).fetchall():
        db.execute("UPDATE thread_sums SET sum = ? WHERE thread = ?", (sum_of_thread(tuple(row)[2:]), row[1]))
    if not count:
        return None
    return int(db.execute("UPDATE written SET n = n + 1 RETURNING n").fetchone()[0])


def sum_of(values: Iterable[object]) -> int:
    """The checksum of a row."""
    plain = [float(value) if isinstance(value, int) else value for value in values]  # SQLite keeps 1.0 as 1
    return zlib.crc32(repr(plain).encode("utf-8", "surrogatepass"))


def sum_of_thread(values: Sequence[object]) -> int:
    """The checksum of a thread from its :data:`OF_THREAD`; a row of an older version has the same as ever."""
    later = values[_ALWAYS:]
    return sum_of(values if any(later) else values[:_ALWAYS])


def wrong(db: sqlite3.Connection) -> str | None:
    """What does not fit its sum, in words; ``None`` if everything does."""
    if any(_differs(row, sum_of) for row in db.execute(_TURNS)):
        return "a turn is not as it was written"
    if db.execute("SELECT 1 FROM turns LEFT JOIN sums USING (n) WHERE sums.n IS NULL LIMIT 1").fetchone():
        return "a turn was not written"
    columns = {row[1] for row in db.execute("PRAGMA table_info(threads)")}
    threads = _THREADS if "caller" in columns else _THREADS_BEFORE
    if any(_differs(row, sum_of_thread) for row in db.execute(threads)):
        return "a thread is not as it was written"
    return None


def _differs(row: Sequence[object], sum_up: Callable[[Sequence[object]], int]) -> bool:
    known, _, *values = row
    return values[0] is None or (known is not None and sum_up(values) != known)
