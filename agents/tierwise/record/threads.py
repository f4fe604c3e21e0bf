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
        return self._summaries(
            "SELECT threads.thread, threads.title, threads.locked, count(*) AS turns, max(turns.created) AS last,"
            " max(turns.locked) AS any_locked FROM threads JOIN turns USING (thread)"
            " GROUP BY threads.thread ORDER BY max(n) DESC LIMIT ?",
            limit,
        )

    def thread(self, thread: str) -> ThreadSummary | None:
        """One thread; ``None`` if it has no turn."""
        found = self._summaries(
            "SELECT threads.thread, threads.title, threads.locked, count(*) AS turns, max(turns.created) AS last,"
            " max(turns.locked) AS any_locked FROM threads JOIN turns USING (thread)"
            " WHERE threads.thread = ? GROUP BY threads.thread",
            thread,
        )
        return found[0] if found else None

    def _summaries(self, sql: str, value: object) -> list[ThreadSummary]:
        rows = self._rows(sql, (value,))
        listed = []
        for row in rows:
            title, locked = row["title"], bool(row["any_locked"])
            if title is None:
                title, locked = self._made_title(row["thread"])
            own = bool(row["locked"])
            listed.append(ThreadSummary(row["thread"], title, row["turns"], row["last"], own, own or locked))
        return listed

    def turns_since(self, turn_id: str) -> int:
        """How many turns of its thread began with a turn or after it."""
        (row,) = self._rows(
            "SELECT count(*) AS turns FROM turns JOIN turns AS begin ON begin.turn_id = ?"
            " WHERE turns.thread = begin.thread AND turns.n >= begin.n",
            (turn_id,),
        )
        return int(row["turns"])

    def thread_state(self, thread: str) -> tuple[int, ...]:
        """Numbers that change whenever the thread does: how many turns it has, the newest, how many run, and so on."""
        (row,) = self._rows(
            "SELECT count(*) AS turns, coalesce(max(n), 0) AS newest, sum(status = 'running') AS running,"
            " sum(overruled IS NOT NULL) AS replaced, sum(parked IS NOT NULL) AS parked FROM turns WHERE thread = ?",
            (thread,),
        )
        return (*(int(value or 0) for value in tuple(row)), int(self.is_locked(thread)))

    def rename_thread(self, thread: str, title: str) -> str:
        """Give a thread a title in place of the one that was made for it.

        Returns:
            The title as it is stored: in one line.

        Raises:
            InvalidInput: if it is empty, or longer than 60 characters.
            UnknownName: if there is no such thread.
        """
        line = self._rest.text(" ".join("".join(c if c.isprintable() else " " for c in title).split()))
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
