"""A thread of a thousand turns: does our own time grow with it, and what does it weigh?

    python -m benches.faults.long_thread [--turns 1000] [--threads 100] [--each 50]

Our own time of a turn is all but the model's. Turns 10 to 59 of the thread take turns with its last fifty, so that both
sides meet the same machine: the early ones are those of a fresh thread of the same length each time. Bar: p95 of the
last turns <= 1.2 x that of the early ones.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benches.faults.soak import sizes
from tierwise import AsyncCopilot, Settings, Tier
from tierwise.testing import ScriptedModel

RATIO = 1.2
EARLY, COMPARED = 10, 50
ANSWER = "The kettle of this shelf holds two litres, and it is blue on one side. " * 3


@dataclass(frozen=True)
class Growth:
    """Milliseconds of our own in the early and in the late turns of a thread, and the bytes of the stores."""

    early: list[float]
    late: list[float]
    sizes: dict[str, int]
    turns: int

    @property
    def ratio(self) -> float:
        """Late over early, p95."""
        return p95(self.late) / p95(self.early)


def p95(values: list[float]) -> float:
    """The value that one in twenty passes."""
    return sorted(values)[int(0.95 * len(values))]


class Asked:
    """A copilot on an instant model that forgets what it was asked."""

    def __init__(self, home: Path) -> None:
        self.model = ScriptedModel([ANSWER], repeat=True)
        self.copilot = AsyncCopilot([Tier("quick", self.model)], settings=Settings(home=home), retriever=None)

    async def turn(self, thread: str, n: int) -> float:
        """Milliseconds of our own in one turn."""
        started = time.perf_counter()
        answer = await self.copilot.ask(f"What does kettle number {n} of the long shelf hold?", thread=thread)
        wall = (time.perf_counter() - started) * 1000
        assert answer.status == "done", answer.error
        self.model.requests.clear()
        return wall - self.copilot.record.get(answer.turn_id).ms["model"]


async def one_thread(home: Path, turns: int) -> Growth:
    """A thread of so many turns; beside its last fifty, fifty early ones of fresh threads."""
    asked = Asked(home)
    async with asked.copilot:
        for n in range(turns - COMPARED):
            await asked.turn("long", n)
        for n in range(EARLY):
            await asked.turn("short", n)
        early, late = [], []
        for n in range(COMPARED):
            early.append(await asked.turn("short", EARLY + n))
            late.append(await asked.turn("long", turns - COMPARED + n))
    return Growth(early, late, sizes(home), turns + EARLY + COMPARED)


async def many_threads(home: Path, threads: int, each: int) -> Growth:
    """So many threads side by side, a turn of each in turn; early and late are rounds of the whole."""
    asked = Asked(home)
    rounds = []
    async with asked.copilot:
        for n in range(each):
            rounds.append([await asked.turn(f"thread-{thread}", n) for thread in range(threads)])
    part = max(1, each // 5)
    early, late = rounds[part : 2 * part], rounds[-part:]
    flat = [value for row in early for value in row], [value for row in late for value in row]
    return Growth(*flat, sizes(home), threads * each)


def report(name: str, found: Growth) -> None:
    """Print the figures."""
    early, late = statistics.median(found.early), statistics.median(found.late)
    print(
        f"{name}: our own time early {early:.1f} ms, p95 {p95(found.early):.1f}; late {late:.1f} ms,"
        f" p95 {p95(found.late):.1f}; ratio of p95 {found.ratio:.2f}, of medians {late / early:.2f}"
    )
    weights = ", ".join(f"{file} {size} ({size / found.turns:.0f} a turn)" for file, size in found.sizes.items())
    print(f"  bytes after closing: {weights}")


def main() -> int:
    """Print the figures; 1 if the bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--each", type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tierwise-long-") as folder:
        long = asyncio.run(one_thread(Path(folder) / "one", args.turns))
        report(f"one thread of {args.turns} turns (bar: ratio of p95 {RATIO})", long)
        if args.threads:
            report(
                f"{args.threads} threads of {args.each} turns",
                asyncio.run(many_threads(Path(folder) / "many", args.threads, args.each)),
            )
    return int(long.ratio > RATIO)


if __name__ == "__main__":
    sys.exit(main())
