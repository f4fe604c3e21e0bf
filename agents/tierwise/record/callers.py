"""Whose a thread is: a person's, or that of whoever began it through an API."""

from __future__ import annotations

import json
import sqlite3
from enum import Enum
from typing import Final, Literal

from tierwise.callers import Caller
from tierwise.errors import UnknownName
from tierwise.record.database import Database

_LOCAL = Caller().id


class _Whose(Enum):
    ANY = "any"


ANY: Final = _Whose.ANY
"""In place of a caller: whoever it was."""
Whose = str | Literal[_Whose.ANY] | None
"""A caller's id, ``None`` for people, or :data:`ANY`."""


_MOST_TAKEN = 5

AMONG: Final = "(? OR threads.caller IS ?) AND (? OR threads.passing = 0)"
"""A condition on rows of ``threads``; its values are those of :func:`among`."""


def among(whose: Whose, *, passing: bool) -> tuple[object, ...]:
    """Which threads are meant.

    Args:
        whose: only those of this caller.
        passing: also those that were for one question alone.
    """
    anybody = whose is ANY
    return anybody, None if anybody else whose, passing


class Callers(Database):
    """Threads that callers of an API began, and their turns that go on by themselves."""

    def owner_of(self, thread: str) -> str | None:
        """Who began a thread through an API; ``None`` for a person.

        Raises:
            UnknownName: if there is no such thread.
        """
        rows = self._rows("SELECT caller FROM threads WHERE thread = ?", (thread,))
        if not rows:
            raise UnknownName(f"There is no thread {thread!r}.", fix="List them: tierwise threads list")
        owner: str | None = rows[0]["caller"]
        return owner

    def unfinished(self) -> list[str]:
        """Ids of turns whose program ended in the middle and that were begun to go on unasked, oldest first.

        One that was taken up five times is left alone: it may be what ends its programs.
        """
        rows = self._rows(
            "SELECT turn_id, begun_with FROM turns WHERE parked = 'crashed' AND taken < ? ORDER BY n", (_MOST_TAKEN,)
        )
        return [row["turn_id"] for row in rows if json.loads(row["begun_with"] or "{}").get("goes_on")]

    def _enter(self, db: sqlite3.Connection, thread: str, created: float, caller: str | None, *, passing: bool) -> None:
        """Make the thread of a turn that begins, unless it is there; within its transaction.

        People may use every thread, and so may whoever asks where nobody needs a key. A thread that was locked before
        its first turn is nobody's yet.

        Raises:
            UnknownName: if it is not the caller's. It is not told from one that does not exist.
        """
        row = db.execute(
            "SELECT caller, EXISTS (SELECT 1 FROM turns WHERE turns.thread = threads.thread) AS used"
            " FROM threads WHERE thread = ?",
            (thread,),
        ).fetchone()
        if row is None:
            db.execute(
                "INSERT INTO threads (thread, created, caller, passing) VALUES (?, ?, ?, ?)",
                (thread, created, caller, int(passing)),
            )
        elif row["caller"] is None and not row["used"]:
            db.execute("UPDATE threads SET caller = ?, passing = ? WHERE thread = ?", (caller, int(passing), thread))
        elif caller not in (None, _LOCAL, row["caller"]):
            raise UnknownName(f"There is no thread {thread!r}.", fix="Name another one.")
