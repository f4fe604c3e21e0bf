"""Several writers of one thread, and a writer that is paused while another takes its turn up.

    python -m benches.faults.two_writers [--turns 200] [--zombies 100]

Writers: 2, 4, 8 and 16 processes ask in one thread, each by several tasks. Each answer says which questions the model
had read. Bars: lost 0, interleaved 0 (two answers written at the same time, or a prompt that lacks an answer), out of
order 0 (a turn that was acknowledged before another was sent is answered before it).

Zombies: a process is paused (SIGSTOP) in a turn, in the text or in a tool that writes; its lease runs out; another
process takes the turn up, or asks anew; the first one wakes up (SIGCONT). Bars: rows that change after that 0, tool
effects done twice 0, and the first one says that it was taken over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benches.faults.forked import run_forked
from tierwise import AsyncCopilot, Copilot, Settings, Tier, ToolContext, tool
from tierwise.models.base import ChatRequest
from tierwise.record import leases
from tierwise.testing import ScriptedModel, Step, make_copilot
from tierwise.tool_settings import ToolSettings
from tierwise.types import ToolCall

_WRITERS = ((2, 8), (4, 4), (8, 2), (16, 1))  # processes, and tasks in each
_SEEN = 20  # questions before one's own that an answer tells of
_TRIALS = (("tool", "park"), ("text", "go_on"), ("tool", "ask"), ("text", "ask"), ("tool", "go_on"))
_LEASE, _RENEW = 0.4, 0.1  # seconds, in place of 10 and 3


class Nothing:
    """No documents, no vectors."""

    dimension = 1

    def search(self, query: str, *, k: int = 5, collection: Any = None, vector: Any = None) -> list[Any]:
        return []


# -- writers ---------------------------------------------------------------------------------------


@dataclass
class Writers:
    """What came of turns that were asked for by several processes at once."""

    turns: int = 0
    lost: list[str] = field(default_factory=list)
    interleaved: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def missed(self) -> bool:
        """Whether a bar was missed."""
        return bool(self.lost or self.interleaved or self.disordered)


def _writer(home: Path, name: int, tasks: int, each: int) -> None:
    """One process: its tasks ask one question after the other, and note when."""

    def model(request: ChatRequest) -> Step:
        asked = [m.content for m in request.messages if m.role == "user"]
        _note(home / "spans", [time.monotonic(), asked[-1]])
        return Step(" ".join(asked[-_SEEN:]), delay=0.001)

    async def task(copilot: AsyncCopilot, number: int) -> None:
        for k in range(each):
            asked, at = f"{name}.{number}.{k}", {"sent": time.monotonic()}
            async for event in copilot.stream(asked, thread="t"):
                if event.type == "turn.started":
                    at["stored"] = time.monotonic()
            _note(home / "told", [asked, at["sent"], at["stored"]])

    async def all_tasks() -> None:
        tier = Tier("quick", ScriptedModel([model], repeat=True))
        async with AsyncCopilot([tier], home=home, retriever=Nothing()) as copilot:
            await asyncio.gather(*(task(copilot, number) for number in range(tasks)))

    asyncio.run(all_tasks())


def write(processes: int, tasks: int, turns: int) -> Writers:
    """Ask ``turns`` questions (about) in one thread by ``processes`` times ``tasks``."""
    each = max(1, turns // (processes * tasks))
    found, started = Writers(turns=processes * tasks * each), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tierwise-writers-") as folder:
        home = Path(folder)
        children = [_fork(partial(_writer, home, n, tasks, each)) for n in range(processes)]
        for child in children:
            os.waitpid(child, 0)
        found.seconds = time.monotonic() - started
        with closing(sqlite3.connect(home / "record.sqlite")) as db:
            rows = db.execute("SELECT asked, status, text FROM turns ORDER BY n").fetchall()
        _judge(found, rows, _notes(home / "told"), {asked: at for at, asked in _notes(home / "spans")})
    return found


def _judge(found: Writers, rows: list[Any], told: list[Any], began: dict[str, float]) -> None:
    order = [asked for asked, _, _ in rows]
    stored = {asked: (status, text) for asked, status, text in rows}
    for asked, *_ in told:
        if stored.get(asked, ("", ""))[0] != "done":
            found.lost.append(f"{asked}: {stored.get(asked)}")
    if len(told) != found.turns or len(rows) != found.turns:
        found.lost.append(f"{found.turns} turns were asked for, {len(told)} ended, {len(rows)} are stored")
    for n, (asked, _, text) in enumerate(rows):
        before = order[max(0, n + 1 - _SEEN) : n + 1]
        if text.split() != before:
            found.interleaved.append(f"{asked} had read {text!r}, not {before}")
        if n and asked in began and began[asked] < began.get(order[n - 1], 0.0):
            found.interleaved.append(f"{asked} was begun before {order[n - 1]}")
    place = {asked: n for n, asked in enumerate(order)}
    for one, _, acknowledged in told:
        late = [asked for asked, sent, _ in told if sent > acknowledged and place[asked] < place[one]]
        found.disordered += [f"{asked} came before {one}" for asked in late]


# -- zombies ---------------------------------------------------------------------------------------


@dataclass
class Zombies:
    """What came of processes that were paused for longer than their lease."""

    trials: int = 0
    stale: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    asked_about: int = 0

    @property
    def missed(self) -> bool:
        """Whether a bar was missed."""
        return bool(self.stale or self.doubled or self.silent or self.lost)


def _copilot(home: Path, say: Callable[[str], None], *, waits: bool = False) -> Copilot:
    """A copilot whose leases are short, with a tool that writes.

    Args:
        home: folder of the stores.
        say: takes a line.
        waits: it is paused: however late that is, its tool is not known to be done, nor its text at its end.
    """
    leases.LEASE, leases.RENEW_EVERY = _LEASE, _RENEW

    @tool(name="note", effects="write")
    def note(context: ToolContext, text: str) -> str:
        """Write a line.

        Args:
            text: the line.
        """
        _note(home / "effects", text)
        say("effect")
        while waits and not (home / "taken").exists():
            time.sleep(0.01)  # done, and not known to be done
        return "written"

    def model(request: ChatRequest) -> Step:
        asked = [m.content for m in request.messages if m.role == "user"][-1]
        results = sum(m.role == "tool" for m in request.messages)
        say("step")
        if asked.startswith("tool") and results < 2:
            return Step("On it.", calls=(ToolCall(f"c{results}", "note", {"text": f"line {results}"}),))
        words = (6000 if waits else 40) if asked.startswith("text") else 3
        return Step("word " * words + "end", delay=0.02)

    settings = Settings(home=home, tools=ToolSettings(approval={"note": "free"}))
    options: dict[str, Any] = {"settings": settings, "home": home, "retriever": Nothing()}
    return make_copilot([model], tools=[note], **options)


def _life(home: Path, kind: str, say: Callable[[str], None]) -> None:
    """The process that is paused."""
    with _copilot(home, say, waits=True) as copilot:
        for event in copilot.stream(f"{kind} please", thread="t"):
            code = f" {getattr(event, 'code', '')}" if event.type == "turn.failed" else ""
            say(f"{event.type}{code}")


def _take(home: Path, turn: str, how: str, say: Callable[[str], None]) -> None:
    """The process that takes the turn up, or asks anew.

    Args:
        home: folder of the stores.
        turn: the turn.
        how: ``ask`` anew, ``go_on`` with the turn to its end, ``park`` it where a person has to decide, or ``decide``.
        say: takes a line.
    """
    with _copilot(home, lambda line: None) as copilot:
        if how == "ask":
            say(f"over {copilot.ask('Anything else?', thread='t').status}")
            return
        status = "needs_approval" if how == "decide" else copilot.go_on(turn).status
        while status == "needs_approval" and how != "park":
            for call in copilot.record.waiting_calls(turn):
                done = call.arguments["text"] in _notes(home / "effects")
                copilot.record.decide(call, allow=not done, reason="it is there already")
                say(f"asked {call.name}")
            status = copilot.go_on(turn).status
        say(f"over {status}")


def haunt(home: Path, kind: str, how: str, rng: random.Random, found: Zombies) -> None:
    """One trial: pause, take over, wake up."""
    found.trials += 1
    reading, writing = os.pipe()
    child = _fork(lambda: _life(home, kind, lambda line: (os.write(writing, f"{line}\n".encode()), None)[1]))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        wanted = "effect" if kind == "tool" else "text.delta"
        told: list[str] = []
        while wanted not in told and (line := pipe.readline()):
            told.append(line.strip())
        time.sleep(rng.uniform(0.0, 0.25))
        _pause(home, child)
        turn = _only_turn(home)
        time.sleep(_LEASE + 0.05)
        ended = run_forked(lambda say: _take(home, turn, how, say))
        before = _everything(home)
        (home / "taken").touch()
        os.kill(child, signal.SIGCONT)
        told += pipe.read().splitlines()
        os.waitpid(child, 0)
    after = _everything(home)
    if how == "park":
        found.lost += [] if before["checkpoints"] else [f"{kind}/{how}: no checkpoints, {ended.lines}"]
        ended = run_forked(lambda say: _take(home, turn, "decide", say))
    found.asked_about += sum(line.startswith("asked") for line in ended.lines)
    found.lost += [] if "over done" in ended.lines else [f"{kind}/{how}: {ended.lines}"]
    found.stale += [f"{kind}/{how}: {name}" for name in before if before[name] != after[name]]
    effects = _notes(home / "effects")
    found.doubled += [f"{kind}/{how}: {text}" for text in set(effects) if effects.count(text) > 1]
    found.silent += [] if "turn.failed taken_over" in told else [f"{kind}/{how}: {told[-3:]}"]


def _pause(home: Path, child: int) -> None:
    """Stop a process, but not within a transaction: SQLite would let nobody else write."""
    while True:
        os.kill(child, signal.SIGSTOP)
        with closing(sqlite3.connect(home / "record.sqlite", timeout=0.1, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                db.execute("ROLLBACK")
                return
            except sqlite3.OperationalError:
                os.kill(child, signal.SIGCONT)
                time.sleep(0.01)


def _only_turn(home: Path) -> str:
    with closing(sqlite3.connect(home / "record.sqlite")) as db:
        return str(db.execute("SELECT turn_id FROM turns").fetchone()[0])


def _everything(home: Path) -> dict[str, list[Any]]:
    """Whatever a stale writer could have changed: all rows, and the checkpoints that are read."""
    found: dict[str, list[Any]] = {}
    with closing(sqlite3.connect(home / "record.sqlite")) as db:
        for table in ("turns", "partials", "calls", "sendings", "repeats", "threads", "payments"):
            found[table] = db.execute(f"SELECT * FROM {table}").fetchall()
    with closing(sqlite3.connect(home / "threads.sqlite")) as db:
        for table in ("checkpoints", "writes"):
            found[table] = db.execute(f"SELECT * FROM {table} WHERE thread_id LIKE '%@%'").fetchall()
    return found


# -- both ------------------------------------------------------------------------------------------


def haunt_often(count: int, seed: int) -> Zombies:
    """Trials in turns: in the text and in a tool, taken up and asked anew."""
    rng, found = random.Random(seed), Zombies()
    for n in range(count):
        kind, how = _TRIALS[n % len(_TRIALS)]
        with tempfile.TemporaryDirectory(prefix="tierwise-zombie-") as folder:
            haunt(Path(folder), kind, how, rng, found)
    return found


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _note(path: Path, value: Any) -> None:
    with path.open("a") as file:
        file.write(json.dumps(value) + "\n")


def _notes(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--zombies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="only 3 processes of 2 tasks")
    args = parser.parse_args()
    bad = False
    for processes, tasks in ((3, 2),) if args.small else _WRITERS:
        found = write(processes, tasks, args.turns)
        bad |= found.missed
        print(
            f"{processes:>2} processes, {tasks} tasks each, {found.turns} turns in one thread: lost {len(found.lost)},"
            f" interleaved {len(found.interleaved)}, out of order {len(found.disordered)}; {found.seconds:.1f} s"
        )
        print(*(found.lost + found.interleaved + found.disordered)[:5], sep="\n", file=sys.stderr)
    zombies = haunt_often(args.zombies, args.seed)
    print(
        f"{zombies.trials} processes paused past their lease: stale writes {len(zombies.stale)},"
        f" effects done twice {len(zombies.doubled)}, not told of it {len(zombies.silent)}, lost {len(zombies.lost)};"
        f" calls with an unknown end, shown to the person: {zombies.asked_about}"
    )
    print(*(zombies.stale + zombies.doubled + zombies.silent + zombies.lost)[:5], sep="\n", file=sys.stderr)
    sys.exit(bad or zombies.missed)


if __name__ == "__main__":
    main()
