"""Decision records without their texts: small enough to keep, and quick to read again."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tierwise.jsonable import from_json
from tierwise.record.database import Database
from tierwise.turns import DecisionRecord

Version = tuple[int, int, int]
_opened = count()

# Most of what a record takes; no sum needs it.
_LONG: dict[str, Any] = {
    "text": "", "passages": [], "citations": [], "tools": [], "unsupported": [], "waiting": [], "retrieval": None,
    "offered": [], "outgoing": None,
}  # fmt: skip


class Outlines(Database):
    """Reads the records for sums over many of them: each is read once, and again only when it has changed."""

    _opening: int | None = None
    _known: dict[str, tuple[int, DecisionRecord]] | None = None
    _read_at: Version | None = None

    def version(self) -> Version:
        """Another value whenever anything in the file may have changed, by this process or another."""
        with self._lock:
            (other,) = self._db.execute("PRAGMA data_version").fetchone()
            if self._opening is None:
                self._opening = next(_opened)  # the two counts begin anew with every opening of the file
            return self._opening, int(other), self._db.total_changes

    def outlines(self, since: float | None = None) -> list[DecisionRecord]:
        """All turns created at or after ``since`` (seconds since 1970), oldest first, without their texts.

        A record keeps the question, and what was measured, decided, sent out and spent; it lacks the answer, the
        drafts' words, passages, citations and tool calls. The list is the caller's own.
        """
        with self._lock:
            version = self.version()
            if self._known is None or version != self._read_at:
                before = self._known or {}
                rows = self._rows("SELECT turn_id, record FROM turns ORDER BY n")
                self._known = {row["turn_id"]: _outline(row["record"], before.get(row["turn_id"])) for row in rows}
                self._read_at = version
            return [found for _, found in self._known.values() if since is None or found.created >= since]


def _outline(stored: str, before: tuple[int, DecisionRecord] | None) -> tuple[int, DecisionRecord]:
    mark = hash(stored)
    if before is not None and before[0] == mark:
        return before
    told = json.loads(stored) | _LONG
    told["attempts"] = [{**attempt, "text": ""} for attempt in told.get("attempts", ())]
    return mark, from_json(DecisionRecord, told)
