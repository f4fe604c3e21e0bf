"""Conversations as they are read back: for a model's prompt, and for the choice of a tier."""

from __future__ import annotations

from tierwise.record.database import Database
from tierwise.turns import PastTurn
from tierwise.types import Message

_NO_ANSWER = "(no answer)"
_END = 2**62


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
        """The conversation as a model should see it: alternating, without turns that were blocked or still run.

        A turn without an answer keeps its question and gets a placeholder, so that no later request is malformed. A
        turn that was overruled is left out: another answer took its place.

        Args:
            thread: the thread; one that does not exist has no history.
            with_locked: include turns that must stay on the device; false for whatever leaves it.
            limit: how many turns at most, the newest.
            before: a turn whose question is asked again: what had been said when it was asked first.
        """
        rows = self._rows(
            "SELECT asked, text FROM conversation WHERE thread = ? AND n < ? AND (locked = 0 OR ?)"
            " ORDER BY n DESC LIMIT ?",
            (thread, self._place(before), with_locked, limit),
        )
        return [
            message
            for row in reversed(rows)
            for message in (Message("user", row["asked"]), Message("assistant", row["text"] or _NO_ANSWER))
        ]

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
