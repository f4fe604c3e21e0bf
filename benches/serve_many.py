"""Many turns at once through ``tierwise serve``: what is lost, and what the server itself takes.

    python -m benches.serve_many [--turns 1,10,50,200] [--seconds 2] [--working N] [--ways turns,chat] [--documents]

The server is the real command in a process of its own; its one tier is a hosted one in another, whose answer takes so
many seconds; the clients are this process. All turns of a row are asked at the same moment, each in a thread of its
own.

    lost     turns without the right answer: refused, cut, out of order, with words of another turn
    whole    from the question to the end of the answer, as the client sees it
    line     of it before the server began to work on it
    own      of it beside the line and the tier, by the tier's own clock; with it goes what it takes to read all the
             questions that come at the same moment, and the clients' own work on the same machine
    turn     of a turn beside the tier, from its beginning to its record, by the server's account: the bar is a 95th
             percentile of 150 ms for 200 at once
    memory   of the server with its children: before, at most, after
    CPU      of the server for each turn

Exit code 1 if anything is lost, or the bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.serving.asking import WAYS, Seen, wrong
from benches.serving.process import ServeProcess, Weight
from benches.serving.tier import SlowTier, slow_tier
from tierwise.serve_settings import ServeSettings

BAR_MS = 150.0
DOCUMENTS = {
    f"harbour-{n}.md": f"# Harbour {n}\n\nThe harbour of town {n} is {n + 3} m deep and has {n % 7} cranes.\n"
    for n in range(60)
}


@dataclass(frozen=True)
class Row:
    """What came of turns that were asked at once.

    Attributes:
        seen: by their clients.
        wrong: what is lost or wrong.
        own: milliseconds of the server's own, a turn each.
        turns: milliseconds of them from the beginning of a turn to its record.
        seconds: from the first question to the last answer.
        before, peak, after: what the server took.
    """

    seen: list[Seen]
    wrong: list[str]
    own: list[float]
    turns: list[float]
    seconds: float
    before: Weight
    peak: float
    after: Weight

    @property
    def cpu_ms(self) -> float:
        """Of the server, for one turn."""
        return (self.after.cpu - self.before.cpu) * 1000 / len(self.seen)


def part(values: Sequence[float], share: float) -> float:
    """The value below which so large a share lies; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@contextmanager
def _peak(server: ServeProcess) -> Iterator[list[float]]:
    found, over = [server.weight().mb], threading.Event()

    def look() -> None:
        while not over.wait(0.25):
            found.append(server.weight().mb)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()


async def ask_at_once(
    server: ServeProcess, tier: SlowTier, way: str, marks: Sequence[str], options: dict[str, Any], working: int
) -> Row:
    """Ask all of it at once of a server that works on so many at a time, and see what comes of it."""
    before = server.weight()
    with _peak(server) as memory:
        seen = await asyncio.gather(*(WAYS[way](server.port, mark, options) for mark in marks))
    after = server.weight()
    calls = {call.mark: call for call in tier.calls() if call.ended is not None}
    own = [
        (one.ended - one.began - (one.waited or 0.0) - calls[one.mark].seconds) * 1000
        for one in seen
        if one.mark in calls and (one.waited is not None or len(marks) <= working)
    ]
    turns = [(one.took - calls[one.mark].seconds) * 1000 for one in seen if one.mark in calls and one.took]
    seconds = max(one.ended for one in seen) - min(one.began for one in seen)
    return Row(seen, wrong(seen, tier.answer), own, turns, seconds, before, max(memory), after)


def config(tier: SlowTier, working: int | None) -> str:
    """The server's configuration."""
    return f"{tier.entry}\n[serve]\nport = 8411\n" + (f"working = {working}\n" if working else "")


def ingest(server: ServeProcess) -> None:
    """Give the server documents to look into, before it starts."""
    from tierwise.knowledge import Knowledge
    from tierwise.models.minilm import MiniLM

    folder = server.folder / "documents"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    knowledge = Knowledge(server.home, MiniLM())
    knowledge.ingest([folder])
    knowledge.close()


def measure(
    numbers: Sequence[int], *, seconds: float, ways: Sequence[str], working: int | None, documents: bool
) -> list[tuple[str, Row]]:
    """Rows for each way and number, on one server; prints each as it comes."""
    rows: list[tuple[str, Row]] = []
    with tempfile.TemporaryDirectory(prefix="tierwise-many-") as name, slow_tier(seconds=seconds) as tier:
        server = ServeProcess(Path(name), config(tier, working))
        if documents:
            ingest(server)
        options = {"documents": "auto" if documents else "off"}
        room = working or ServeSettings().working
        with server:
            for way in ways:  # what is loaded by the first turn is not measured
                asyncio.run(ask_at_once(server, tier, way, [f"w{ways.index(way)}"], options, room))
            for number in numbers:
                for way in ways:
                    marks = [f"n{number}w{ways.index(way)}t{n}" for n in range(number)]
                    row = asyncio.run(ask_at_once(server, tier, way, marks, options, room))
                    rows.append((way, row))
                    _print(way, row)
    return rows


def _print(way: str, row: Row) -> None:
    whole, line = [s.ended - s.began for s in row.seen], [s.waited for s in row.seen if s.waited is not None]
    told = f"{part(line, 0.5):5.2f} /{part(line, 0.95):6.2f}" if line else f"{'-':>13}"
    own = f"{part(row.own, 0.5):6.0f} /{part(row.own, 0.95):6.0f}" if row.own else f"{'-':>14}"
    print(
        f"{len(row.seen):>5} {way:<13} lost {len({w.split(':')[0] for w in row.wrong}):<3}"
        f" whole {part(whole, 0.5):6.2f} /{part(whole, 0.95):6.2f} s"
        f"  line {told} s  own {own} ms  turn {part(row.turns, 0.5):5.0f} /{part(row.turns, 0.95):5.0f} ms"
        f"  {len(row.seen) / row.seconds:5.1f} turns/s"
        f"  {row.before.mb:4.0f} {row.peak:4.0f} {row.after.mb:4.0f} MB  CPU {row.cpu_ms:5.1f} ms a turn",
        flush=True,
    )
    for problem in row.wrong[:5]:
        print(f"      {problem}")


def main(words: Sequence[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.serve_many", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", default="1,10,50,200", help="how many at once, a row each")
    parser.add_argument("--seconds", type=float, default=2.0, help="that the tier takes for an answer")
    parser.add_argument("--working", type=int, help="turns that the server works on at a time, by default its own")
    parser.add_argument("--ways", default=",".join(WAYS), help=", ".join(WAYS))
    parser.add_argument("--documents", action="store_true", help="look into documents for each question")
    args = parser.parse_args(words)
    print("turns way; whole, line, own and turn: median / 95th percentile; memory before, at most, after")
    rows = measure(
        [int(n) for n in args.turns.split(",")],
        seconds=args.seconds,
        ways=args.ways.split(","),
        working=args.working,
        documents=args.documents,
    )
    lost = [problem for _, row in rows for problem in row.wrong]
    slow = [way for way, row in rows if part(row.turns, 0.95) > BAR_MS]
    if slow:
        print(f"turns over {BAR_MS:.0f} ms: {', '.join(slow)}")
    return int(bool(lost) or bool(slow))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
