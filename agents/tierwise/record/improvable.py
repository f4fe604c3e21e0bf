"""Turns that can be answered better once a larger tier can be asked."""

from __future__ import annotations

from tierwise.record.database import Database, load
from tierwise.turns import DecisionRecord


class Missed(Database):
    """Turns that a larger tier should have answered and could not be asked: offline, without money, or down.

    Not those whose thread was for them alone: nobody would read the better answer.
    """

    def missed(self, last: int | None = None) -> list[DecisionRecord]:
        """Those whose answer still stands and whose question may leave the device, oldest first.

        Of a question that was asked again in vain only the first turn is given: it is that one's answer that stands.

        Args:
            last: only so many, the newest.
        """
        rows = self._rows(
            "SELECT record FROM (SELECT n, record FROM turns WHERE missed IS NOT NULL AND overruled IS NULL"
            " AND (overrules IS NULL OR overrule IS NOT NULL)"
            " AND thread NOT IN (SELECT thread FROM threads WHERE locked OR passing) ORDER BY n DESC LIMIT ?)"
            " ORDER BY n",
            (-1 if last is None else last,),
        )
        return [load(row["record"]) for row in rows]

    def missed_count(self) -> int:
        """How many :meth:`missed` gives; no record is read for it."""
        (row,) = self._rows(
            "SELECT count(*) AS turns FROM turns WHERE missed IS NOT NULL AND overruled IS NULL"
            " AND (overrules IS NULL OR overrule IS NOT NULL)"
            " AND thread NOT IN (SELECT thread FROM threads WHERE locked OR passing)"
        )
        return int(row["turns"])
