"""Counts what a killed program lost, did twice or left behind; see :mod:`benches.faults.turn_trials`."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benches.faults import turn_program
from benches.faults.crash_wraps import Crash

Durability = Literal["ours", "sync", "async", "exit"]
STORES = ("record.sqlite", "threads.sqlite")
OLD_VERSIONS = ("v1", "v3", "v4", "v5", "v6")
"""Earlier versions whose stores a home may hold at first."""


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        name: of the trial; no two have the same.
        kills: one a start, from the first: seconds after it, or a place in the program.
        start: what the home holds at first: ``fresh`` is without a record, else the stores of that version.
        durability: when the graph stores its steps.
    """

    name: str
    kills: tuple[float | Crash, ...]
    start: str = "fresh"
    durability: Durability = "ours"


@dataclass
class Outcome:
    """What came of a trial; a list names each thing that is wrong.

    Attributes:
        trial: the trial.
        kills: how many starts were killed.
        starts: how many there were.
        at: the last fact before each kill.
        seconds: how long all starts took.
        requests: how often the local model was asked.
        unknown: calls of which nobody knew whether they were done.
        resumes: ``(since the start, since going on)`` to the first new event; seconds.
        wrong: by what is wrong.
    """

    trial: Trial
    kills: int = 0
    starts: int = 0
    at: list[str] = field(default_factory=list)
    seconds: float = 0.0
    requests: int = 0
    unknown: int = 0
    resumes: list[tuple[float, float]] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, detail: str) -> None:
        """Add something that is wrong."""
        self.wrong.setdefault(what, []).append(f"{self.trial.name}: {detail}")


def check_files(home: Path, outcome: Outcome) -> None:
    """See that the stores are whole right after a kill, on copies: looking at a store mends it."""
    with tempfile.TemporaryDirectory() as name:
        for store_name in STORES:
            for file in home.glob(f"{store_name}*"):
                if not file.name.endswith("-shm"):  # made anew from the log
                    shutil.copy(file, name)
            if (path := Path(name) / store_name).exists():
                with closing(sqlite3.connect(path)) as db:
                    found = db.execute("PRAGMA integrity_check").fetchone()[0]
                if found != "ok":
                    outcome.note("damaged stores", f"{store_name}: {found}")


def turns_in(home: Path) -> list[tuple[str, str, str, str]]:
    """Id, status, question and answer of all turns that a home holds, in order."""
    if not (path := home / STORES[0]).exists():
        return []
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT turn_id, status, asked, text FROM turns ORDER BY n").fetchall()


def judge(home: Path, facts: list[dict[str, Any]], before: Sequence[Sequence[str]], outcome: Outcome) -> None:
    """Compare what the home holds in the end with what was told.

    Args:
        home: folder of the stores; nobody uses it any more.
        facts: all that the program said, see :mod:`benches.faults.turn_program`.
        before: the turns that it held at first.
        outcome: gets what is wrong.
    """
    try:
        with closing(sqlite3.connect(home / "record.sqlite")) as db:
            db.row_factory = sqlite3.Row
            turns = {row["turn_id"]: row for row in db.execute("SELECT * FROM turns ORDER BY n")}
            calls = db.execute("SELECT * FROM calls").fetchall()
    except sqlite3.Error as error:
        outcome.note("damaged stores", str(error))
        return
    for turn_id, status, asked, text in before:
        row = turns.get(turn_id)
        if row is None or row["asked"] != asked:
            outcome.note("messages lost", f"{turn_id} of an earlier version")
        elif status == "done" and (row["status"], row["text"]) != (status, text):
            outcome.note("answers lost or changed", f"{turn_id} of an earlier version")
    _judge_words(turns, facts, outcome)
    _judge_effects(home, turns, calls, facts, outcome)
    outcome.requests = 0
    path = home / "requests"
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            messages = json.loads(line)
        except ValueError:  # it was killed while it wrote this down
            continue
        outcome.requests += 1
        for problem in malformed(messages):
            outcome.note("malformed requests", f"local: {problem}")
    waiting = {turn for turn, row in turns.items() if row["parked"]}
    with closing(sqlite3.connect(home / STORES[1])) as db:
        for table in ("checkpoints", "writes"):
            kept = db.execute(f"SELECT thread_id FROM {table}").fetchall()
            if left := [name for (name,) in kept if name.partition("@")[0] not in waiting]:
                outcome.note("checkpoints left behind", f"{len(left)} {table}: {left[0]}")
    check_files(home, outcome)


def _judge_words(turns: dict[str, Any], facts: list[dict[str, Any]], outcome: Outcome) -> None:
    stored = list(dict.fromkeys(fact["turn"] for fact in facts if fact["fact"] == "stored"))
    for turn in stored:
        if turn not in turns:
            outcome.note("messages lost", turn)
    there = [turn for turn in turns if turn in stored]
    if there != [turn for turn in stored if turn in turns]:
        outcome.note("messages out of order", " ".join(there))
    for fact in facts:
        if fact["fact"] == "answer" and fact["status"] == "done":
            row = turns.get(fact["turn"])
            if row is None or row["status"] != "done" or row["text"] != fact["text"]:
                outcome.note("answers lost or changed", fact["turn"])
    own = [row for row in turns.values() if row["thread"] == turn_program.THREAD]
    asked = Counter(row["asked"] for row in own)
    wanted = Counter([*turn_program.MESSAGES, turn_program.MESSAGES[turn_program.AGAIN], turn_program.FOLLOW_UP])
    if asked != wanted:
        outcome.note("messages twice or missing", str(asked - wanted or wanted - asked))
    for row in own:
        if row["status"] == "running":
            outcome.note("turns that run for ever", row["turn_id"])
        elif row["status"] != "done":
            outcome.note("threads that cannot go on", f"{row['asked']!r} is {row['status']}")


def _judge_effects(
    home: Path, turns: dict[str, Any], calls: Iterable[Any], facts: list[dict[str, Any]], outcome: Outcome
) -> None:
    done = Counter(turn_program.effects(home))
    unknown = {(fact["turn"], fact["tool"]) for fact in facts if fact["fact"] == "unknown"}
    outcome.unknown = len(unknown)
    for (turn, tool), times in done.items():
        if times > 1:
            outcome.note("effects twice", f"{tool} of {turn}")
    for fact in facts:
        if fact["fact"] == "effect" and not done[fact["turn"], fact["tool"]]:
            outcome.note("effects lost", f"{fact['tool']} of {fact['turn']}")
    for call in calls:
        if call["name"] == "look" or call["state"] != "over" or not json.loads(call["step"])["ok"]:
            continue
        if not done[call["turn_id"], call["name"]]:
            outcome.note("effects lost", f"the ledger tells of {call['name']} of {call['turn_id']}")
    for row in turns.values():
        owed = turn_program.OWED.get(row["asked"])
        if owed is None or row["status"] != "done":
            continue
        if not done[row["turn_id"], owed] and (row["turn_id"], owed) not in unknown:
            outcome.note("effects lost", f"{owed} of {row['turn_id']} was never done")


def malformed(messages: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong with the messages of a request: roles that do not take turns, tool calls without their results."""
    found, open_calls, last = [], list[str](), ""
    for message in messages:
        role = {"developer": "system"}.get(message["role"], message["role"])
        calls = [call["id"] for call in message.get("tool_calls") or message.get("calls") or ()]
        if role == "tool":
            answers = message.get("tool_call_id") or message.get("call_id")
            if answers not in open_calls:
                found.append(f"a result without a call ({answers})")
            else:
                open_calls.remove(answers)
        else:
            if open_calls:
                found.append(f"calls without results: {', '.join(open_calls)}")
            if role == last and role in ("user", "assistant"):
                found.append(f"two messages of the {role} in a row")
            open_calls = calls
        last = role
    if open_calls:
        found.append(f"calls without results at the end: {', '.join(open_calls)}")
    return found


BARS = (
    "messages lost",
    "messages out of order",
    "messages twice or missing",
    "answers lost or changed",
    "effects twice",
    "effects lost",
    "malformed requests",
    "threads that cannot go on",
    "turns that run for ever",
    "checkpoints left behind",
    "damaged stores",
)
"""All that must be 0."""


def print_wrong(outcomes: Iterable[Outcome]) -> int:
    """Print how often each thing went wrong, and what it was; returns how often in all."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        for what, details in outcome.wrong.items():
            counts[what] += len(details)
            for detail in details:
                print(f"  {what}: {detail}", file=sys.stderr)
    print(", ".join(f"{what} {counts[what]}" for what in BARS))
    return counts.total()
