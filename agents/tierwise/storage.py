"""What SQLite says when a store cannot be used, in our words; and the places of stores on the disk."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from tierwise.errors import StoreBusy, StoreDamaged, StoreError

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_WORDS = ("file is not a database", "Could not decode to UTF-8", "fts5")  # of errors that have no number
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_SHORT_READ = 522  # SQLITE_IOERR_SHORT_READ, which has no name in Python 3.11
_LITTLE = 1 << 20  # bytes; with less, what failed has failed for want of space
LONGEST_LOG = 4 << 20
"""Bytes of a write-ahead log that may stay; what a busy moment adds is given back."""


def is_damage(error: BaseException) -> bool:
    """Whether an error of SQLite says that the file is not what it wrote."""
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, UnicodeDecodeError)  # of a name in its words
    code = _code(error)
    return code & 0xFF in _DAMAGED or code == _SHORT_READ or any(word in str(error) for word in _WORDS)


def is_busy(error: BaseException) -> bool:
    """Whether an error of SQLite says that another process was writing for too long."""
    return isinstance(error, sqlite3.Error) and (_code(error) & 0xFF in _BUSY or "is locked" in str(error))


def explained(
    path: Path,
    error: sqlite3.Error | UnicodeDecodeError,
    *,
    mending: str = "Start again: it is mended when it is opened.",
) -> StoreError:
    """What to raise for an error of SQLite.

    Args:
        path: the store's file.
        error: what SQLite said.
        mending: the one thing to do if the file is damaged.
    """
    if is_busy(error):
        return StoreBusy(
            f"Another process has been writing to {path} for more than 5 seconds.",
            fix="Wait for it, or end it, and try again.",
        )
    if is_damage(error):
        return StoreDamaged(f"{path} is damaged: {error}.", fix=mending)
    code = _code(error) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return StoreError(f"{path} cannot be written: no space is left.", fix="Free some space and try again.")
    return StoreError(f"{path} cannot be used: {error}.", fix="Check its permissions and free space.")


def identity(path: Path) -> tuple[int, int]:
    """What tells a file from another of the same name; zeros if there is none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) or 0


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LITTLE
    except OSError:
        return False
