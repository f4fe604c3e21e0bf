"""Money of requests: set aside before one leaves, settled at what it cost when it is over.

What a turn has paid so far stands in ``turns.cost`` and in its payments; when it is over, or waits, the payments become
part of the cost. So the sums are right for turns that run in other processes as well, and for those that died there:
what such a turn had set aside counts as spent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tierwise.record.database import Database

Scope = Literal["turn", "thread", "day", "month", "caller"]

# What ended, or waits, has cost.
_IN_A_PERIOD = (
    "SELECT (SELECT coalesce(sum(cost), 0) FROM turns WHERE created >= :since)"
    " + (SELECT coalesce(sum(cost), 0) FROM costs_of_deleted WHERE created >= :since) AS usd"
)
_COSTS: dict[Scope, str] = {
    "turn": "SELECT coalesce(sum(cost), 0) AS usd FROM turns WHERE turn_id = :turn",
    "thread": (
        "SELECT coalesce(sum(cost), 0) AS usd FROM turns"
        " WHERE thread = (SELECT thread FROM turns WHERE turn_id = :turn) AND cost > 0"
    ),
    "day": _IN_A_PERIOD,
    "month": _IN_A_PERIOD,
    "caller": (
        "SELECT (SELECT coalesce(sum(cost), 0) FROM turns WHERE caller = :caller AND created >= :since)"
        " + (SELECT coalesce(sum(cost), 0) FROM costs_of_deleted WHERE caller = :caller AND created >= :since) AS usd"
    ),
}
# A day or month counts everything that runs, whenever it began: of a turn over midnight nothing is left out.
_RUNNING = "SELECT settled, sum(usd) AS usd FROM payments GROUP BY settled"
_PAYMENTS: dict[Scope, str] = {
    "turn": "SELECT settled, sum(usd) AS usd FROM payments WHERE turn_id = :turn GROUP BY settled",
    "thread": (
        "SELECT settled, sum(usd) AS usd FROM payments JOIN turns USING (turn_id)"
        " WHERE thread = (SELECT thread FROM turns WHERE turn_id = :turn) GROUP BY settled"
    ),
    "day": _RUNNING,
    "month": _RUNNING,
    "caller": (
        "SELECT settled, sum(usd) AS usd FROM payments JOIN turns USING (turn_id) WHERE caller = :caller"
        " GROUP BY settled"
    ),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """What may be spent in all.

    Attributes:
        scope: on one turn, on all turns of its thread, in a calendar day or month, or by one caller in a day.
        cap: USD.
        since: when the day or month began, in seconds since 1970.
        caller: who, for the scope ``caller``.
    """

    scope: Scope
    cap: float
    since: float = 0.0
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """USD that were ``paid``, and that are set ``aside`` for requests which have not ended."""

    paid: float
    aside: float


class Payments(Database):
    """The money of turns that run."""

    def spent_under(self, bounds: Sequence[Bound], turn_id: str | None) -> list[Spent]:
        """What was spent and set aside under each bound, by all processes.

        Args:
            bounds: the bounds.
            turn_id: the turn that is meant; one that is not stored has spent nothing, and neither has its thread.
        """
        with self._lock:
            return [_sums(self._db, bound, turn_id) for bound in bounds]

    def set_aside(self, turn_id: str, number: int, usd: float, bounds: Sequence[Bound]) -> tuple[bool, list[Spent]]:
        """Set money aside for a request, unless what was spent and set aside has reached a bound.

        Looking and taking are one transaction: of requests that begin together, in whatever processes, each sees what
        the others took. So the bounds are passed by one request at most, the last that was begun.

        Args:
            turn_id: the turn, running.
            number: of the payment, a new one for each request.
            usd: the most that the request can cost.
            bounds: the bounds in force.

        Returns:
            Whether the request may begin, and what had been spent under each bound before.

        Raises:
            TakenOver: if another process has taken the turn up.
        """
        with self._writing_for(turn_id, lasting=False) as db:
            sums = [_sums(db, bound, turn_id) for bound in bounds]
            if any(spent.paid + spent.aside >= bound.cap for spent, bound in zip(sums, bounds, strict=True)):
                return False, sums
            db.execute(
                "INSERT INTO payments (turn_id, n, usd) SELECT turn_id, ?, ? FROM turns WHERE turn_id = ?"
                " ON CONFLICT DO NOTHING",
                (number, usd, turn_id),
            )
        return True, sums

    def settle(self, turn_id: str, number: int, usd: float) -> None:
        """Put what a request cost in the place of what was set aside for it.

        Whoever was stopped while it was being set aside settles it at nothing, and it stays so.

        Raises:
            TakenOver: if another process has taken the turn up; what was set aside counts as spent then.
        """
        with self._writing_for(turn_id, lasting=False) as db:
            db.execute(
                "INSERT INTO payments (turn_id, n, usd, settled) SELECT turn_id, ?, ?, 1 FROM turns WHERE turn_id = ?"
                " ON CONFLICT DO UPDATE SET usd = excluded.usd, settled = 1",
                (number, usd, turn_id),
            )

    @staticmethod
    def _close_account(db: sqlite3.Connection, turn_id: str) -> float:
        """Take the payments of a turn that ends or waits out of the file, within a transaction.

        Returns:
            USD the turn has cost so far, the payments included.
        """
        spent = _sums(db, Bound("turn", 0.0), turn_id)
        db.execute("DELETE FROM payments WHERE turn_id = ?", (turn_id,))
        return spent.paid + spent.aside


def _sums(db: sqlite3.Connection, bound: Bound, turn_id: str | None) -> Spent:
    values = {"turn": turn_id, "since": bound.since, "caller": bound.caller}
    (cost,) = db.execute(_COSTS[bound.scope], values).fetchone()
    payments = {row["settled"]: row["usd"] for row in db.execute(_PAYMENTS[bound.scope], values)}
    return Spent(cost + payments.get(1, 0.0), payments.get(0, 0.0))
