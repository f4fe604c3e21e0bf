"""Secrets in what is stored: left out when a turn ends, counted and taken out of what was stored before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from tierwise.errors import UnknownName
from tierwise.record.database import Database, dump, load
from tierwise.record.file.backups import back_up, backups
from tierwise.record.stated import stated_lines
from tierwise.turns import DecisionRecord

_AT_ONCE = 100  # turns that are read, or changed in one transaction


class Wiping(Database):
    """What was stored of turns that are over holds no secret, nor do the places where it once stood."""

    _due: bool = False
    _dropped: tuple[str, ...] = ()

    @property
    def wipe_due(self) -> bool:
        """Whether a turn has ended of which something was left out: the logs of the stores may still hold it."""
        return self._due

    def dropped(self) -> tuple[str, ...]:
        """Turns that were given up or ended here without being run here, since this was asked last."""
        with self._lock:
            dropped, self._dropped = self._dropped, ()
        return dropped

    def tidy(self) -> None:
        """Empty the write-ahead log if it is long, or may hold what was left out of what is stored."""
        if not self._due:
            super().tidy()
            return
        with self._lock, suppress(sqlite3.ProgrammingError):  # it is closed
            self._empty_log()
            with suppress(OSError):
                self._due = self._path.with_name(f"{self._path.name}-wal").stat().st_size > 0

    def turns_with_secrets(self, thread: str | None = None) -> list[str]:
        """Ids of the turns that are over and hold what would be left out of them today, oldest first."""
        return [old.turn_id for old, new in self._compared(thread) if new != old]

    def take_secrets_out(self, thread: str | None = None) -> int:
        """Take out of turns that are over what would be left out of them today, for good.

        Turns that run or wait stay as they are until they are over. The file is written anew, and backups give way to
        a new one.

        Args:
            thread: only of this thread; by default of all.

        Returns:
            How many turns were changed.

        Raises:
            UnknownName: if there is no such thread.
        """
        changed = 0
        found = [new for old, new in self._compared(thread) if new != old]
        for at in range(0, len(found), _AT_ONCE):
            with self._writing() as db:
                changed += sum(self._put(db, record) for record in found[at : at + _AT_ONCE])
        with self._writing() as db:
            self._put_rest(db, thread)
            db.execute("INSERT INTO words (words) VALUES ('rebuild')")
        with self._lock:
            self._db.execute("VACUUM")  # deleted pages of before are in the file as they were
            self._empty_log()
        for path in backups(self._home):
            path.unlink(missing_ok=True)
        back_up(self._home, self._rest)
        return changed

    def _at_rest(
        self, db: sqlite3.Connection, record: DecisionRecord, parked: str | None
    ) -> tuple[DecisionRecord, DecisionRecord]:
        """A turn as it is told, and as it is stored; one that is over leaves nothing else behind."""
        if parked is not None:
            return record, self._rest.beginning(record)
        told, stored = self._rest.ending(record)
        self._wipe(db, record.turn_id, told != stored)
        return told, stored

    def _give_up(self, db: sqlite3.Connection, thread: str) -> None:
        """Give up the turn of a thread that its program left in the middle: nothing goes on with it any more."""
        rows = db.execute("SELECT turn_id FROM turns WHERE thread = ? AND parked = 'crashed'", (thread,)).fetchall()
        for row in rows:
            db.execute("UPDATE turns SET parked = NULL, begun_with = NULL WHERE turn_id = ?", (row["turn_id"],))
            self._wipe(db, row["turn_id"], True)

    def _wipe(self, db: sqlite3.Connection, turn_id: str, left_out: bool) -> None:
        if self._rest.wipe_turn(db, turn_id) or left_out:
            self._due = True
        if turn_id not in self._held:
            self._dropped = (*self._dropped, turn_id)

    def _compared(self, thread: str | None) -> Iterator[tuple[DecisionRecord, DecisionRecord]]:
        """Turns that are over as they are stored and as they would be stored today."""
        if thread is not None and not self._rows("SELECT 1 FROM turns WHERE thread = ? LIMIT 1", (thread,)):
            raise UnknownName(f"There is no thread {thread!r}.", fix="List them: tierwise threads list")
        last = 0
        while rows := self._rows(
            "SELECT n, record FROM turns WHERE n > ? AND (thread = ? OR ?) AND status != 'running' AND parked IS NULL"
            " ORDER BY n LIMIT ?",
            (last, thread, thread is None, _AT_ONCE),
        ):
            for row in rows:
                old = load(row["record"])
                yield old, self._rest.ending(old)[1]
            last = rows[-1]["n"]

    def _put(self, db: sqlite3.Connection, record: DecisionRecord) -> int:
        return db.execute(
            "UPDATE turns SET asked = ?, text = ?, stated = ?, record = ? WHERE turn_id = ? AND status != 'running'"
            " AND parked IS NULL",
            (record.asked, record.text, stated_lines(record.asked), dump(record), record.turn_id),
        ).rowcount

    def _put_rest(self, db: sqlite3.Connection, thread: str | None) -> None:
        """Take secrets out of what belongs to turns that are over, and out of titles."""
        rows = db.execute(
            "SELECT turn_id FROM turns WHERE (thread = ? OR ?) AND status != 'running' AND parked IS NULL",
            (thread, thread is None),
        ).fetchall()
        for row in rows:
            self._rest.wipe_turn(db, row["turn_id"])
        titles = db.execute(
            "SELECT thread, title FROM threads WHERE title IS NOT NULL AND (thread = ? OR ?)", (thread, thread is None)
        ).fetchall()
        for row in titles:
            if (title := self._rest.text(row["title"])) != row["title"]:
                db.execute("UPDATE threads SET title = ? WHERE thread = ?", (title, row["thread"]))
