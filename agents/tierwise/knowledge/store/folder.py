"""Chroma's folder between processes: locks, openings that may go wrong, and a mark for those who die in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from tierwise.errors import StoreBusy, StoreError
from tierwise.knowledge.store import changes, checking, embeddings, tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.index import Index, VectorsUnavailable, load, within
from tierwise.locks import hold

_LAG_MOST = 4_000  # rows that an open index may miss before it is opened again
_REOPEN_SECONDS = 5.0  # and how often at most: at 100,000 vectors it takes about a second
_OPEN_SECONDS = 5.0  # and a second more for so many vectors
_OPEN_VECTORS = 20_000
_RETRY_SECONDS = 60.0  # before a folder that could not be used is opened again, unless it was changed meanwhile
_WRITE_SECONDS = 30.0
_CHECK_SECONDS = 120.0


class Busy(Exception):
    """Another process uses the folder at this moment."""


class IndexFolder:
    """The index of a home, opened when it is needed.

    What it should be stands in the database: ``index`` (which one; a new name after every new beginning), ``indexed``
    (the last row that it holds) and ``index_changes`` (a number that grows with every change). Whoever opens or changes
    the folder holds it alone and leaves a mark beside it meanwhile. So a mark that is found means that a process died
    there. Then, and if the files are not as the last change left them (``index_state``), a process of its own looks at
    them before this one opens them: Chroma's native code crashes on some damaged files.

    Not safe for several threads at a time.
    """

    def __init__(self, home: Path, db: Database) -> None:
        self._home = home
        self._folder = home / "chroma"
        self._mark = home / "chroma.inuse"
        self._db = db
        self._index: Index | None = None
        self._uid: str | None = None
        self._changes = ""
        self._opened = 0.0
        self._broken: tuple[str, float, str] | None = None  # at which change and time, and why
        self.upto = 0
        """The last row that the open index holds."""
        self.stale = False
        """Set by whoever finds that the open index has too little in common with the database."""

    # -- reading -------------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self, *, wait: float) -> Iterator[Index]:
        """The index for a question: perhaps not all of it, see :attr:`upto`.

        Args:
            wait: seconds to wait for another process.

        Raises:
            Busy: if another process uses it for longer.
            VectorsUnavailable: if it cannot be used.
        """
        facts = self._facts()
        if self._broken is not None:
            change, when, reason = self._broken
            if change == facts["index_changes"] and time.monotonic() - when < _RETRY_SECONDS:
                raise VectorsUnavailable(reason)
        try:
            if not self._serves(facts):
                load()  # before others are kept waiting
                with self._locked(shared=False, wait=wait):
                    self._open(create=False)
            with self._locked(shared=True, wait=wait):
                assert self._index is not None
                yield self._index
        except VectorsUnavailable as error:
            self.close()
            self._broken = (facts["index_changes"], time.monotonic(), str(error))
            with suppress(StoreError), self._db.writing() as sql:
                changes.put_fact(sql, "index_state", "")  # so that the next ingest looks at it
            raise

    def _serves(self, facts: dict[str, str]) -> bool:
        if self._index is None or self._uid != facts["index"] or not (self._folder / "chroma.sqlite3").exists():
            return False
        rested = time.monotonic() - self._opened > _REOPEN_SECONDS
        return not (rested and (self.stale or int(facts["indexed"]) - self.upto > _LAG_MOST))

    # -- writing; the caller holds the writers' lock of the home -------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[Index]:
        """The index for a change.

        Raises:
            VectorsUnavailable: if it cannot be used.
        """
        try:
            with self._locked(shared=False, wait=_WRITE_SECONDS):
                facts = self._facts()
                if self._index is None or self._uid != facts["index"] or self._changes != facts["index_changes"]:
                    self._open(create=False)
                assert self._index is not None
                self._count_change()
                self._mark.touch(mode=0o600)
                try:
                    yield self._index
                    self._settle()
                finally:
                    self._mark.unlink(missing_ok=True)
        except Busy as error:
            raise VectorsUnavailable("another process does not let go of the folder") from error
        except VectorsUnavailable:
            self.close()
            raise

    def reached(self, row: int) -> None:
        """Note, while :meth:`writing`, that the index holds all rows up to this one."""
        with self._db.writing() as sql:
            changes.put_fact(sql, "indexed", str(row))
        self.upto = row

    def start_over(self) -> None:
        """Begin with an empty index, whatever is in the folder now.

        Raises:
            VectorsUnavailable: if the folder cannot be emptied, or does not work even then.
        """
        self.close()
        try:
            with self._locked(shared=False, wait=_WRITE_SECONDS):
                with self._db.writing() as sql:
                    changes.put_fact(sql, "index", uuid4().hex)
                    changes.put_fact(sql, "indexed", "0")
                    sql.execute("DELETE FROM orphans")
                self._count_change()
                if self._folder.is_dir() and not self._folder.is_symlink():
                    shutil.rmtree(self._folder)
                else:
                    self._folder.unlink(missing_ok=True)
                self._mark.unlink(missing_ok=True)
                self._open(create=True)
                self._settle()
        except Busy as error:
            raise VectorsUnavailable("another process does not let go of the folder") from error
        except OSError as error:
            raise VectorsUnavailable(f"{self._folder} cannot be emptied: {error.strerror or error}") from error

    def is_as_left(self) -> bool:
        """Whether its files are as the last change left them and nobody died there; told without opening it."""
        return self._as_left(self._facts())

    def check(self) -> None:
        """Look at every vector, in a process of its own; safe beside other threads.

        Raises:
            VectorsUnavailable: if the index is not whole.
        """
        try:
            with self._locked(shared=False, wait=_WRITE_SECONDS):
                checking.apart(self._home, every=True, seconds=_CHECK_SECONDS)
        except Busy as error:
            raise VectorsUnavailable("another process does not let go of the folder") from error

    def accept(self) -> None:
        """Take its files as they are, after a :meth:`check`."""
        self.close()
        self._count_change()  # whoever found it damaged may try again
        self._settle()
        self._mark.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the folder; the next use opens it again."""
        index, self._index = self._index, None
        if index is not None:
            with suppress(VectorsUnavailable):
                index.close()

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _open(self, *, create: bool) -> None:
        self.close()
        facts = self._facts()
        upto = int(facts["indexed"])
        seconds = _OPEN_SECONDS + embeddings.count(self._db) / _OPEN_VECTORS
        if not create and not (self._folder / "chroma.sqlite3").exists():
            raise VectorsUnavailable("the folder is missing")
        if not create and not self._as_left(facts):
            checking.apart(self._home, every=False, seconds=seconds)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._mark.touch(mode=0o600)
        except OSError as error:
            raise VectorsUnavailable(f"{self._folder} cannot be made: {error.strerror or error}") from error

        def work() -> Index:
            try:
                index = Index(self._folder, facts["index"], create=create)
                try:
                    checking.sample(index, self._db, upto)
                except BaseException:
                    index.close()
                    raise
                return index
            finally:
                self._mark.unlink(missing_ok=True)  # unless this process dies, or is stuck here

        self._index = within(seconds, work, late=Index.close)
        if not create and not self._as_left(facts):
            # Chroma writes some files anew whenever it opens them: the next one need not look at them for that.
            with suppress(StoreError):
                self._settle()
        self._uid, self._changes, self.upto = facts["index"], facts["index_changes"], upto
        self._opened, self._broken, self.stale = time.monotonic(), None, False

    @contextmanager
    def _locked(self, *, shared: bool, wait: float) -> Iterator[None]:
        try:
            with hold(self._home / "chroma.lock", wait=wait, shared=shared):
                yield
        except StoreBusy as error:
            raise Busy from error

    def _facts(self) -> dict[str, str]:
        missing = {"index": "", "indexed": "0", "index_changes": "0", "index_state": ""}
        return missing | tables.facts(self._db)

    def _count_change(self) -> None:
        # Before the change: whoever writes after a crash in the middle of it opens the folder again.
        self._changes = str(int(self._facts()["index_changes"]) + 1)
        with self._db.writing() as sql:
            changes.put_fact(sql, "index_changes", self._changes)

    def _as_left(self, facts: dict[str, str]) -> bool:
        return facts["index_state"] == self._state() and not self._mark.exists()

    def _settle(self) -> None:
        with self._db.writing() as sql:
            changes.put_fact(sql, "index_state", self._state())

    def _state(self) -> str:
        """Names, sizes and times of all files in the folder, in short."""
        seen = []
        with suppress(OSError):
            for root, _, files in os.walk(self._folder):
                for file in files:
                    path = Path(root, file)
                    facts = path.stat()
                    if file == "chroma.sqlite3":  # opening it touches it, and SQLite itself tells of damage
                        with path.open("rb") as opened:
                            seen.append((file, facts.st_size, opened.read(16).hex()))
                    else:
                        seen.append((file, facts.st_size, str(facts.st_mtime_ns)))
        return hashlib.sha256(repr(sorted(seen)).encode()).hexdigest()
