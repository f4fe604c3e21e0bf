"""Access to ``knowledge.sqlite``, the truth about sources, passages and vectors."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tierwise.errors import StoreError
from tierwise.home import private
from tierwise.knowledge.store import schema
from tierwise.storage import explained

_MENDING = "Move the file away and ingest your documents again."


class Database:
    """One connection to read and one to write, each used by any thread, one at a time.

    So a search never waits for a write. Nothing is opened or made before it is needed.

    Args:
        path: the database file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged: str | None = None
        """What was found not to be as it was written, in words."""
        self._reading = threading.RLock()
        self._writing = threading.RLock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    # -- access --------------------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is anything to read."""
        return self._reader is not None or (self.path.exists() and self.path.stat().st_size > 0)

    def writable(self) -> bool:
        """Whether the file and its folder may be written."""
        return os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        with self._reading, self._writing:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; none if there is no database yet. What :meth:`writing` did is seen when it is over."""
        with self._reading, self._explained():
            if not self.exists():
                self._note_emptied()
                return []
            return self._open_to_read().execute(sql, parameters).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it happens or nothing."""
        with self._writing, self._explained():
            if not self.exists():
                private(self.path)
            connection = self._open_to_write()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
                self.damaged = None  # whoever finds it again notes it again
            except BaseException:
                with suppress(sqlite3.OperationalError):  # a full disk has undone it already
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.Error as error:
            raise explained(self.path, error, mending=_MENDING) from error

    def _note_emptied(self, reader: sqlite3.Connection | None = None) -> None:
        """Note that nothing is in the file although there is an index of what was."""
        if self.path.with_name("chroma").exists() and self.path.exists():
            for table in ("meta", "sources") if reader is not None else ():
                if reader is not None and reader.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608
                    return
            self.damaged = f"{self.path.name} was damaged: what was in it is gone. Ingest your documents again."

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open_to_read(self) -> sqlite3.Connection:
        if self._reader is None:
            if self.writable():
                with self._writing:
                    self._open_to_write()  # makes or brings up the tables
                self._reader = self._connect(str(self.path))
                self._reader.execute("PRAGMA cache_size = -16000")  # KiB
                self._note_emptied(self._reader)
            else:
                self._reader = self._connect_read_only()
        return self._reader

    def _open_to_write(self) -> sqlite3.Connection:
        if self._writer is None:
            if not self.writable():
                raise StoreError(
                    f"{self.path.parent} is read-only: its documents can be searched but not changed.",
                    fix="Give yourself write access or set TIERWISE_HOME elsewhere.",
                )
            connection = self._connect(str(self.path))
            try:
                self._bring_up(connection)
            except BaseException:
                connection.close()
                raise
            self._writer = connection
        return self._writer

    def _connect(self, address: str) -> sqlite3.Connection:
        connection = sqlite3.connect(address, timeout=5, isolation_level=None, check_same_thread=False, uri=True)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _connect_read_only(self) -> sqlite3.Connection:
        address = self.path.absolute().as_uri()
        connection = self._connect(f"{address}?mode=ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            # A WAL database in a folder where its side files cannot be made opens only as one that nobody changes.
            connection.close()
            connection = self._connect(f"{address}?immutable=1")
        if self._version(connection) < schema.VERSION:
            connection.close()
            raise StoreError(
                f"{self.path} was made by an older tierwise and is read-only.",
                fix="Give yourself write access once: it is brought up to date on its first use.",
            )
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > schema.VERSION:
            raise StoreError(f"{self.path} was made by a newer tierwise.", fix="Update tierwise.")
        return version

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version < schema.VERSION:
            connection.execute("BEGIN IMMEDIATE")
            schema.bring_up(connection)  # asks for the version again: another process may have been faster
            connection.execute("COMMIT")
