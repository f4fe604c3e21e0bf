"""The record's file as the other parts use it: reading at any time, writing in transactions."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tierwise.errors import StoreBusy, StoreError
from tierwise.jsonable import from_json, to_json
from tierwise.record.schema import connect
from tierwise.turns import DecisionRecord


class Database:
    """An open ``record.sqlite``. Thread-safe; several processes may share it.

    Args:
        home: folder of the stores.

    Raises:
        StoreError: if the store cannot be opened.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._db = connect(home)
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._db.close()

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except UnicodeEncodeError:  # a name with half a character: nothing that is stored has one
                return []

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if "locked" in str(error):
                    raise StoreBusy(
                        "Another process has been writing to the record for more than 5 seconds.",
                        fix="Wait for it, or end it, and ask again.",
                    ) from error
                raise StoreError(
                    f"The record cannot be written: {error}.", fix="Check the home folder's permissions and free space."
                ) from error


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
