"""The store of decision records; a thread is the list of its turns."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tierwise.errors import InvalidInput, UnknownName
from tierwise.home import files_of
from tierwise.record.calls import Calls, steps_of
from tierwise.record.conversation import Conversations
from tierwise.record.database import change, dump, load
from tierwise.record.feedback import Feedback
from tierwise.record.gains import noted_gain
from tierwise.record.insights import Insights, sum_up
from tierwise.record.owner import is_alive, own_id
from tierwise.record.savings import Savings
from tierwise.record.sendings import Sendings
from tierwise.record.spending import Spendings
from tierwise.record.stated import stated_lines
from tierwise.record.stats import Stats, summarise
from tierwise.record.threads import Threads
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import Overrule

Parked = Literal["waiting", "crashed"]
_INTERRUPTED = "The program ended before the answer was complete."
_YOUNG = 60.0  # seconds; a turn has a checkpoint a moment before it is stored here


class Record(Conversations, Threads, Calls, Sendings, Spendings, Savings):
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

    def start(self, record: DecisionRecord, begun_with: dict[str, Any] | None = None) -> None:
        """Store the message before any work is done for it.

        A turn of the thread that its program left in the middle is given up with that: it cannot go on any more. A turn
        that is stored already, and is taken up again from its first step, stays as it is.

        Args:
            record: the turn.
            begun_with: what it can be begun with once more, if the program ends before its first step is stored.
        """
        with self._writing() as db:
            db.execute("UPDATE turns SET parked = NULL WHERE thread = ? AND parked = 'crashed'", (record.thread,))
            stored = None if begun_with is None else json.dumps(begun_with, ensure_ascii=False)
            db.execute("INSERT OR IGNORE INTO threads (thread, created) VALUES (?, ?)", (record.thread, record.created))
            db.execute(
                "INSERT INTO turns"
                " (turn_id, thread, created, status, owner, locked, asked, stated, requested, overrules, begun_with,"
                " record)"
                " VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (turn_id) DO NOTHING",
                (
                    record.turn_id, record.thread, record.created, own_id(), record.locked, record.asked,
                    stated_lines(record.asked), record.requested_tier, record.overrules, stored, dump(record),
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

    def finish(self, record: DecisionRecord, *, overrule: Overrule | None = None, parked: Parked | None = None) -> None:
        """Store how the turn ended; a turn that was locked on its way (:meth:`lock_turn`) stays so.

        Args:
            record: the turn, no longer running.
            overrule: how its answer takes the place of that of the turn ``record.overrules``, if it does. Both are
                stored together, or neither is.
            parked: why it can go on later, see :meth:`go_on`.
        """
        with self._writing() as db:
            row = db.execute("SELECT locked FROM turns WHERE turn_id = ?", (record.turn_id,)).fetchone()
            record = replace(record, locked=record.locked or bool(row and row["locked"]))
            cause = record.reasons[0].code if record.reasons else None
            db.execute(
                "UPDATE turns SET status = ?, text = ?, locked = ?, tainted = ?, final = ?, stage = ?, cause = ?,"
                " cost = ?, parked = ?, record = ?, begun_with = iif(?, begun_with, NULL) WHERE turn_id = ?",
                (
                    record.status, record.text, record.locked, record.tainted, record.final, record.stage, cause,
                    record.cost_usd, parked, dump(record), parked is not None, record.turn_id,
                ),
            )  # fmt: skip
            db.execute("DELETE FROM partials WHERE turn_id = ?", (record.turn_id,))
            if overrule is None or record.overrules is None:
                return
            if change(db, record.overrules, overruled=overrule) is not None:
                db.execute("UPDATE turns SET overrule = ? WHERE turn_id = ?", (overrule, record.turn_id))
                if overrule == "edit":
                    _replace_what_followed(db, record)

    def repair(self) -> list[str]:
        """End the turns of processes that died: they become ``stopped`` with the text they had, and can go on.

        One that waited for a person goes on waiting.

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
            record = replace(
                record, attempts=attempts, text=text, final=final, tools=steps_of(self.calls(record.turn_id))
            )
            waiting, outgoing = tuple(self.waiting_calls(record.turn_id)), self.waiting_outgoing(record.turn_id)
            if waiting or outgoing:
                record = replace(record, status="needs_approval", waiting=waiting, outgoing=outgoing)
                self.finish(record, parked="waiting")
            else:
                self.finish(replace(record, status="stopped", error=_INTERRUPTED), parked="crashed")
        return [row["turn_id"] for row in dead]

    def go_on(self, turn_id: str) -> DecisionRecord:
        """Take up a turn that is parked; from then on this process runs it.

        Raises:
            UnknownName: if there is no such turn.
            InvalidInput: if it is not parked, or another process has just taken it up.
        """
        found = self.get(turn_id)
        running = replace(found, status="running", error=None, waiting=(), outgoing=None)
        with self._writing() as db:
            taken = db.execute(
                "UPDATE turns SET status = 'running', owner = ?, parked = NULL, record = ?"
                " WHERE turn_id = ? AND parked IS NOT NULL",
                (own_id(), dump(running), found.turn_id),
            ).rowcount
        if not taken:
            state = "is running" if found.status == "running" else f"is {found.status}"
            raise InvalidInput(f"Turn {found.turn_id} {state}: there is nothing to go on with.", fix="Ask anew.")
        return found

    def begun_with(self, turn_id: str) -> dict[str, Any] | None:
        """What a turn was begun with; see :meth:`start`."""
        rows = self._rows("SELECT begun_with FROM turns WHERE turn_id = ?", (turn_id,))
        if not rows or rows[0]["begun_with"] is None:
            return None
        found: dict[str, Any] = json.loads(rows[0]["begun_with"])
        return found

    def parked_turn(self, thread: str) -> str | None:
        """The latest turn of a thread that can go on."""
        rows = self._rows(
            "SELECT turn_id FROM turns WHERE thread = ? AND parked IS NOT NULL ORDER BY n DESC LIMIT 1", (thread,)
        )
        return rows[0]["turn_id"] if rows else None

    def waiting_turns(self) -> list[DecisionRecord]:
        """All turns that wait for a person, oldest first."""
        return [
            load(row["record"]) for row in self._rows("SELECT record FROM turns WHERE parked = 'waiting' ORDER BY n")
        ]

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

    def turns(self, thread: str, *, last: int | None = None, standing: bool = False) -> list[DecisionRecord]:
        """The turns of a thread, oldest first.

        Args:
            thread: the thread.
            last: only so many, the newest.
            standing: without those whose place another turn took.

        Raises:
            UnknownName: if there is no such thread.
        """
        rows = self._rows(
            "SELECT record FROM (SELECT n, record FROM turns WHERE thread = ? AND (overruled IS NULL OR NOT ?)"
            " ORDER BY n DESC LIMIT ?) ORDER BY n",
            (thread, standing, -1 if last is None else last),
        )
        if not rows and last != 0:
            raise UnknownName(f"There is no thread {thread!r}.", fix="List them: tierwise threads list")
        return [load(row["record"]) for row in rows]

    def records(self, since: float | None = None) -> list[DecisionRecord]:
        """All turns created at or after ``since`` (seconds since 1970), oldest first; also those that still run."""
        rows = self._rows("SELECT record FROM turns WHERE created >= ? ORDER BY n", (since or 0.0,))
        return [load(row["record"]) for row in rows]

    def ended(self, turn_ids: Iterable[str]) -> list[str]:
        """Those of the turns that are over for good, or were deleted."""
        rows = self._rows("SELECT turn_id, status = 'running' OR parked IS NOT NULL AS alive FROM turns")
        alive = {row["turn_id"]: bool(row["alive"]) for row in rows}
        return [turn_id for turn_id in turn_ids if not alive.get(turn_id, _is_young(turn_id))]

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
        return summarise(self.outlines(since))

    def insights(self, since: float | None = None) -> Insights:
        """Sums by reason, tier and day over the turns created at or after ``since``; see :func:`sum_up`."""
        return sum_up(self.outlines(since))

    def recent_gains(self, tier: str, calibration: str, limit: int) -> list[float]:
        """Gains that a calibration expected of going up from a tier's drafts, in the latest turns; oldest first."""
        rows = self._rows("SELECT record FROM turns WHERE requested = 'auto' ORDER BY n DESC LIMIT ?", (limit,))
        # One number of each: not worth a whole record.
        told = (json.loads(row["record"]) for row in reversed(rows))
        gains = (noted_gain(one, tier) for one in told if one.get("calibration") == calibration)
        return [gain for gain in gains if gain is not None]

    # -- changing ------------------------------------------------------------------------------------------------------

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
        """Delete a thread with all its turns, and the files that its tools left behind.

        Returns:
            How many turns it had.

        Raises:
            UnknownName: if there is no such thread.
        """
        turns = self.turns(thread)
        with self._writing() as db:
            db.execute("DELETE FROM turns WHERE thread = ?", (thread,))
            db.execute("DELETE FROM threads WHERE thread = ?", (thread,))
        for turn in turns:
            shutil.rmtree(files_of(self._home, turn.turn_id), ignore_errors=True)
        return len(turns)


def _replace_what_followed(db: sqlite3.Connection, record: DecisionRecord) -> None:
    """Mark what came in a thread between a turn and its question in other words: it went on from the old words."""
    later = db.execute(
        "SELECT turn_id FROM turns WHERE thread = ? AND overruled IS NULL"
        " AND n > (SELECT n FROM turns WHERE turn_id = ?) AND n < (SELECT n FROM turns WHERE turn_id = ?)",
        (record.thread, record.overrules, record.turn_id),
    ).fetchall()
    for row in later:
        change(db, row["turn_id"], overruled="edit")


def _is_young(turn_id: str) -> bool:
    """Whether a turn began a moment ago; its id begins with the milliseconds since 1970 (hexadecimal)."""
    try:
        return time.time() - int(turn_id[:11], 16) / 1000 < _YOUNG
    except ValueError:
        return True  # not an id of ours: nobody knows whether it is over
