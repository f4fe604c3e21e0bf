"""Turns as an API tells of them: page by page, of one caller, and as they stand while they run, here or elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tierwise.record.database import Database, load
from tierwise.turns import DecisionRecord


@dataclass(frozen=True, slots=True)
class Partial:
    """What an attempt of a turn that runs has written, as far as it is stored."""

    attempt: int
    tier: str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A turn as it stands.

    Attributes:
        record: as it was stored last. Of a turn that was taken up again and runs, its attempts are those from before.
        epoch: in which it runs, or ran last; whoever takes it up raises it.
        parked: why it can go on later, ``None`` if it cannot.
        partials: what it has written since it began or was taken up, if it runs.
    """

    record: DecisionRecord
    epoch: int
    parked: Literal["waiting", "crashed"] | None
    partials: tuple[Partial, ...] = ()


class Listing(Database):
    """Pages of turns, and one turn as it stands."""

    def page(
        self,
        limit: int = 50,
        *,
        thread: str | None = None,
        status: Literal["running", "waiting"] | None = None,
        caller: str | None = None,
        before: str | None = None,
    ) -> list[DecisionRecord]:
        """Turns, the newest first.

        Args:
            limit: how many at most.
            thread: only those of this thread.
            status: only those that run, or wait for a person.
            caller: only those of this caller.
            before: only those that are older than this turn; one that does not exist has none before it.
        """
        rows = self._rows(
            "SELECT record FROM turns WHERE (NOT ? OR status = 'running') AND (NOT ? OR parked = 'waiting')"
            " AND (? IS NULL OR thread = ?) AND (? IS NULL OR caller = ?)"
            " AND (? IS NULL OR n < (SELECT n FROM turns WHERE turn_id = ?)) ORDER BY n DESC LIMIT ?",
            (status == "running", status == "waiting", thread, thread, caller, caller, before, before, limit),
        )
        return [load(row["record"]) for row in rows]

    def standing(self, turn_id: str) -> Standing | None:
        """A turn as it stands, by its full id; ``None`` if there is none.

        What it has written is stored a few times a second: the last words may be missing.
        """
        rows = self._rows("SELECT record, epoch, parked FROM turns WHERE turn_id = ?", (turn_id,))
        if not rows:
            return None
        partials = self._rows("SELECT attempt, tier, text FROM partials WHERE turn_id = ? ORDER BY attempt", (turn_id,))
        (row,) = rows
        return Standing(load(row["record"]), row["epoch"], row["parked"], tuple(Partial(*one) for one in partials))

    def was_asked(self, turn_id: str, call_id: str) -> bool:
        """Whether a person was, or is, asked about a call of a turn; by the full id of both."""
        return bool(
            self._rows(
                "SELECT 1 FROM calls WHERE turn_id = ? AND json_extract(waiting, '$.id') = ?", (turn_id, call_id)
            )
        )
