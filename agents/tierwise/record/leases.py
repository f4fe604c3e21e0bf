"""Who writes a thread: one turn at a time, in the order in which the messages were stored.

A turn that runs has an epoch and a lease. The **epoch** is raised whenever the turn is begun, taken up or ended by
others, and every write of a turn says in which epoch it was begun: whoever was paused while another took the turn up
writes nothing any more. It is also the turn's place in its thread's line: higher than that of all that run there. The
**lease** is the time until which a turn holds without a sign of life, by a clock that all processes of the machine
share and nobody sets.
"""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from tierwise.errors import ThreadBusy
from tierwise.record.database import Database
from tierwise.record.owner import sign_of
from tierwise.types import BusyThread

LEASE = 10.0  # seconds without a sign of life after which others may take a turn up
RENEW_EVERY = 3.0  # seconds


def new_lease() -> float:
    """Until when a turn holds that gives a sign of life now."""
    # System-wide since the machine started, on Linux (CLOCK_MONOTONIC), macOS and Windows.
    return time.monotonic() + LEASE


def has_lapsed(lease: float) -> bool:
    """Whether a lease is over; one that lies too far ahead is from before the machine was started."""
    return not 0 <= lease - time.monotonic() <= LEASE


class Leases(Database, ABC):
    """Leases of turns that run, and the line before a thread."""

    def renew(self, turn_id: str) -> None:
        """Give a sign of life for a turn that runs here; nothing if none does.

        Raises:
            TakenOver: if another process has taken it up or ended it.
            StoreError: if it cannot be written.
        """
        with self._lock:
            if turn_id not in self._held:
                return
            with self._writing_for(turn_id, lasting=False) as db:
                db.execute("UPDATE turns SET lease = ? WHERE turn_id = ?", (new_lease(), turn_id))

    def let_go(self, turn_id: str) -> None:
        """Nothing more is written for a turn here, whether its end could be stored or not."""
        with self._lock:
            self._held.pop(turn_id, None)

    @property
    def has_running(self) -> bool:
        """Whether a turn runs here."""
        return bool(self._held)

    def epoch(self, turn_id: str) -> int | None:
        """The epoch in which a turn runs here; ``None`` if it does not."""
        return self._held.get(turn_id)

    def ahead(self, turn_id: str) -> int:
        """How many turns of its thread are answered before a turn that runs here.

        Turns that nobody runs any more are ended on the way, so nobody waits for them.

        Raises:
            TakenOver: if another process has taken the turn up or ended it.
        """
        with self._lock:
            rows = self._rows(
                "SELECT turn_id, owner, lease, epoch FROM turns WHERE status = 'running' AND epoch < ?"
                " AND thread = (SELECT thread FROM turns WHERE turn_id = ?)",
                (self._held.get(turn_id, 0), turn_id),
            )
            self._check_held(self._db, turn_id)
        return len(rows) - len(self._end_abandoned(rows, wanted=True, for_another=True))

    def free(self, thread: str) -> None:
        """End the turns of a thread that nobody runs any more; they can go on."""
        rows = self._rows(
            "SELECT turn_id, owner, lease, epoch FROM turns WHERE status = 'running' AND thread = ?", (thread,)
        )
        self._end_abandoned(rows, wanted=True)

    def _end_abandoned(self, rows: Sequence[sqlite3.Row], *, wanted: bool, for_another: bool = False) -> list[str]:
        """End those of some running turns that nobody runs any more.

        Args:
            rows: ``turn_id``, ``owner``, ``lease`` and ``epoch`` of each.
            wanted: somebody wants the thread: then also those whose owner lives, but was not heard of in time.
            for_another: a later message of the thread goes on: they cannot go on any more themselves.

        Returns:
            The ids of those.
        """
        gone = [row for row in rows if self._is_abandoned(row, wanted=wanted)]
        return [row["turn_id"] for row in gone if self._end(row, for_another=for_another)]

    def _next_epoch(self, db: sqlite3.Connection, turn_id: str, thread: str) -> int:
        """One more than the turn's own, and than that of everything that runs in its thread."""
        (own,) = db.execute("SELECT coalesce(max(epoch), 0) FROM turns WHERE turn_id = ?", (turn_id,)).fetchone()
        (line,) = db.execute(
            "SELECT coalesce(max(epoch), 0) FROM turns WHERE thread = ? AND status = 'running'", (thread,)
        ).fetchone()
        return 1 + max(int(own), int(line))

    def _is_abandoned(self, row: sqlite3.Row, *, wanted: bool) -> bool:
        if self._held.get(row["turn_id"]) == row["epoch"]:
            return False  # it runs here; if this process was paused, so was what renews it
        sign = sign_of(row["owner"])
        return sign == "dead" or ((wanted or sign == "unknown") and has_lapsed(row["lease"]))

    @abstractmethod
    def _end(self, row: sqlite3.Row, *, for_another: bool) -> bool:
        """End a turn in place of whoever ran it; false if that one, or another, was faster."""

    def _check_free(
        self, db: sqlite3.Connection, turn_id: str, thread: str, busy: BusyThread, within: str | None
    ) -> None:
        """Refuse a turn that must not wait for others of its thread.

        Raises:
            ThreadBusy: if one is being answered.
        """
        rows = db.execute(
            "SELECT turn_id FROM turns WHERE thread = ? AND status = 'running' AND turn_id != ?", (thread, turn_id)
        ).fetchall()
        if any(row["turn_id"] == within for row in rows):
            raise ThreadBusy(
                "A tool of a turn asks in the turn's own thread: each would wait for the other.",
                fix="Ask in another thread.",
            )
        if rows and busy == "refuse":
            raise ThreadBusy(f"Thread {thread} is being answered.", fix="Wait for the answer, or begin another thread.")
