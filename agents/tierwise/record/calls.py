"""The ledger of tool calls: what waits for a person, what was begun, what is over. A call is begun once.

Each call of a turn has one row, by its round and its place in it: ids that a model gives repeat. Its life::

    waiting -> allowed -> begun -> over          a person was asked
       |          ^         |
       '> denied  '---------'--------            begun, and nobody knows whether it ended: a person is asked (again)
    begun -> over                                nobody had to be asked
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from tierwise.errors import InvalidInput, UnknownName
from tierwise.jsonable import from_json, to_json
from tierwise.record.database import Database
from tierwise.turns import ToolStep, WaitingCall

CallState = Literal["waiting", "allowed", "denied", "begun", "over"]


@dataclass(frozen=True, slots=True)
class CallKey:
    """Where a call stands: its turn, the model step that asked for it (from 0), its place in that step."""

    turn_id: str
    round: int
    place: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A row of the ledger.

    Attributes:
        key: where the call stands.
        state: how far it is.
        name: the tool.
        arguments: what it runs with, or ran with; those that the person put in place of the model's, if so.
        edited: the person changed the arguments.
        reason: the person's, for a call that was denied.
        asked: a person was asked.
        step: how it ended, if it is over.
    """

    key: CallKey
    state: CallState
    name: str
    arguments: dict[str, Any]
    edited: bool = False
    reason: str = ""
    asked: bool = False
    step: ToolStep | None = None


@dataclass(frozen=True, slots=True)
class PastCall:
    """A row of the ledger with its thread and time.

    Attributes:
        entry: the row.
        thread: of its turn.
        at: when it ended, or else the last thing that is known of it; seconds since 1970.
    """

    entry: LedgerEntry
    thread: str
    at: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """A person's word that a tool need not ask again.

    Attributes:
        tool: its name.
        fingerprint: that of the tool when it was given; it holds for no other.
        given: when; seconds since 1970.
    """

    tool: str
    fingerprint: str
    given: float


def call_id(key: CallKey, name: str, arguments: dict[str, Any]) -> str:
    """An id that stands for this call with these arguments and for nothing else."""
    return sha256(f"{key.turn_id}/{key.round}/{key.place}/{call_hash(name, arguments)}".encode()).hexdigest()[:10]


def call_hash(name: str, arguments: dict[str, Any]) -> str:
    """The same for equal calls, whatever the order of the arguments."""
    return sha256(json.dumps([name, arguments], sort_keys=True).encode()).hexdigest()


class Calls(Database):
    """The ledger, and the tools that never have to ask again."""

    # -- a call's life -------------------------------------------------------------------------------------------------

    def ask_for(self, calls: Iterable[tuple[CallKey, WaitingCall]]) -> None:
        """Have a person decide on calls of one turn. A call that was decided on already stays as it is.

        Raises:
            TakenOver: if the turn does not run here any more; so do :meth:`begin_call` and :meth:`end_call`.
        """
        now, calls = time.time(), list(calls)
        if not calls:
            return
        with self._writing_for(calls[0][0].turn_id) as db:
            for key, call in calls:
                db.execute(
                    "INSERT INTO calls (turn_id, round, place, state, name, arguments, waiting, asked)"
                    " VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?) ON CONFLICT (turn_id, round, place)"
                    " DO UPDATE SET state = 'waiting', waiting = excluded.waiting, asked = excluded.asked,"
                    " arguments = excluded.arguments, edited = 0 WHERE state = 'begun'",
                    (*_key(key), call.name, _dump(call.arguments), _dump(to_json(call)), now),
                )

    def waiting_calls(self, turn_id: str) -> list[WaitingCall]:
        """The calls of a turn that wait for a person, in the order in which they were asked for."""
        rows = self._rows(
            "SELECT waiting FROM calls WHERE turn_id = ? AND state = 'waiting' ORDER BY round, place", (turn_id,)
        )
        return [from_json(WaitingCall, json.loads(row["waiting"])) for row in rows]

    def decide(
        self, call: WaitingCall, *, allow: bool, arguments: dict[str, Any] | None = None, reason: str = ""
    ) -> None:
        """Store a person's decision.

        Args:
            call: as it was shown.
            allow: yes or no.
            arguments: to run it with these instead.
            reason: for the model, if the answer is no.

        Raises:
            InvalidInput: if it is not waiting any more, or not for these arguments.
        """
        run_with = call.arguments if arguments is None else arguments
        with self._writing() as db:
            changed = db.execute(
                "UPDATE calls SET state = ?, arguments = ?, edited = ?, reason = ?, decided = ?"
                " WHERE turn_id = ? AND state = 'waiting' AND json_extract(waiting, '$.id') = ?",
                (
                    "allowed" if allow else "denied", _dump(run_with), run_with != call.arguments, reason, time.time(),
                    call.turn_id, call.id,
                ),
            ).rowcount  # fmt: skip
        if not changed:
            raise InvalidInput(
                f"Call {call.id} of {call.name} is not waiting any more.", fix="See: tierwise threads show THREAD"
            )

    def begin_call(self, key: CallKey, name: str, arguments: dict[str, Any], *, may_repeat: bool) -> LedgerEntry | None:
        """Write down that a call begins, before it does anything.

        Args:
            key: where the call stands.
            name: the tool.
            arguments: what it runs with.
            may_repeat: one that was begun before may simply run again.

        Returns:
            ``None`` if it may run now; else what stands in its place: begun before, over, or not (for these arguments)
            allowed. It must not run then.
        """
        with self._writing_for(key.turn_id) as db:
            row = db.execute("SELECT * FROM calls WHERE turn_id = ? AND round = ? AND place = ?", _key(key)).fetchone()
            if row is not None:
                entry = _entry(row)
                same = call_hash(entry.name, entry.arguments) == call_hash(name, arguments)
                again = may_repeat and (entry.state == "begun" or (entry.state == "over" and not same))
                if not again and not (entry.state == "allowed" and same):
                    return entry
            db.execute(
                "INSERT INTO calls (turn_id, round, place, state, name, arguments, began)"
                " VALUES (?, ?, ?, 'begun', ?, ?, ?) ON CONFLICT (turn_id, round, place)"
                " DO UPDATE SET state = 'begun', name = excluded.name, arguments = excluded.arguments,"
                " began = excluded.began, step = NULL",
                (*_key(key), name, _dump(arguments), time.time()),
            )
        return None

    def end_call(self, key: CallKey, step: ToolStep) -> None:
        """Write down how a call ended."""
        with self._writing_for(key.turn_id) as db:
            db.execute(
                "UPDATE calls SET state = 'over', step = ?, ended = ? WHERE turn_id = ? AND round = ? AND place = ?",
                (_dump(to_json(step)), time.time(), *_key(key)),
            )

    def calls(self, turn_id: str) -> list[LedgerEntry]:
        """The ledger of a turn, in order."""
        return [
            _entry(row) for row in self._rows("SELECT * FROM calls WHERE turn_id = ? ORDER BY round, place", (turn_id,))
        ]

    def recent_calls(self, limit: int = 50, *, skip: int = 0) -> list[PastCall]:
        """The calls of all turns, the last one first.

        Args:
            limit: how many at most.
            skip: leave out so many of the latest.
        """
        rows = self._rows(
            "SELECT calls.*, turns.thread,"
            " coalesce(calls.ended, calls.began, calls.decided, calls.asked, turns.created) AS at"
            " FROM calls JOIN turns USING (turn_id) ORDER BY calls.rowid DESC LIMIT ? OFFSET ?",
            (limit, skip),
        )
        return [PastCall(_entry(row), row["thread"], row["at"]) for row in rows]

    def count_calls(self) -> int:
        """How many calls the ledger holds."""
        return int(self._rows("SELECT count(*) AS n FROM calls")[0]["n"])

    # -- tools that need not ask again ---------------------------------------------------------------------------------

    def allow_tool(self, name: str, fingerprint: str) -> None:
        """Never ask again for this tool as it is now; once its words, schema or effects change, it asks again."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO allowances VALUES (?, ?, ?)", (name, fingerprint, time.time()))

    def is_allowed(self, name: str, fingerprint: str) -> bool:
        """Whether a person has said so."""
        return bool(self._rows("SELECT 1 FROM allowances WHERE tool = ? AND fingerprint = ?", (name, fingerprint)))

    def allowed_tools(self) -> list[str]:
        """Names of the tools that need not ask."""
        return [row["tool"] for row in self._rows("SELECT tool FROM allowances ORDER BY tool")]

    def allowances(self) -> list[Allowance]:
        """The tools that need not ask, with the time they were allowed, by name."""
        return [Allowance(*row) for row in self._rows("SELECT tool, fingerprint, given FROM allowances ORDER BY tool")]

    def forget_allowance(self, name: str) -> None:
        """Have a tool ask again.

        Raises:
            UnknownName: if it does not go without asking.
        """
        with self._writing() as db:
            gone = db.execute("DELETE FROM allowances WHERE tool = ?", (name,)).rowcount
        if not gone:
            raise UnknownName(f"The tool {name!r} was never allowed for good.", fix="List tools: tierwise tools list")


def steps_of(entries: Sequence[LedgerEntry]) -> tuple[ToolStep, ...]:
    """What a turn's tools did as far as it is known: steps that are over, and those that nobody knows the end of."""
    steps = []
    for entry in entries:
        if entry.step is not None:
            steps.append(entry.step)
        elif entry.state == "begun":
            steps.append(
                ToolStep(
                    attempt=0,
                    index=entry.key.place,
                    name=entry.name,
                    arguments=entry.arguments,
                    ok=False,
                    result="(it was begun, and it is not known whether it was done)",
                    ms=0.0,
                    round=entry.key.round,
                    outcome="unfinished",
                )
            )
    return tuple(steps)


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        CallKey(row["turn_id"], row["round"], row["place"]),
        row["state"],
        row["name"],
        json.loads(row["arguments"]),
        bool(row["edited"]),
        row["reason"],
        row["asked"] is not None,
        from_json(ToolStep, json.loads(row["step"])) if row["step"] else None,
    )


def _key(key: CallKey) -> tuple[str, int, int]:
    return key.turn_id, key.round, key.place


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
