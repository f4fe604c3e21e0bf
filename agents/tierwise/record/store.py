"""The store of decision records; a thread is the list of its turns."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tierwise.errors import InvalidInput, UnknownName
from tierwise.record.conversation import Conversations
from tierwise.record.database import change, dump, load
from tierwise.record.feedback import Feedback
from tierwise.record.gains import noted_gain
from tierwise.record.owner import is_alive, own_id
from tierwise.record.spending import Spendings
from tierwise.record.stats import Stats, summarise
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import Overrule

_INTERRUPTED = "The program ended before the answer was complete."


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """A thread in a list: its id, first question, number of turns and time of the last one (seconds since 1970)."""

    thread: str
    title: str
    turns: int
    last: float
    locked: bool


class Record(Conversations, Spendings):
    """``record.sqlite``: every turn from the moment its message arrives. Thread-safe; several processes may share it.

    Opening it ends the turns of processes that died, see :meth:`repair`.

    Args:
        home: folder of the stores.

    Raises:
        StoreError: if the store cannot be opened.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.repair()

    # -- a turn's life -------------------------------------------------------------------------------------------------

    def start(self, record: DecisionRecord) -> None:
        """Store the message before any work is done for it."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO threads (thread, created) VALUES (?, ?)", (record.thread, record.created))
            db.execute(
                "INSERT INTO turns"
                " (turn_id, thread, created, status, owner, locked, asked, requested, overrules, record)"
                " VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?)",
                (
                    record.turn_id, record.thread, record.created, own_id(), record.locked, record.asked,
                    record.requested_tier, record.overrules, dump(record),
                ),
            )  # fmt: skip

    def lock_turn(self, turn_id: str) -> None:
        """Remember at once that the turn has read something locked: whatever becomes of it, it stays on the device."""
        with self._writing() as db:
            db.execute("UPDATE turns SET locked = 1 WHERE turn_id = ?", (turn_id,))

    def keep_partial(self, turn_id: str, attempt: int, tier: str, model: str, text: str) -> None:
        """Keep what an attempt has written so far, so that a crash does not lose it."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO partials VALUES (?, ?, ?, ?, ?)", (turn_id, attempt, tier, model, text))

    def finish(self, record: DecisionRecord, *, overrule: Overrule | None = None) -> None:
        """Store how the turn ended; a turn that was locked on its way (:meth:`lock_turn`) stays so.

        Args:
            record: the turn, no longer running.
            overrule: how its answer takes the place of that of the turn ``record.overrules``, if it does. Both are
                stored together, or neither is.
        """
        with self._writing() as db:
            row = db.execute("SELECT locked FROM turns WHERE turn_id = ?", (record.turn_id,)).fetchone()
            record = replace(record, locked=record.locked or bool(row and row["locked"]))
            cause = record.reasons[0].code if record.reasons else None
            db.execute(
                "UPDATE turns SET status = ?, text = ?, locked = ?, final = ?, stage = ?, cause = ?, cost = ?,"
                " record = ? WHERE turn_id = ?",
                (
                    record.status, record.text, record.locked, record.final, record.stage, cause, record.cost_usd,
                    dump(record), record.turn_id,
                ),
            )  # fmt: skip
            db.execute("DELETE FROM partials WHERE turn_id = ?", (record.turn_id,))
            if overrule is None or record.overrules is None:
                return
            if change(db, record.overrules, overruled=overrule) is not None:
                db.execute("UPDATE turns SET overrule = ? WHERE turn_id = ?", (overrule, record.turn_id))

    def repair(self) -> list[str]:
        """End the turns of processes that died: they become ``stopped`` with the text they had.

        Returns:
            The ids of those turns.
        """
        with self._lock:
            rows = self._db.execute(
                "SELECT turn_id, owner, locked, record FROM turns WHERE status = 'running'"
            ).fetchall()
        dead = [row for row in rows if not is_alive(row["owner"])]
        for row in dead:
            record = replace(load(row["record"]), locked=bool(row["locked"]))
            with self._lock:
                partials = self._db.execute(
                    "SELECT * FROM partials WHERE turn_id = ? ORDER BY attempt", (record.turn_id,)
                ).fetchall()
            attempts = tuple(
                Attempt(p["attempt"], p["tier"], p["model"], p["model"], "stopped", p["text"], error=_INTERRUPTED)
                for p in partials
            )
            text = attempts[-1].text if attempts else ""
            final = attempts[-1].tier if text else None
            self.finish(
                replace(record, status="stopped", attempts=attempts, text=text, final=final, error=_INTERRUPTED)
            )
        return [row["turn_id"] for row in dead]

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, turn_id: str) -> DecisionRecord:
        """One turn by its id, a unique beginning of it, or ``last``.

        Raises:
            UnknownName: if there is none, or several begin like that.
        """
        if turn_id == "last":
            rows = self._rows("SELECT record FROM turns ORDER BY n DESC LIMIT 1")
            if not rows:
                raise UnknownName("Nothing has been asked yet.", fix="Ask something first: tierwise ask QUESTION")
            return load(rows[0]["record"])
        rows = self._rows(
            "SELECT record FROM turns WHERE turn_id = ? OR substr(turn_id, 1, ?) = ? LIMIT 2",
            (turn_id, max(len(turn_id), 4), turn_id),
        )
        if len(rows) != 1:
            problem = "several turns begin with" if rows else "there is no turn"
            raise UnknownName(f"{problem[0].upper()}{problem[1:]} {turn_id!r}.", fix="List them: tierwise threads list")
        return load(rows[0]["record"])

    def turns(self, thread: str) -> list[DecisionRecord]:
        """The turns of a thread, oldest first.

        Raises:
            UnknownName: if there is no such thread.
        """
        rows = self._rows("SELECT record FROM turns WHERE thread = ? ORDER BY n", (thread,))
        if not rows:
            raise UnknownName(f"There is no thread {thread!r}.", fix="List them: tierwise threads list")
        return [load(row["record"]) for row in rows]

    def records(self, since: float | None = None) -> list[DecisionRecord]:
        """All turns created at or after ``since`` (seconds since 1970), oldest first; also those that still run."""
        rows = self._rows("SELECT record FROM turns WHERE created >= ? ORDER BY n", (since or 0.0,))
        return [load(row["record"]) for row in rows]

    def ended(self, turn_ids: Iterable[str]) -> list[str]:
        """Those of the turns that are over."""
        over = {row["turn_id"] for row in self._rows("SELECT turn_id FROM turns WHERE status != 'running'")}
        return [turn_id for turn_id in turn_ids if turn_id in over]

    def threads(self, limit: int = 50) -> list[ThreadSummary]:
        """Threads, the most recently used first."""
        rows = self._rows(
            "SELECT threads.thread, threads.locked, count(*) AS turns, max(turns.created) AS last,"
            " (SELECT asked FROM turns AS first WHERE first.thread = threads.thread ORDER BY n LIMIT 1) AS title"
            " FROM threads JOIN turns USING (thread) GROUP BY threads.thread ORDER BY max(n) DESC LIMIT ?",
            (limit,),
        )
        return [
            ThreadSummary(r["thread"], " ".join(r["title"].split())[:80], r["turns"], r["last"], bool(r["locked"]))
            for r in rows
        ]

    def search(self, words: str, limit: int = 20) -> list[DecisionRecord]:
        """Turns whose question or answer holds all the words, the best match first."""
        terms = re.findall(r"\w+", words)
        if not terms:
            return []
        query = " ".join(f'"{term}"' for term in terms)
        rows = self._rows(
            "SELECT record FROM words JOIN turns ON turns.n = words.rowid WHERE words MATCH ?"
            " ORDER BY rank, n DESC LIMIT ?",
            (query, limit),
        )
        return [load(row["record"]) for row in rows]

    def stats(self, since: float | None = None) -> Stats:
        """Sums over the turns created at or after ``since`` (seconds since 1970)."""
        return summarise(self.records(since))

    def recent_gains(self, tier: str, calibration: str, limit: int) -> list[float]:
        """Gains that a calibration expected of going up from a tier's drafts, in the latest turns; oldest first."""
        rows = self._rows("SELECT record FROM turns WHERE requested = 'auto' ORDER BY n DESC LIMIT ?", (limit,))
        # One number of each: not worth a whole record.
        told = (json.loads(row["record"]) for row in reversed(rows))
        gains = (noted_gain(one, tier) for one in told if one.get("calibration") == calibration)
        return [gain for gain in gains if gain is not None]

    # -- changing ------------------------------------------------------------------------------------------------------

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

    def set_feedback(self, turn_id: str, feedback: str) -> DecisionRecord:
        """Store what the user thinks of an answer, in place of what was said before.

        Args:
            turn_id: as in :meth:`get`.
            feedback: ``up`` or ``down``, with a reason if there is one: ``down: too long``.

        Returns:
            The turn with its feedback.

        Raises:
            UnknownName: if there is no such turn.
            InvalidInput: if the feedback says something else, or the turn has no answer.
        """
        said = str(Feedback.read(feedback))
        found = self.get(turn_id)
        if found.final is None:
            raise InvalidInput(f"Turn {found.turn_id} has no answer to judge.", fix="Name another turn.")
        with self._writing() as db:
            return change(db, found.turn_id, feedback=said) or found

    def delete_thread(self, thread: str) -> int:
        """Delete a thread with all its turns.

        Returns:
            How many turns it had.

        Raises:
            UnknownName: if there is no such thread.
        """
        turns = len(self.turns(thread))
        with self._writing() as db:
            db.execute("DELETE FROM turns WHERE thread = ?", (thread,))
            db.execute("DELETE FROM threads WHERE thread = ?", (thread,))
        return turns
