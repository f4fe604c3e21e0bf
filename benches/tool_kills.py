"""Turns with writing tools whose program is killed (SIGKILL) at random: what was done twice, and what was lost.

    python -m benches.tool_kills [--kills 100] [--seed 1]

Each trial asks a question that needs three tools: one that reads, one that writes without asking, one that writes after
a person's yes. The program is killed somewhere, started again, killed again, until the turn is over. In between a
person decides on what waits, and looks first where it is not known whether a call was done.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benches.faults.forked import run_forked
from tierwise import Copilot, Settings, ToolContext, tool
from tierwise.models.base import ChatRequest
from tierwise.testing import Step, make_copilot
from tierwise.tool_settings import ToolSettings
from tierwise.types import ToolCall
from tierwise_tools import Tool

_MOST_KILLS, _MOST_STARTS = 8, 12  # of one trial


@dataclass
class Tally:
    """What came of the trials."""

    trials: int = 0
    kills: int = 0
    starts: int = 0
    unknown: int = 0
    doubled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    approvals_lost: int = 0
    turns_lost: int = 0
    unfinished: int = 0


class Nothing:
    """No documents."""

    def search(self, query: str, *, k: int = 5, collection: Any = None, vector: Any = None) -> list[Any]:
        return []


def copilot_at(home: Path) -> Copilot:
    """The program that gets killed: a model with a fixed script, and tools whose effects are lines of a file."""

    def writer(name: str) -> Tool[..., Any]:
        @tool(name=name, effects="write")
        def write(context: ToolContext, text: str) -> str:
            """Write a line.

            Args:
                text: the line.
            """
            with (home / "effects").open("a") as file:
                file.write(f"{context.turn_id} {name} {text}\n")
                file.flush()
                os.fsync(file.fileno())
            time.sleep(0.02)  # done, and not yet known to be done: the moment that matters
            return "written"

        return write

    @tool(effects="read")
    def look(at: str) -> str:
        """Look.

        Args:
            at: at what.
        """
        return f"saw {at}"

    def model(request: ChatRequest) -> Step:
        results = [m.content for m in request.messages if m.role == "tool"]
        calls = (("look", {"at": "x"}), ("note", {"text": "n"}), ("send", {"text": "s"}))
        if not results:
            return Step("On it.", calls=tuple(ToolCall(f"c{i}", *call) for i, call in enumerate(calls)), delay=0.005)
        return Step(" / ".join(results), delay=0.005)

    settings = Settings(home=home, tools=ToolSettings(approval={"note": "free"}))
    options: dict[str, Any] = {"settings": settings, "home": home, "retriever": Nothing()}
    return make_copilot([model], tools=[look, writer("note"), writer("send")], **options)


def effects(home: Path, turn: str) -> Counter[str]:
    """How often each tool really wrote in a turn."""
    path = home / "effects"
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(line.split()[1] for line in lines if line.split()[0] == turn)


def life(home: Path, say: Callable[[str], None]) -> None:
    """One start of the program: ask if nothing was asked, decide on what waits, go on until the turn is over."""
    with copilot_at(home) as copilot:
        if copilot.record.parked_turn("t") is None and not copilot.record.records():
            for event in copilot.stream("Do it.", thread="t"):
                if event.type == "turn.started":
                    say(f"stored {event.turn_id}")
        while (turn := copilot.record.parked_turn("t")) is not None:
            for call in copilot.record.waiting_calls(turn):
                again = "nobody knows" in call.why
                done = effects(home, turn)[call.name] > 0
                copilot.record.decide(call, allow=not (again and done), reason="it is there already")
                say(f"{'unknown' if again else 'decided'} {call.name}")
            copilot.go_on(turn)
        record = copilot.record.get("last")
        say(f"over {record.turn_id} {record.status}")


def trial(home: Path, kill_after: Callable[[], float | None], tally: Tally) -> None:
    """Start the program again and again until its turn is over; kill it as often as ``kill_after`` says so."""
    tally.trials += 1
    told: list[str] = []
    for start in range(_MOST_STARTS):
        tally.starts += 1
        ended = run_forked(partial(life, home), kill_after=kill_after() if start < _MOST_KILLS else None)
        told += ended.lines
        tally.kills += ended.killed
        if any(line.startswith("over") for line in told):
            break
    _count(home, told, tally)


def _count(home: Path, told: list[str], tally: Tally) -> None:
    stored = [line.split()[1] for line in told if line.startswith("stored")]
    over = [line.split() for line in told if line.startswith("over")]
    tally.unknown += sum(line.startswith("unknown") for line in told)
    decided = Counter(line for line in told if line.startswith("decided"))
    tally.approvals_lost += sum(count - 1 for count in decided.values())
    if not over or (stored and over[-1][1] != stored[-1]):
        tally.turns_lost += 1
        print("lost:", *told, sep="\n  ", file=sys.stderr)
        return
    _, turn, status = over[-1]
    tally.unfinished += status != "done"
    if status != "done":
        print("not done:", *told, sep="\n  ", file=sys.stderr)
    done = effects(home, turn)
    for name in ("note", "send"):
        if done[name] > 1:
            tally.doubled.append(name)
        if done[name] < 1:
            tally.missing.append(name)


def run(kills: int, seed: int) -> Tally:
    """Trials until the program has been killed ``kills`` times."""
    rng, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory(prefix="tierwise-kills-") as folder:
        started = time.monotonic()
        whole = Tally()
        trial(Path(folder) / "whole", lambda: None, whole)
        span = time.monotonic() - started
        while tally.kills < kills:
            home = Path(folder) / f"trial-{tally.trials}"
            trial(home, lambda: rng.uniform(0.0, span * 1.1), tally)
    return tally


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    tally = run(arguments.kills, arguments.seed)
    print(f"{tally.kills} kills in {tally.trials} turns, {tally.starts} starts")
    print(f"effects done twice {len(tally.doubled)}, effects missing {len(tally.missing)}")
    print(
        f"approvals asked for again {tally.approvals_lost}, turns lost {tally.turns_lost}, not done {tally.unfinished}"
    )
    print(f"calls with an unknown end, shown to the person: {tally.unknown}")
    sys.exit(bool(tally.doubled or tally.missing or tally.approvals_lost or tally.turns_lost))


if __name__ == "__main__":
    main()
