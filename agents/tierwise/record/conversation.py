"""Conversations as they are read back: for a model's prompt, and for the choice of a tier."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from tierwise.record.database import Database
from tierwise.turns import PastTurn
from tierwise.types import Message

NO_ANSWER = "(no answer)"
"""What stands in a model's history for a turn without an answer, so that no later request is malformed."""
_END = 2**62
# Turns of a thread that are read at most, and by how many the first of them moves on when there are more. It moves in
# steps, and seldom: whatever is made from the first of them stays the same from turn to turn.
_MOST = 192
_STEP = 64
_STATED = 24  # turns before those whose words about the user are read


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question of a thread and its answer, which may be empty; ``locked``: both stay on the device.

    ``turn_id`` says where it is from; two that say the same are equal.
    """

    asked: str
    text: str
    locked: bool = False
    turn_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was said in a thread before a question.

    Attributes:
        exchanges: the newest, oldest first.
        before: how many there are before those.
        stated: what the user told of himself in those (see :func:`~tierwise.record.stated.stated_in`), oldest first.
    """

    exchanges: tuple[Exchange, ...] = ()
    before: int = 0
    stated: tuple[str, ...] = ()


class Conversations(Database):
    """What was said in a thread, without what was replaced, refused, or is still being said."""

    def recent(self, thread: str, limit: int = 8) -> list[PastTurn]:
        """The newest turns of a thread, oldest first, without those that were overruled, were blocked or still run.

        Args:
            thread: the thread; one that does not exist has none.
            limit: how many at most.
        """
        rows = self._rows(
            "SELECT turn_id, asked, status, requested, final, stage, cause, locked, overrule"
            " FROM conversation WHERE thread = ? ORDER BY n DESC LIMIT ?",
            (thread, limit),
        )
        return [PastTurn(**{**row, "locked": bool(row["locked"])}) for row in reversed(rows)]

    def history(self, thread: str, *, with_locked: bool, limit: int = 200, before: str | None = None) -> list[Message]:
        """The conversation in alternating messages, without turns that were blocked or still run.

        A turn without an answer keeps its question and gets a placeholder. A turn that was overruled is left out:
        another answer took its place.

        Args:
            thread: the thread; one that does not exist has no history.
            with_locked: include turns that must stay on the device; false for whatever leaves it.
            limit: how many turns at most, the newest.
            before: a turn whose question is asked again: what had been said when it was asked first.
        """
        return [
            message
            for one in self.exchanges(thread, with_locked=with_locked, limit=limit, before=before)
            for message in (Message("user", one.asked), Message("assistant", one.text or NO_ANSWER))
        ]

    def exchanges(
        self, thread: str, *, with_locked: bool, limit: int, before: str | None = None
    ) -> tuple[Exchange, ...]:
        """The newest exchanges of a thread, oldest first; arguments as for :meth:`history`."""
        rows = self._rows(
            "SELECT turn_id, asked, text, locked FROM conversation WHERE thread = ? AND n < ? AND (locked = 0 OR ?)"
            " ORDER BY n DESC LIMIT ?",
            (thread, self._place(before), with_locked, limit),
        )
        return tuple(map(_exchange, reversed(rows)))

    def earlier(
        self, thread: str, *, with_locked: bool, before: str | None = None, without: Sequence[str] = (), after: int = 0
    ) -> Earlier:
        """What was said in a thread, as much of it as a prompt can be made from: reading takes no longer in a long one.

        Args:
            thread: the thread; one that does not exist has nothing.
            with_locked: include turns that must stay on the device; false for whatever leaves it.
            before: as for :meth:`history`.
            without: ids of turns to leave out, see :class:`~tierwise.record.sendings.TakenOut`.
            after: leave out everything up to this place.
        """
        said = "FROM conversation WHERE thread = ? AND n >= ? AND n < ? AND (locked = 0 OR ?)"
        given: tuple[object, ...] = (with_locked,)
        if without or after:
            said += " AND n > ? AND turn_id NOT IN (SELECT value FROM json_each(?))"
            given = (with_locked, after, json.dumps(list(without)))
        end = self._place(before)
        (counted,) = self._rows(f"SELECT count(*) AS turns {said}", (thread, 0, end, *given))
        over = max(0, counted["turns"] - _MOST)
        skipped, begin = -(-over // _STEP) * _STEP, 0
        stated: tuple[str, ...] = ()
        if skipped:
            (first,) = self._rows(f"SELECT n {said} ORDER BY n LIMIT 1 OFFSET ?", (thread, 0, end, *given, skipped))
            begin = first["n"]
            told = self._rows(
                f"SELECT stated {said} AND stated IS NOT NULL ORDER BY n DESC LIMIT ?",
                (thread, 0, begin, *given, _STATED),
            )
            stated = tuple(line for row in reversed(told) for line in row["stated"].splitlines())
        rows = self._rows(f"SELECT turn_id, asked, text, locked {said} ORDER BY n", (thread, begin, end, *given))
        return Earlier(tuple(map(_exchange, rows)), skipped, stated)

    def has_locked_turns(self, thread: str, *, before: str | None = None) -> bool:
        """Whether the thread's history (:meth:`history`) holds a turn that must stay on the device."""
        rows = self._rows(
            "SELECT 1 FROM conversation WHERE thread = ? AND n < ? AND locked = 1 LIMIT 1",
            (thread, self._place(before)),
        )
        return bool(rows)

    def has_tainted_turns(self, thread: str, *, before: str | None = None) -> bool:
        """Whether the thread's history (:meth:`history`) may repeat text that may not be trusted."""
        rows = self._rows(
            "SELECT 1 FROM conversation WHERE thread = ? AND n < ? AND tainted = 1 LIMIT 1",
            (thread, self._place(before)),
        )
        return bool(rows)

    def successor(self, turn_id: str) -> str | None:
        """The turn whose answer took the place of this turn's."""
        rows = self._rows("SELECT turn_id FROM turns WHERE overrules = ? AND overrule IS NOT NULL", (turn_id,))
        return rows[0]["turn_id"] if rows else None

    def _place(self, turn_id: str | None) -> int:
        """Place of a turn in its thread's conversation: where the question was asked first, if it was asked again."""
        if turn_id is None:
            return _END
        (row,) = self._rows(
            "WITH RECURSIVE chain (n, overrules) AS ("
            " SELECT n, overrules FROM turns WHERE turn_id = ?"
            " UNION SELECT turns.n, turns.overrules FROM turns JOIN chain ON turns.turn_id = chain.overrules"
            ") SELECT coalesce(min(n), ?) AS n FROM chain",
            (turn_id, _END),
        )
        return int(row["n"])


def _exchange(row: sqlite3.Row) -> Exchange:
    return Exchange(row["asked"], row["text"], bool(row["locked"]), row["turn_id"])
