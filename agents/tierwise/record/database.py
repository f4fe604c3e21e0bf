"""The record's file as the other parts use it: reading at any time, writing in transactions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tierwise.errors import StoreError, TakenOver
from tierwise.jsonable import from_json, to_json
from tierwise.record.at_rest import USUAL, AtRest
from tierwise.record.file.openfile import OpenFile
from tierwise.storage import LONGEST_LOG, explained, is_damage
from tierwise.turns import DecisionRecord


class Database(OpenFile):
    """An open ``record.sqlite``. Thread-safe; several processes may share it.

    Args:
        home: folder of the stores.
        rest: takes out of what is stored what must not be there.

    Raises:
        StoreError: if the store cannot be opened.
    """

    def __init__(self, home: Path, rest: AtRest = USUAL) -> None:
        super().__init__(home, rest)
        self._held: dict[str, int] = {}  # the turns that run here, each with the epoch in which it was taken up

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock, suppress(sqlite3.ProgrammingError):  # it is closed
            self._empty_log()
            self._shut()

    @contextmanager
    def free_now(self) -> Iterator[bool]:
        """Whether nobody in this process is at the file, and nobody comes while this is entered.

        Who finds it free can read at once, without a thread: readers wait for no other process.
        """
        free = self._lock.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._lock.release()

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Wait for no other process that writes: what has to be written raises StoreBusy at once.

        To be entered by who has found the file free (:meth:`free_now`).
        """
        (patience,) = self._db.execute("PRAGMA busy_timeout").fetchone()
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {patience}")

    def tidy(self) -> None:
        """Give back what a busy moment left in the write-ahead log; not now, if others read or write."""
        try:
            if (self._home / "record.sqlite-wal").stat().st_size <= LONGEST_LOG:
                return
        except OSError:
            return
        with self._lock, suppress(sqlite3.ProgrammingError):
            self._empty_log()

    def _empty_log(self) -> None:
        (patience,) = self._db.execute("PRAGMA busy_timeout").fetchone()
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            with suppress(sqlite3.OperationalError):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {patience}")

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        with self._lock:
            try:
                self._follow()
                return self._db.execute(sql, values).fetchall()
            except UnicodeEncodeError:  # a name with half a character: nothing that is stored has one
                return []
            except sqlite3.ProgrammingError:
                raise
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                self._mend(error)
                return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _writing_for(self, turn_id: str, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """Write for a turn that runs here, as long as nobody else has taken it up.

        Args:
            turn_id: the turn; one that was never stored has nothing to be taken.
            lasting: see :meth:`_writing`.

        Raises:
            TakenOver: if another process has; nothing is written then.
        """
        with self._writing(lasting=lasting) as db:
            self._check_held(db, turn_id)
            yield db

    def _check_held(self, db: sqlite3.Connection, turn_id: str) -> None:
        epoch = self._held.get(turn_id)
        row = db.execute("SELECT status, epoch FROM turns WHERE turn_id = ?", (turn_id,)).fetchone()
        if row is None:
            if epoch is not None:
                raise StoreError(f"Turn {turn_id} was deleted while it ran.", fix="Ask the question anew.")
        elif epoch is None or row["status"] != "running" or row["epoch"] != epoch:
            raise TakenOver(
                "This turn was not heard of for a while, and another process has taken it up or ended it.",
                fix="Open the thread to see what became of it.",
            )

    @contextmanager
    def _writing(self, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction.

        Args:
            lasting: it survives a loss of power, not only the death of the process, once it is over.
        """
        with self._lock:
            try:
                self._follow()
                self._db.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    number = self._sealed(lasting)
                    self._db.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.OperationalError):  # a full disk has undone it already
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.ProgrammingError:
                raise
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    raise self._spoilt(error) from error
                raise explained(self._path, error) from error
            self._written(number)


def change(db: sqlite3.Connection, turn_id: str, **changes: Any) -> DecisionRecord | None:
    """Change fields of a turn that is over, within a transaction; ``None`` if there is none, or it is overruled."""
    row = db.execute(
        "SELECT record FROM turns WHERE turn_id = ? AND status != 'running' AND (overruled IS NULL OR NOT ?)",
        (turn_id, "overruled" in changes),
    ).fetchone()
    if row is None:
        return None
    record = replace(load(row["record"]), **changes)
    db.execute(
        "UPDATE turns SET record = ?, overruled = ? WHERE turn_id = ?", (dump(record), record.overruled, turn_id)
    )
    return record


def dump(record: DecisionRecord) -> str:
    """A record as it is stored."""
    return json.dumps(to_json(record), ensure_ascii=False)


def load(text: str) -> DecisionRecord:
    """The record that was stored."""
    return from_json(DecisionRecord, json.loads(text))
