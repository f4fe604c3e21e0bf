"""Threads as people see them: listed, named, locked."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tierwise.errors import InvalidInput, UnknownName
from tierwise.record.database import Database
from tierwise.record.titles import LONGEST, MOST_READ, title_of

_FIRST = 4  # turns among which a title is looked for


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """A thread in a list.

    Attributes:
        thread: its id.
        title: what it is about: the essence of its first question, or what the user named it.
        turns: how many it has.
        last: when the last one began, seconds since 1970.
        locked: the thread is: all that is said in it from now on stays on the device.
        title_locked: so does the title. It repeats words of a locked turn, or may.
    """

    thread: str
    title: str
    turns: int
    last: float
    locked: bool
    title_locked: bool = False


class Threads(Database):
    """The list of conversations."""

    def threads(self, limit: int = 50) -> list[ThreadSummary]:
        """Threads, the most recently used first."""
        rows = self._rows(
            "SELECT threads.thread, threads.title, threads.locked, count(*) AS turns, max(turns.created) AS last,"
            " max(turns.locked) AS any_locked"
            " FROM threads JOIN turns USING (thread) GROUP BY threads.thread ORDER BY max(n) DESC LIMIT ?",
            (limit,),
        )
        listed = []
        for row in rows:
            title, locked = row["title"], bool(row["any_locked"])
            if title is None:
                title, locked = self._made_title(row["thread"])
            own = bool(row["locked"])
            listed.append(ThreadSummary(row["thread"], title, row["turns"], row["last"], own, own or locked))
        return listed

    def rename_thread(self, thread: str, title: str) -> str:
        """Give a thread a title in place of the one that was made for it.

        Returns:
            The title as it is stored: in one line.

        Raises:
            InvalidInput: if it is empty, or longer than 60 characters.
            UnknownName: if there is no such thread.
        """
        line = " ".join("".join(c if c.isprintable() else " " for c in title).split())
        if not 1 <= len(line) <= LONGEST:
            raise InvalidInput(
                f"A title has 1 to {LONGEST} characters; this one has {len(line)}.", fix="Write another."
            )
        with self._writing() as db:
            if not db.execute("UPDATE threads SET title = ? WHERE thread = ?", (line, thread)).rowcount:
                raise UnknownName(f"There is no thread {thread!r}.", fix="List them: tierwise threads list")
        return line

    def is_locked(self, thread: str) -> bool:
        """Whether everything in the thread must stay on the device."""
        rows = self._rows("SELECT locked FROM threads WHERE thread = ?", (thread,))
        return bool(rows and rows[0]["locked"])

    def lock_thread(self, thread: str, locked: bool) -> None:
        """Lock a thread, also one that has no turn yet, or unlock it."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO threads (thread, created, locked) VALUES (?, ?, ?)"
                " ON CONFLICT (thread) DO UPDATE SET locked = excluded.locked",
                (thread, time.time(), int(locked)),
            )

    def _made_title(self, thread: str) -> tuple[str, bool]:
        """The title made from the thread's first questions, and whether one of them is locked."""
        rows = self._rows(
            "SELECT substr(asked, 1, ?) AS asked, locked FROM turns WHERE thread = ? ORDER BY n LIMIT ?",
            (MOST_READ, thread, _FIRST),
        )
        return title_of(row["asked"] for row in rows), any(row["locked"] for row in rows)
