"""The store of decision records; a thread is the list of its turns."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tierwise.errors import InvalidInput
from tierwise.record.at_rest import AtRest
from tierwise.record.callers import Callers
from tierwise.record.calls import Calls, steps_of
from tierwise.record.conversation import Conversations
from tierwise.record.database import change, dump, load
from tierwise.record.deleting import Deleting
from tierwise.record.feedback import Feedback
from tierwise.record.gains import noted_gain
from tierwise.record.improvable import Missed
from tierwise.record.insights import Insights, sum_up
from tierwise.record.leases import Leases, new_lease
from tierwise.record.listing import Listing
from tierwise.record.missed import missed_by
from tierwise.record.owner import own_id
from tierwise.record.savings import Savings
from tierwise.record.sendings import Sendings
from tierwise.record.spending import Spendings
from tierwise.record.stated import stated_lines
from tierwise.record.stats import Stats, summarise
from tierwise.record.threads import Threads
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import BusyThread, Overrule, Redaction

Parked = Literal["waiting", "crashed"]
_INTERRUPTED = "The program ended before the answer was complete."
_NOTHING = 1e-12  # USD; sums differ by less than this for the order in which they were made


class Record(Deleting, Leases, Listing, Callers, Conversations, Threads, Calls, Sendings, Spendings, Savings, Missed):
    """``record.sqlite``: every turn from the moment its message arrives. Thread-safe; several processes may share it.

    Opening it ends the turns of processes that died, see :meth:`repair`.

    Args:
        home: folder of the stores.
        redact: what is left out of what is stored of a turn that is over (``Settings.redact``).

    Raises:
        StoreError: if the store cannot be opened.
    """

    def __init__(self, home: Path, *, redact: Redaction = "secrets") -> None:
        super().__init__(home, AtRest(redact))
        self.repair()

    # -- a turn's life -------------------------------------------------------------------------------------------------

    def start(
        self,
        record: DecisionRecord,
        begun_with: dict[str, Any] | None = None,
        *,
        busy: BusyThread = "queue",
        within: str | None = None,
        passing: bool = False,
    ) -> None:
        """Store the message before any work is done for it; from then on the turn runs here.

        A turn of the thread that its program left in the middle is given up with that: it cannot go on any more. A turn
        that is stored already, and is taken up again from its first step, stays as it is.

        Args:
            record: the turn.
            begun_with: what it can be begun with once more, if the program ends before its first step is stored.
            busy: what to do while another turn of the thread is being answered; for ``queue`` see :meth:`ahead`.
            within: the turn whose tool asks, if one does; a turn of its own thread cannot wait for it.
            passing: its thread, if it is new, is for this turn alone, and is not listed among people's.

        Raises:
            UnknownName: if it is asked through an API, and its thread is not the caller's. Nothing is stored then.
            ThreadBusy: if the thread is being answered, and the turn must not wait. Nothing is stored then.
        """
        if record.turn_id in self._held:
            with self._writing_for(record.turn_id):
                return
        if busy == "refuse":
            self.free(record.thread)
        stored = None if begun_with is None else json.dumps(begun_with, ensure_ascii=False)
        with self._lock:
            self._held[record.turn_id] = self._store_begin(record, stored, busy, within, passing)

    def _store_begin(
        self, record: DecisionRecord, begun_with: str | None, busy: BusyThread, within: str | None, passing: bool
    ) -> int:
        """Store a turn that begins, and give it the last place in its thread's line: its epoch."""
        with self._writing() as db:
            self._enter(db, record.thread, record.created, record.caller, passing=passing)
            self._check_free(db, record.turn_id, record.thread, busy, within)
            self._give_up(db, record.thread)
            record = self._rest.beginning(record)
            epoch = self._next_epoch(db, record.turn_id, record.thread)
            db.execute(
                "INSERT INTO turns"
                " (turn_id, thread, created, status, owner, epoch, lease, locked, asked, stated, requested, overrules,"
                " begun_with, caller, record)"
                " VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.turn_id, record.thread, record.created, own_id(), epoch, new_lease(), record.locked,
                    record.asked, stated_lines(record.asked), record.requested_tier, record.overrules, begun_with,
                    record.caller, dump(record),
                ),
            )  # fmt: skip
        return epoch

    def lock_turn(self, turn_id: str) -> None:
        """Remember at once that the turn has read something locked: whatever becomes of it, it stays on the device."""
        with self._writing_for(turn_id) as db:
            db.execute("UPDATE turns SET locked = 1 WHERE turn_id = ?", (turn_id,))

    def keep_partial(self, turn_id: str, attempt: int, tier: str, model: str, text: str) -> None:
        """Keep what an attempt has written so far, so that a crash does not lose it."""
        text = self._rest.partial(text)
        with self._writing_for(turn_id, lasting=False) as db:
            db.execute("INSERT OR REPLACE INTO partials VALUES (?, ?, ?, ?, ?)", (turn_id, attempt, tier, model, text))

    def finish(
        self, record: DecisionRecord, *, overrule: Overrule | None = None, parked: Parked | None = None
    ) -> DecisionRecord:
        """Store how the turn ended; a turn that was locked on its way (:meth:`lock_turn`) stays so.

        What ``redact`` leaves out is not stored. The record that is given back still has it, and a notice of that.

        Args:
            record: the turn, no longer running.
            overrule: how its answer takes the place of that of the turn ``record.overrules``, if it does. Both are
                stored together, or neither is.
            parked: why it can go on later, see :meth:`go_on`.

        Returns:
            The turn as it is told to the person.

        Raises:
            TakenOver: if another process has taken it up or ended it. Nothing is stored then.
        """
        with self._lock:
            with self._writing_for(record.turn_id) as db:
                told = self._store_end(db, record, overrule, parked)
            self._held.pop(record.turn_id, None)
        return told

    def _store_end(
        self, db: sqlite3.Connection, record: DecisionRecord, overrule: Overrule | None, parked: Parked | None
    ) -> DecisionRecord:
        row = db.execute("SELECT locked FROM turns WHERE turn_id = ?", (record.turn_id,)).fetchone()
        record = replace(record, locked=record.locked or bool(row and row["locked"]))
        cause = record.reasons[0].code if record.reasons else None
        spent = self._close_account(db, record.turn_id)
        # More than the attempts tell of, where the program ended in the middle of a request.
        record = replace(record, cost_usd=spent) if spent > record.cost_usd + _NOTHING else record
        missed = missed_by(record.status, [n.code for n in record.notices], locked=record.locked)
        told, record = self._at_rest(db, record, parked)
        db.execute(
            "UPDATE turns SET status = ?, text = ?, locked = ?, tainted = ?, final = ?, stage = ?, cause = ?,"
            " cost = ?, parked = ?, missed = ?, called = ?, record = ?, begun_with = iif(?, begun_with, NULL)"
            " WHERE turn_id = ?",
            (
                record.status, record.text, record.locked, record.tainted, record.final, record.stage, cause,
                record.cost_usd, parked, missed, bool(record.calls), dump(record), parked is not None, record.turn_id,
            ),
        )  # fmt: skip
        db.execute("DELETE FROM partials WHERE turn_id = ?", (record.turn_id,))
        if overrule is None or record.overrules is None:
            return told
        if change(db, record.overrules, overruled=overrule) is not None:
            db.execute("UPDATE turns SET overrule = ? WHERE turn_id = ?", (overrule, record.turn_id))
            if overrule == "edit":
                _replace_what_followed(db, record)
        return told

    def repair(self) -> list[str]:
        """End the turns of processes that died: they become ``stopped`` with the text they had, and can go on.

        One that waited for a person goes on waiting. A turn whose process lives, and was not heard of for longer than
        its lease, is ended when somebody wants its thread.

        Returns:
            The ids of those turns.
        """
        rows = self._rows("SELECT turn_id, owner, lease, epoch FROM turns WHERE status = 'running'")
        return self._end_abandoned(rows, wanted=False)

    def _end(self, row: sqlite3.Row, *, for_another: bool) -> bool:
        with self._writing() as db:
            taken = db.execute(
                "UPDATE turns SET epoch = epoch + 1"
                " WHERE turn_id = ? AND status = 'running' AND epoch = ? AND owner = ? AND lease = ?",
                (row["turn_id"], row["epoch"], row["owner"], row["lease"]),
            ).rowcount
            if taken:
                record = self._interrupted(db, row["turn_id"])
                crashed: Parked | None = None if for_another else "crashed"
                self._store_end(db, record, None, "waiting" if record.status == "needs_approval" else crashed)
        return bool(taken)

    def _interrupted(self, db: sqlite3.Connection, turn_id: str) -> DecisionRecord:
        """A turn as it stands where its program ended."""
        row = db.execute("SELECT locked, record FROM turns WHERE turn_id = ?", (turn_id,)).fetchone()
        partials = db.execute("SELECT * FROM partials WHERE turn_id = ? ORDER BY attempt", (turn_id,)).fetchall()
        attempts = tuple(
            Attempt(p["attempt"], p["tier"], p["model"], p["model"], "stopped", p["text"], error=_INTERRUPTED)
            for p in partials
        )
        text = attempts[-1].text if attempts else ""
        record = replace(
            load(row["record"]),
            locked=bool(row["locked"]),
            attempts=attempts,
            text=text,
            final=attempts[-1].tier if text else None,
            tools=steps_of(self.calls(turn_id)),
        )
        waiting, outgoing = tuple(self.waiting_calls(turn_id)), self.waiting_outgoing(turn_id)
        if waiting or outgoing:
            return replace(record, status="needs_approval", waiting=waiting, outgoing=outgoing)
        return replace(record, status="stopped", error=_INTERRUPTED)

    def go_on(self, turn_id: str, *, busy: BusyThread = "queue", within: str | None = None) -> DecisionRecord:
        """Take up a turn that is parked; from then on this process runs it.

        Args:
            turn_id: the turn.
            busy: as for :meth:`start`.
            within: as for :meth:`start`.

        Raises:
            UnknownName: if there is no such turn.
            InvalidInput: if it is not parked, or another process has just taken it up.
            ThreadBusy: if its thread is being answered, and it must not wait.
        """
        found = self.get(turn_id)
        if found.status == "running" or busy == "refuse":
            self.free(found.thread)
            found = self.get(found.turn_id)
        running = replace(found, status="running", error=None, waiting=(), outgoing=None)
        with self._lock:
            with self._writing() as db:
                epoch = self._next_epoch(db, found.turn_id, found.thread)
                taken = db.execute(
                    "UPDATE turns SET status = 'running', owner = ?, epoch = ?, lease = ?, record = ?,"
                    " taken = taken + (parked = 'crashed'), parked = NULL"
                    " WHERE turn_id = ? AND parked IS NOT NULL",
                    (own_id(), epoch, new_lease(), dump(running), found.turn_id),
                ).rowcount
                if taken:
                    self._check_free(db, found.turn_id, found.thread, busy, within)
            if taken:
                self._held[found.turn_id] = epoch
                return found
        state = "is running" if found.status == "running" else f"is {found.status}"
        raise InvalidInput(f"Turn {found.turn_id} {state}: there is nothing to go on with.", fix="Ask anew.")

    # -- sums ---------------------------------------------------------------------------------------------------------

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
        said = self._rest.text(str(Feedback.read(feedback)))
        found = self.get(turn_id)
        if found.final is None:
            raise InvalidInput(f"Turn {found.turn_id} has no answer to judge.", fix="Name another turn.")
        with self._writing() as db:
            return change(db, found.turn_id, feedback=said) or found


def _replace_what_followed(db: sqlite3.Connection, record: DecisionRecord) -> None:
    """Mark what came in a thread between a turn and its question in other words: it went on from the old words."""
    later = db.execute(
        "SELECT turn_id FROM turns WHERE thread = ? AND overruled IS NULL"
        " AND n > (SELECT n FROM turns WHERE turn_id = ?) AND n < (SELECT n FROM turns WHERE turn_id = ?)",
        (record.thread, record.overrules, record.turn_id),
    ).fetchall()
    for row in later:
        change(db, row["turn_id"], overruled="edit")
