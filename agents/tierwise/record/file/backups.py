"""Backups of ``record.sqlite``: one a day, of a file that was found whole, the last three."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from tierwise.errors import StoreError
from tierwise.home import private, private_folder
from tierwise.locks import hold
from tierwise.record.at_rest import USUAL, AtRest
from tierwise.record.file.sums import seal, wrong

KEPT = 3
EVERY = 86_400.0  # seconds
_FOLDER = "backups"
_LARGEST_SHARE = 0.25  # of the space that is free: a backup must not be what fills the disk
_STEP = 256  # pages that are copied at a time; between them others can write


def backups(home: Path) -> list[Path]:
    """The backups that are there, newest first."""
    return sorted((home / _FOLDER).glob("record-*.sqlite"), reverse=True)


def newest_backup(home: Path) -> Path | None:
    """The newest backup that is whole."""
    return next((path for path in backups(home) if _is_whole(path)), None)


def backup_due(home: Path) -> bool:
    """Whether the newest backup is a day old."""
    found = backups(home)
    try:
        return not found or not 0 <= time.time() - found[0].stat().st_mtime < EVERY
    except OSError:
        return False


def back_up(home: Path, rest: AtRest = USUAL) -> Path | None:
    """Make a backup if the file is whole; see :func:`backup_due`.

    It is made by SQLite while others read and write, under another name until it is complete.

    Args:
        home: folder of the stores.
        rest: takes secrets out of what unfinished turns go on with.

    Returns:
        The backup; ``None`` if there are no turns, another process makes one, the file is not whole, or space is short.
    """
    with suppress(StoreError, OSError, sqlite3.Error), hold(private_folder(home / _FOLDER) / "lock", wait=0):
        folder = home / _FOLDER
        if not backup_due(home):
            return None
        part = folder / "record.part"
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(f"{(home / 'record.sqlite').absolute().as_uri()}?mode=rw", uri=True)) as db:
            if not db.execute("SELECT 1 FROM turns LIMIT 1").fetchone():
                return None
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            (size,) = db.execute("PRAGMA page_size").fetchone()
            if pages * size > _LARGEST_SHARE * _free(folder):
                return None
            with closing(sqlite3.connect(private(part))) as copy:
                copy.execute("PRAGMA synchronous = OFF")  # it is read through before it is used
                db.backup(copy, pages=_STEP, sleep=0.001)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, which needs no other beside it
                copy.execute("PRAGMA secure_delete = ON")
                rest.wipe_copy(copy)
                seal(copy, count=False)
                copy.commit()
                if not _fits(copy):
                    return None
        path = folder / f"record-{time.strftime('%Y%m%d-%H%M%S')}.sqlite"
        part.replace(path)
        for old in backups(home)[KEPT:]:
            old.unlink(missing_ok=True)
        return path
    return None


def forget(home: Path, threads: Sequence[str]) -> None:
    """Delete threads from the backups, too."""
    names = json.dumps(threads)
    for path in backups(home):
        with suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None)) as db:
            changed = path.stat().st_mtime_ns
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM turns WHERE thread IN (SELECT value FROM json_each(?))", (names,))
            db.execute("DELETE FROM threads WHERE thread IN (SELECT value FROM json_each(?))", (names,))
            db.execute("COMMIT")
            os.utime(path, ns=(changed, changed))  # it is as old as it was


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return _fits(db)
    except sqlite3.Error:
        return False


def _fits(db: sqlite3.Connection) -> bool:
    (word,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    return word == "ok" and wrong(db) is None


def _free(folder: Path) -> float:
    return float(shutil.disk_usage(folder).free)
