"""Threads as people see them: listed, named, locked."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tierwise.errors import InvalidInput, UnknownName
from tierwise.record.callers import AMONG, ANY, Whose, among
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
        caller: who began it through an API, ``None`` for a person.
        passing: it was for one question alone.
    """

    thread: str
    title: str
    turns: int
    last: float
    locked: bool
    title_locked: bool = False
    caller: str | None = None
    passing: bool = False


_SUMMARIES = (
    "SELECT threads.thread, threads.title, threads.locked, threads.caller, threads.passing, count(*) AS turns,"
    " max(turns.created) AS last, max(turns.locked) AS any_locked FROM threads JOIN turns USING (thread)"
)


class Threads(Database):
    """The list of conversations."""

    def threads(self, limit: int = 50, *, passing: bool = False, caller: Whose = ANY) -> list[ThreadSummary]:
        """Threads, the most recently used first.

        Args:
            limit: how many at most.
            passing: also those that were for one question of an API alone.
            caller: only those that this caller began; ``None``: only those of people.
        """
        return self._summaries(
            f"{_SUMMARIES} WHERE {AMONG} GROUP BY threads.thread ORDER BY max(n) DESC LIMIT ?",
            *among(caller, passing=passing),
            limit,
        )

    def thread(self, thread: str) -> ThreadSummary | None:
        """One thread; ``None`` if it has no turn."""
        found = self._summaries(f"{_SUMMARIES} WHERE threads.thread = ? GROUP BY threads.thread", thread)
        return found[0] if found else None

    def _summaries(self, sql: str, *values: object) -> list[ThreadSummary]:
        rows = self._rows(sql, values)
        listed = []
        for row in rows:
            title, locked = row["title"], bool(row["any_locked"])
            if title is None:
                title, locked = self._made_title(row["thread"])
            own, passing = bool(row["locked"]), bool(row["passing"])
            listed.append(
                ThreadSummary(
                    row["thread"], title, row["turns"], row["last"], own, own or locked, row["caller"], passing
                )
            )
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
        line = self._title_line(title)
        with self._writing() as db:
            if not db.execute("UPDATE threads SET title = ? WHERE thread = ?", (line, thread)).rowcount:
                raise UnknownName(f"There is no thread {thread!r}.", fix="List them: tierwise threads list")
        return line

    def is_locked(self, thread: str) -> bool:
        """Whether everything in the thread must stay on the device."""
        rows = self._rows("SELECT locked FROM threads WHERE thread = ?", (thread,))
        return bool(rows and rows[0]["locked"])

    def make_thread(
        self, thread: str, *, caller: str | None = None, title: str | None = None, locked: bool = False
    ) -> ThreadSummary:
        """A thread before its first turn.

        Args:
            thread: its name.
            caller: who owns it, see :class:`~tierwise.callers.Caller`; ``None`` is a person of this machine.
            title: as for :meth:`rename_thread`; ``None`` leaves it to the questions.
            locked: everything in it stays on the device.

        Raises:
            InvalidInput: if there is a thread of this name, or the title cannot be one.
        """
        line, now = None if title is None else self._title_line(title), time.time()
        with self._writing() as db:
            made = db.execute(
                "INSERT OR IGNORE INTO threads (thread, created, locked, title, caller) VALUES (?, ?, ?, ?, ?)",
                (thread, now, int(locked), line, caller),
            ).rowcount
        if not made:
            raise InvalidInput(f"There is a thread {thread!r} already.", fix="Choose another name.")
        return ThreadSummary(thread, line or "", 0, now, locked, caller=caller)

    def empty_thread(self, thread: str) -> ThreadSummary | None:
        """A thread that has no turn yet; ``last`` is when it was made. ``None`` if there is none."""
        rows = self._rows(
            "SELECT title, created, locked, caller FROM threads WHERE thread = ?"
            " AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.thread = threads.thread)",
            (thread,),
        )
        if not rows:
            return None
        (row,) = rows
        return ThreadSummary(thread, row["title"] or "", 0, row["created"], bool(row["locked"]), caller=row["caller"])

    def lock_thread(self, thread: str, locked: bool, *, caller: str | None = None) -> None:
        """Lock a thread, also one that has no turn yet, or unlock it.

        Args:
            thread: the thread.
            locked: lock it, or unlock it.
            caller: whose it is if it has to be made for that; ``None``: of whoever asks in it first.
        """
        with self._writing() as db:
            db.execute(
                "INSERT INTO threads (thread, created, locked, caller) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (thread) DO UPDATE SET locked = excluded.locked",
                (thread, time.time(), int(locked), caller),
            )

    def _title_line(self, title: str) -> str:
        line = self._rest.text(" ".join("".join(c if c.isprintable() else " " for c in title).split()))
        if not 1 <= len(line) <= LONGEST:
            raise InvalidInput(
                f"A title has 1 to {LONGEST} characters; this one has {len(line)}.", fix="Write another."
            )
        return line

    def _made_title(self, thread: str) -> tuple[str, bool]:
        """The title made from the thread's first questions, and whether one of them is locked."""
        rows = self._rows(
            "SELECT substr(asked, 1, ?) AS asked, locked FROM turns WHERE thread = ? ORDER BY n LIMIT ?",
            (MOST_READ, thread, _FIRST),
        )
        return title_of(row["asked"] for row in rows), any(row["locked"] for row in rows)
