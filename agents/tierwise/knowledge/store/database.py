"""``knowledge.sqlite``: the truth about sources and passages, and the index of words (FTS5)."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tierwise.errors import StoreError
from tierwise.home import private

_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections (name TEXT PRIMARY KEY, locked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE roots (
    collection TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    path TEXT NOT NULL,
    PRIMARY KEY (collection, path)
) WITHOUT ROWID;
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    path TEXT NOT NULL,
    title TEXT,
    hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    ingested REAL NOT NULL,
    pages INTEGER,
    warnings TEXT NOT NULL,
    UNIQUE (collection, path)
);
CREATE INDEX sources_by_path ON sources (path);
CREATE TABLE pages (
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    number INTEGER,
    text TEXT NOT NULL,
    PRIMARY KEY (source, position)
) WITHOUT ROWID;
CREATE TABLE passages (
    rowid INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    page INTEGER,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    title TEXT,
    embedded INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX passages_by_source ON passages (source);
CREATE INDEX passages_waiting ON passages (embedded) WHERE embedded = 0;
CREATE TABLE orphans (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    title, text, content='passages', content_rowid='rowid', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
    INSERT INTO words (rowid, title, text) VALUES (new.rowid, new.title, new.text);
END;
CREATE TRIGGER passages_gone AFTER DELETE ON passages BEGIN
    INSERT INTO words (words, rowid, title, text) VALUES ('delete', old.rowid, old.title, old.text);
    INSERT OR IGNORE INTO orphans (id) VALUES (old.id);
END;
"""


class Database:
    """One connection, used by any thread, one at a time. Nothing is opened or made before it is needed.

    Args:
        path: the database file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._read_only = False

    # -- access --------------------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is anything to read."""
        return self._connection is not None or (self.path.exists() and self.path.stat().st_size > 0)

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; none if there is no database yet."""
        with self._lock, self._explained():
            if not self.exists():
                return []
            return self._open().execute(sql, parameters).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it happens or nothing."""
        with self._lock, self._explained():
            if not self.exists():
                private(self.path)
            connection = self._open()
            if self._read_only:
                raise StoreError(
                    f"{self.path.parent} is read-only: its documents can be searched but not changed.",
                    fix="Give yourself write access or set TIERWISE_HOME elsewhere.",
                )
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"{self.path} cannot be used: {error}.", fix="Check the folder's permissions and free space."
            ) from error
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.path} is damaged: {error}.", fix="Move the file away and ingest your documents again."
            ) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._read_only = not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK))
            connection = self._connect_to_read() if self._read_only else self._connect(str(self.path))
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _connect(self, address: str) -> sqlite3.Connection:
        connection = sqlite3.connect(address, timeout=5, isolation_level=None, check_same_thread=False, uri=True)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        address = self.path.absolute().as_uri()
        connection = self._connect(f"{address}?mode=ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            # A WAL database in a folder where its side files cannot be made opens only as one that nobody changes.
            connection.close()
            connection = self._connect(f"{address}?immutable=1")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise StoreError(f"{self.path} was made by a newer tierwise.", fix="Update tierwise.")
        if self._read_only:
            return
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version < _VERSION:
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have made the tables while this one waited.
            if connection.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
                for statement in _statements(_SCHEMA):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
