"""What turns have cost, and how often one is asked: what a budget goes by."""

from __future__ import annotations

from dataclasses import dataclass

from tierwise.record.payments import Bound, Payments

_DAYS = 7  # days with any turns that a usual day is taken from
_LOOK_BACK = 60 * 86400  # seconds; who has not asked for so long has no habit
_COSTS = 20  # latest turns that cost money


@dataclass(frozen=True, slots=True)
class Spending:
    """How the user has been asking.

    Attributes:
        turns: begun since the day's start, without those that still run.
        turns_a_day: mean of the last days before it that had any; ``None`` without one.
        cost: mean USD of the latest turns that cost money; ``None`` without one.
    """

    turns: int
    turns_a_day: float | None
    cost: float | None


class Spendings(Payments):
    """Sums that need no record to be read."""

    def spent(self, since: float) -> float:
        """USD spent on turns that began at or after ``since`` (seconds since 1970), deleted ones included.

        With what is set aside for requests that run now; those of turns that began earlier count as well.
        """
        (spent,) = self.spent_under([Bound("day", 0.0, since)], None)
        return spent.paid + spent.aside

    def spent_by(self, caller: str, since: float) -> float:
        """The same of the turns that one caller of an API asked."""
        (spent,) = self.spent_under([Bound("caller", 0.0, since, caller)], None)
        return spent.paid + spent.aside

    def spent_in(self, thread: str) -> float:
        """USD spent on the turns of a thread, with what is set aside for requests that run now."""
        (row,) = self._rows(
            "SELECT (SELECT coalesce(sum(cost), 0) FROM turns WHERE thread = ? AND cost > 0)"
            " + (SELECT coalesce(sum(usd), 0) FROM payments JOIN turns USING (turn_id) WHERE thread = ?) AS usd",
            (thread, thread),
        )
        return float(row["usd"])

    def spending(self, day: float) -> Spending:
        """How the user has been asking up to now.

        Args:
            day: when today began, in seconds since 1970.
        """
        (row,) = self._rows(
            "SELECT (SELECT count(*) FROM turns WHERE created >= ? AND status != 'running') AS turns,"
            " (SELECT avg(n) FROM (SELECT count(*) AS n FROM turns WHERE created < ? AND created >= ?"
            "  GROUP BY date(created, 'unixepoch', 'localtime') ORDER BY max(created) DESC LIMIT ?)) AS turns_a_day,"
            " (SELECT avg(cost) FROM (SELECT cost FROM turns WHERE cost > 0 AND created >= ?"
            "  ORDER BY created DESC LIMIT ?)) AS cost",
            (day, day, day - _LOOK_BACK, _DAYS, day - _LOOK_BACK, _COSTS),
        )
        return Spending(row["turns"], row["turns_a_day"], row["cost"])
