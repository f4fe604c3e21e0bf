"""How ``record.sqlite`` is opened: looked at, brought up to date, mended if it is damaged."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from tierwise.errors import StoreDamaged, StoreError
from tierwise.home import open_home, private
from tierwise.locks import hold
from tierwise.record.file.noted import Noted, Notes
from tierwise.record.file.salvage import salvage
from tierwise.record.file.schema import VERSION, migrate
from tierwise.record.file.sums import wrong
from tierwise.storage import LONGEST_LOG, explained, is_damage

NAME = "record.sqlite"
_LOCK = "record.lock"
_PATIENCE = 5.0  # seconds to wait for another process that writes
_MENDING = 60.0  # seconds to wait for another process that mends the file
_LONGEST_LOG = 64 << 20  # bytes of a write-ahead log that is kept in mind while the file is opened


class _Found(Exception):
    """The file is damaged."""


def connect(home: Path) -> sqlite3.Connection:
    """Open ``record.sqlite``, making it if it is not there, mending it if it is damaged.

    A transaction survives the death of the process (write-ahead log). A file that changed since it was last found whole
    is read once from end to end: 1 ms for each MB.

    Raises:
        StoreBusy: if another process writes, or mends the file, for too long.
        StoreError: if it cannot be opened, or a newer tierwise wrote it.
        StoreDamaged: if it is damaged and cannot be mended.
    """
    path = open_home(home) / NAME
    if Notes(home).read().version > VERSION:
        raise _newer(path)
    try:
        with hold(home / _LOCK, wait=_MENDING, shared=True):
            log = _log_of(path)
            return _open(path)
    except _Found:
        return _mend(path, log)
    except sqlite3.Error as error:
        raise explained(path, error) from error


def note_whole(home: Path, notes: Notes) -> None:
    """Note that the file is whole as it is now: its last user has just closed it."""
    path = home / NAME
    if not path.with_name(f"{NAME}-wal").exists():
        with suppress(OSError):
            now = path.stat()
            notes.note(size=now.st_size, changed=now.st_mtime_ns)


def _mend(path: Path, log: bytes) -> sqlite3.Connection:
    """Make a whole file of a damaged one; of several processes that find it so, one does."""
    home = path.parent
    with hold(home / _LOCK, wait=_MENDING):
        try:
            return _open(path)
        except _Found as found:
            problem = str(found)
        except sqlite3.Error as error:
            raise explained(path, error) from error
        try:
            salvage(home, problem, log=log, most=Notes(home).read().written)
            db = _open(path)
        except (OSError, sqlite3.Error, _Found) as error:
            raise StoreDamaged(
                f"{path} is damaged ({problem}) and could not be mended: {error}.",
                fix=f"Free some space, close other programs that use {home}, and try again.",
            ) from error
    return db


def _open(path: Path) -> sqlite3.Connection:
    """Open the file as it is.

    Raises:
        _Found: if it is damaged.
        sqlite3.Error: if it cannot be opened for another reason.
    """
    home = path.parent
    notes = Notes(home)
    noted = notes.read()
    if not path.exists():
        noted = Noted()  # who takes it away wants another
        private(path)
    elif noted.written and path.stat().st_size == 0:
        raise _Found("it is empty")
    db: sqlite3.Connection | None = None
    try:
        db = _connected(path)
        _check_version(db, path, noted)
        before = path.stat()
        problem = None if _as_it_was(db, path, noted) else _problem(db, noted)
        if problem is None:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version < VERSION:
                migrate(db)
            _note(db, notes, before)
    except sqlite3.Error as error:
        if db is not None:
            _shut(db)
        if is_damage(error) or _is_wrong_within(error):
            raise _Found(str(error)) from error
        raise
    except UnicodeDecodeError as error:  # of what SQLite says of the damage
        if db is not None:
            _shut(db)
        raise _Found("database disk image is malformed") from error
    except BaseException:
        if db is not None:
            _shut(db)
        raise
    finally:
        notes.close()
    if problem is not None:
        _shut(db)
        raise _Found(problem)
    return db


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        _write_ahead(db)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA journal_size_limit = {LONGEST_LOG}")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")  # what was deleted is not found in the file any more
    except BaseException:
        _shut(db)
        raise
    return db


def _shut(db: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        db.close()


def _check_version(db: sqlite3.Connection, path: Path, noted: Noted) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version <= VERSION:
        return
    if noted.written and noted.version <= VERSION and _written(db) == noted.written:
        raise _Found(f"it says that it has version {version}")  # but we were the last who wrote it
    raise _newer(path)


def _written(db: sqlite3.Connection) -> int:
    try:
        return int(db.execute("SELECT max(n) FROM written").fetchone()[0] or 0)
    except sqlite3.OperationalError:  # there is no such table
        return 0


def _as_it_was(db: sqlite3.Connection, path: Path, noted: Noted) -> bool:
    """Whether nothing has changed since the file was last found whole."""
    log = path.with_name(f"{path.name}-wal")
    found = path.stat()
    unread = log.exists() and log.stat().st_size > 0
    same = (found.st_size, found.st_mtime_ns) == (noted.size, noted.changed) and not unread
    return same and _written(db) == noted.written


def _problem(db: sqlite3.Connection, noted: Noted) -> str | None:
    """What is wrong with the file, read from end to end; ``None`` if nothing is."""
    db.execute("BEGIN")
    try:
        (word,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if word != "ok":
            return str(word).replace("\n", " ").removeprefix("*** in database main *** ")
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sums'").fetchone():
            return None  # of an older version, or new
        db.execute("SELECT rowid FROM words WHERE words MATCH 'a' LIMIT 1").fetchall()
        if noted.written > _written(db):
            return "the last that was written to it is missing"
        if noted.size < 0:  # somebody met damage: the index of words has a check of its own
            db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        return wrong(db)
    finally:
        db.execute("ROLLBACK")


def _note(db: sqlite3.Connection, notes: Notes, before: os.stat_result) -> None:
    notes.note(version=VERSION, written=_written(db), size=before.st_size, changed=before.st_mtime_ns)


def _newer(path: Path) -> StoreError:
    return StoreError(f"{path} was written by a newer tierwise.", fix="Upgrade tierwise.")


def _log_of(path: Path) -> bytes:
    """The write-ahead log: SQLite drops what follows a damaged place in it, for good."""
    log = path.with_name(f"{path.name}-wal")
    try:
        return log.read_bytes() if log.stat().st_size <= _LONGEST_LOG else b""
    except OSError:
        return b""


def _is_wrong_within(error: sqlite3.Error) -> bool:
    """Whether tables or rows are not what the file's version says: it could not be brought up to date."""
    words = ("no such table", "no such column", "duplicate column", "already exists", "user-defined function raised")
    return any(word in str(error) for word in words)


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
