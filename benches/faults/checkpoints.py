"""What checkpoints and records take on disk: of one long turn, and of many turns.

    python -m benches.faults.checkpoints [--turns 1000] [--steps 100]

Bars: what is kept of a turn that waits is at most twice its state, however many steps it took; ``threads.sqlite`` does
not grow with the number of turns; the write-ahead logs stay within 8 MiB.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tierwise import AsyncCopilot, Tier, tool
from tierwise.graph import Node
from tierwise.models.base import ChatRequest
from tierwise.storage import LONGEST_LOG
from tierwise.testing import ScriptedModel, Step
from tierwise.types import ToolCall


class Nothing:
    """No documents."""

    def search(self, query: str, *, k: int = 5, collection: Any = None, vector: Any = None) -> list[Any]:
        return []


@dataclass
class Sizes:
    """Bytes on disk.

    Attributes:
        steps: steps of the turn that waits.
        state: its last checkpoint with its pending writes.
        kept: all checkpoints and writes there are of it.
        after: by the number of turns, ``record.sqlite`` and ``threads.sqlite``.
        logs: the largest write-ahead log that was seen between turns.
    """

    steps: int = 0
    state: int = 0
    kept: int = 0
    after: dict[int, tuple[int, int]] | None = None
    logs: int = 0

    @property
    def missed(self) -> bool:
        """Whether a bar was missed."""
        threads = [size for _, size in (self.after or {}).values()]
        return self.kept > 2 * self.state or threads[-1] > threads[0] or self.logs > 2 * LONGEST_LOG


@tool(effects="write")
def send(text: str) -> str:
    """Send.

    Args:
        text: what.
    """
    return "sent"


def _answer(request: ChatRequest) -> Step:
    if request.messages[-1].content == "Send it.":
        return Step("", calls=(ToolCall("1", "send", {"text": "all of it"}),))
    return Step("Hello, and a few words more, as an answer has them.")


async def _step(state: Any, runtime: Any) -> dict[str, Any]:
    """A node of one's own that leaves a notice."""
    return {"notices": [{"code": "step", "text": "A step was taken."}]} if state["thread"] == "long" else {}


async def measure(home: Path, turns: int, steps: int) -> Sizes:
    """Let a turn take so many steps and wait, then run so many turns beside it."""
    found = Sizes(after={})
    tier, nodes = (
        Tier("quick", ScriptedModel([_answer], repeat=True)),
        [Node(f"n{n}", "retrieve", _step) for n in range(steps)],
    )
    async with AsyncCopilot([tier], home=home, retriever=Nothing(), tools=[send], nodes=nodes) as copilot:
        waits = await copilot.ask("Send it.", thread="long")
        assert waits.status == "needs_approval", waits
        with closing(sqlite3.connect(home / "threads.sqlite")) as db:
            found.steps = max(
                row[0] for row in db.execute("SELECT json_extract(CAST(metadata AS TEXT), '$.step') FROM checkpoints")
            )
            each = dict(db.execute("SELECT checkpoint_id, length(checkpoint) + length(metadata) FROM checkpoints"))
            writes = dict(db.execute("SELECT checkpoint_id, sum(length(value)) FROM writes GROUP BY 1"))
            found.kept = sum(each.values()) + sum(writes.values())
            last = max(each)
            found.state = each[last] + writes.get(last, 0)
    async with AsyncCopilot([tier], home=home, retriever=Nothing(), tools=[send]) as copilot:
        for n in range(1, turns + 1):
            await copilot.ask("Say hello.", thread="many")
            logs = [home / f"{name}.sqlite-wal" for name in ("record", "threads")]
            found.logs = max(found.logs, *(log.stat().st_size for log in logs))
            if n in (turns // 10, turns // 2, turns):
                found.after[n] = (_size(home / "record.sqlite"), _size(home / "threads.sqlite"))  # type: ignore[index]
    return found


def _size(path: Path) -> int:
    """Bytes of a store without its log: of the pages it has."""
    with closing(sqlite3.connect(path)) as db:
        (pages,), (size,) = db.execute("PRAGMA page_count").fetchone(), db.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tierwise-sizes-") as folder:
        found = asyncio.run(measure(Path(folder), args.turns, args.steps))
    print(f"a turn that waits after step {found.steps}: state {found.state:,} B, kept {found.kept:,} B")
    before = 0, 0
    for n, (record, threads) in (found.after or {}).items():
        each = (record - before[1]) / (n - before[0])
        print(f"after {n:>5} turns: record.sqlite {record:,} B ({each:,.0f} B a turn), threads.sqlite {threads:,} B")
        before = n, record
    print(f"largest write-ahead log between turns: {found.logs:,} B")
    sys.exit(found.missed)


if __name__ == "__main__":
    main()
