"""Finding turns."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from typing import Any

from tierwise.errors import UnknownName
from tierwise.record.callers import AMONG, ANY, Whose, among
from tierwise.record.database import Database, load
from tierwise.turns import DecisionRecord

_SHORTEST = 4  # characters of a beginning of an id
_LAST = "\U0010ffff"  # behind every other character
_USUAL = 5  # turns of a thread by which the next is judged
_YOUNG = 60.0  # seconds; with nodes of one's own a turn has a checkpoint a moment before it is stored here


class Lookup(Database):
    """Turns by their id, thread, time, words and state."""

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
        rows = self._rows("SELECT record FROM turns WHERE turn_id = ?", (turn_id,))
        if not rows and len(turn_id) >= _SHORTEST:
            rows = self._rows(
                "SELECT record FROM turns WHERE turn_id > ? AND turn_id < ? LIMIT 2", (turn_id, turn_id + _LAST)
            )
        if len(rows) != 1:
            problem = "several turns begin with" if rows else "there is no turn"
            raise UnknownName(f"{problem[0].upper()}{problem[1:]} {turn_id!r}.", fix="List them: tierwise threads list")
        return load(rows[0]["record"])

    def find(self, turn_id: str) -> DecisionRecord | None:
        """One turn by its whole id; ``None`` if there is none."""
        rows = self._rows("SELECT record FROM turns WHERE turn_id = ?", (turn_id,))
        return load(rows[0]["record"]) if rows else None

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

    def search(
        self, words: str, limit: int = 20, *, passing: bool = False, caller: Whose = ANY
    ) -> list[DecisionRecord]:
        """Turns whose question or answer holds all the words, the best match first.

        Args:
            words: the words.
            limit: how many at most.
            passing: also in threads that were for one question of an API alone.
            caller: only in threads that this caller began; ``None``: only in those of people.
        """
        terms = re.findall(r"\w+", words)
        if not terms:
            return []
        query = " ".join(f'"{term}"' for term in terms)
        rows = self._rows(
            "SELECT record FROM words JOIN turns ON turns.n = words.rowid JOIN threads USING (thread)"  # noqa: S608
            f" WHERE words MATCH ? AND {AMONG} ORDER BY rank, n DESC LIMIT ?",
            (query, *among(caller, passing=passing), limit),
        )
        return [load(row["record"]) for row in rows]

    def usual_seconds(self, turn_id: str) -> float | None:
        """How long the latest answers of a turn's thread took on average, without waiting; ``None`` without any."""
        rows = self._rows(
            "SELECT record FROM turns WHERE status = 'done'"
            " AND thread = (SELECT thread FROM turns WHERE turn_id = ?) ORDER BY n DESC LIMIT ?",
            (turn_id, _USUAL),
        )
        took = [json.loads(row["record"])["ms"].get("total", 0.0) / 1000 for row in rows]
        return sum(took) / len(took) if took else None

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

    def parked(self) -> dict[str, list[str]]:
        """The threads of turns that can go on, oldest turn first: ``waiting`` for a person, and ``crashed``.

        Of an API's question for which there is no other thread, nobody waits for the end any more once it crashed.
        """
        threads: dict[str, list[str]] = {"waiting": [], "crashed": []}
        for row in self._rows(
            "SELECT parked, thread FROM turns JOIN threads USING (thread)"
            " WHERE parked = 'waiting' OR (parked = 'crashed' AND passing = 0) ORDER BY n"
        ):
            threads[row["parked"]].append(row["thread"])
        return threads

    def waiting_turns(self) -> list[DecisionRecord]:
        """All turns that wait for a person, oldest first."""
        return [
            load(row["record"]) for row in self._rows("SELECT record FROM turns WHERE parked = 'waiting' ORDER BY n")
        ]

    def ended(self, names: Iterable[str]) -> list[str]:
        """Those of some names of checkpoints that nobody will read any more.

        Args:
            names: ``TURN`` or, for a turn that was taken up again, ``TURN@EPOCH``. Of several names of a turn the last
                is read, as long as the turn runs or can go on.
        """
        names = list(names)
        last = {turn_id: name for turn_id, _, name in sorted(map(_parts, names))}
        rows = self._rows(
            "SELECT turn_id, status = 'running' OR parked IS NOT NULL AS alive FROM turns"
            " WHERE turn_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(last)),),
        )
        alive = {row["turn_id"]: bool(row["alive"]) for row in rows}
        return [name for name in names if name != last[turn := _parts(name)[0]] or not alive.get(turn, _is_young(turn))]


def _parts(name: str) -> tuple[str, int, str]:
    """Turn and epoch of a name of checkpoints, and the name."""
    turn_id, _, epoch = name.partition("@")
    return turn_id, int(epoch) if epoch.isdecimal() else 0, name


def _is_young(turn_id: str) -> bool:
    """Whether a turn began a moment ago; its id begins with the milliseconds since 1970 (hexadecimal)."""
    try:
        return time.time() - int(turn_id[:11], 16) / 1000 < _YOUNG
    except ValueError:
        return True  # not an id of ours: nobody knows whether it is over
