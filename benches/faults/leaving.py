"""Callers who leave in the middle, hundreds of times: does the work end, and what is left behind?

    python -m benches.faults.leaving [--times 500] [--local 6] [--terminal 6]

A caller leaves before the first word, after the first, or later: by closing the stream, cancelling the task, stopping
a running turn, closing the copilot, Ctrl-C in a terminal; while a hosted tier (a real HTTP server in a process of its
own, which notes when its client hangs up), a tool with a process of its own, or the process of a local model works.
Bars: the server's client is gone within 1 s (p99); tasks, threads, processes, sockets and files as before; the text
that was seen is in the record, each time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benches.faults.holdings import Holdings, held, settled
from benches.faults.hosted import Hosted, hosted
from tierwise import AsyncCopilot, Copilot, Settings, Tier, ToolContext, tool
from tierwise.record import Record
from tierwise.testing import ScriptedModel, Step, make_copilot
from tierwise.types import ToolCall

BAR_MS = 1000.0
AFTER = (0, 1, 2, 5, 10, 30)  # words that were seen
WORDS, DELAY = 2000, 0.005


@dataclass
class Left:
    """What came of the leavings.

    Attributes:
        times: how often somebody left, by the way of leaving.
        hung_up: milliseconds until the server noticed.
        began: requests that the server got; who leaves before the first word may be gone before there is one.
        lost: turns whose record does not have the text that was seen, or says that they were not stopped.
        leaked: what there is more of than before.
    """

    times: Counter[str] = field(default_factory=Counter)
    hung_up: list[float] = field(default_factory=list)
    began: int = 0
    lost: list[str] = field(default_factory=list)
    leaked: dict[str, int] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)  # by question: when its caller left

    @property
    def p99(self) -> float:
        """Of the milliseconds; 0 if nobody was asked."""
        return sorted(self.hung_up)[int(0.99 * len(self.hung_up))] if self.hung_up else 0.0

    @property
    def good(self) -> bool:
        """Whether every bar was kept."""
        return self.p99 <= BAR_MS and not self.lost and not self.leaked and len(self.hung_up) == self.began

    def leave(self, way: str, question: str) -> None:
        """Note that a caller leaves now."""
        self.times[way] += 1
        self.gone[question] = time.monotonic()

    def check(self, record: Record, turn_id: str, seen: str, way: str) -> None:
        """See that the record has what was seen of a turn."""
        found = record.get(turn_id)
        if found.status != "stopped" or not found.text.startswith(seen):
            self.lost.append(f"{way}: {found.status}, seen {len(seen)} characters, stored {len(found.text)}")

    def hear(self, server: Hosted, seconds: float = 5.0) -> None:
        """Ask the server when its clients hung up."""
        deadline = time.monotonic() + seconds
        while not all(call.over for call in server.calls()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for call in server.calls():
            if (gone := self.gone.get(call.asked)) is not None:
                self.began += 1
                if call.left is not None:
                    self.hung_up.append(max(0.0, call.left - gone) * 1000)


class Caller:
    """Copilots on the hosted tier, and the ways to leave them."""

    def __init__(self, home: Path, server: Hosted, left: Left) -> None:
        self._home, self._left = home, left
        self._tiers = [Tier("deep", "openai:m", base_url=server.url)]
        self._runner = asyncio.Runner()
        self._asked = 0
        self._async = self._runner.run(self._open())
        self._sync = self._copilot()
        self.ways: tuple[Callable[[int], None], ...] = (
            self.close_stream,
            self.cancel_task,
            self.close_iterator,
            self.stop_turn,
            self.close_copilot,
        )

    def held(self) -> Holdings:
        """What this process holds, tasks of both loops included."""
        return held([self._runner.get_loop(), self._sync._loop._loop])

    def close(self) -> None:
        """Close everything."""
        self._sync.close()
        self._runner.run(self._async.aclose())
        self._runner.close()

    def close_stream(self, words: int) -> None:
        """Close the asynchronous stream."""
        self._runner.run(self._close_stream(words))

    def cancel_task(self, words: int) -> None:
        """Cancel the task that reads it."""
        self._runner.run(self._cancel_task(words))

    def close_iterator(self, words: int) -> None:
        """Close the synchronous iterator."""
        question, seen = self._question(), Seen()
        events: Any = self._sync.stream(question, thread=f"{self._asked}")
        for event in events:
            if seen.enough(event, words):
                break
        self._left.leave("iterator closed", question)
        events.close()
        self._left.check(self._sync.record, seen.turn_id, seen.text, "iterator closed")

    def stop_turn(self, words: int) -> None:
        """Stop a turn in the background."""
        self._in_background(self._sync, words, "turn stopped", stop=True)

    def close_copilot(self, words: int) -> None:
        """Close the copilot under a turn in the background."""
        copilot = self._copilot()
        self._in_background(copilot, words, "copilot closed", stop=False)

    def _in_background(self, copilot: Copilot, words: int, way: str, *, stop: bool) -> None:
        question, seen = self._question(), Seen()
        turn, known = copilot.start(question, thread=f"{self._asked}"), 0
        while not seen.done:
            turn.wait(10, after=known)
            for event in turn.events(known):
                known += 1
                if seen.enough(event, words):
                    break
        self._left.leave(way, question)
        if stop:
            turn.stop()
        else:
            copilot.close()
        assert turn.wait(10), "the turn did not end"
        self._left.check(self._sync.record, seen.turn_id, seen.text, way)

    async def _open(self) -> AsyncCopilot:
        return AsyncCopilot(self._tiers, settings=Settings(home=self._home), retriever=None)

    def _copilot(self) -> Copilot:
        return Copilot(self._tiers, settings=Settings(home=self._home), retriever=None)

    def _question(self) -> str:
        self._asked += 1
        return f"Question {self._asked} of {id(self)}?"

    async def _close_stream(self, words: int) -> None:
        question, seen = self._question(), Seen()
        async with aclosing(self._async.stream(question, thread=f"{self._asked}")) as events:
            async for event in events:
                if seen.enough(event, words):
                    break
            self._left.leave("stream closed", question)
        self._left.check(self._async.record, seen.turn_id, seen.text, "stream closed")

    async def _cancel_task(self, words: int) -> None:
        question, seen, enough = self._question(), Seen(), asyncio.Event()

        async def read() -> None:
            async with aclosing(self._async.stream(question, thread=f"{self._asked}")) as events:
                async for event in events:
                    if seen.enough(event, words):
                        enough.set()

        task = asyncio.create_task(read())
        await enough.wait()
        self._left.leave("task cancelled", question)
        text = seen.text
        task.cancel()
        await asyncio.wait([task])
        self._left.check(self._async.record, seen.turn_id, text, "task cancelled")


class Seen:
    """What a caller has seen of a turn."""

    def __init__(self) -> None:
        self.turn_id, self.text, self.done, self._words = "", "", False, 0

    def enough(self, event: Any, words: int) -> bool:
        """Take an event in; true once so many words were seen (0: the attempt has begun)."""
        self.turn_id = event.turn_id
        if event.type == "text.delta":
            self.text += event.text
            self._words += 1
        self.done = self.done or (event.type in ("attempt.started", "text.delta") and self._words >= words)
        return self.done


def leave_hosted(home: Path, server: Hosted, times: int) -> Left:
    """Leave a hosted tier so many times, in every way and after every number of words in turn."""
    left = Left()
    caller = Caller(home, server, Left())
    for way in caller.ways:  # whatever is loaded and opened once
        way(5)
    caller._left = left
    before = caller.held()
    for n in range(times):
        caller.ways[n % len(caller.ways)](AFTER[n // len(caller.ways) % len(AFTER)])
    left.leaked = settled(caller.held, before).leaked(before)
    caller.close()
    left.hear(server)
    return left


def leave_tools(home: Path, times: int) -> Left:
    """Leave while a tool runs: an asynchronous one with a process of its own, and one in a thread."""
    left, begun = Left(), threading.Event()

    @tool(effects="read", seconds=60)
    async def outside() -> str:
        """Run a program."""
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
        begun.set()
        try:
            await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return "over"

    @tool(effects="read", seconds=60)
    def inside(context: ToolContext) -> str:
        """Work in a thread."""
        begun.set()
        while not context.cancelled():
            time.sleep(0.01)
        return "over"

    steps = [Step("One moment. ", calls=(ToolCall("c", name, {}),)) for name in ("outside", "inside")]
    model = ScriptedModel([lambda request: steps[len(model.requests) % 2]], repeat=True)
    with make_copilot(model, home=home, retriever=None, tools=[outside, inside]) as copilot:

        def once() -> None:
            begun.clear()
            turn = copilot.start("Go.")
            assert begun.wait(30), turn.error
            left.leave("tool at work", f"tool {left.times.total()}")
            turn.stop()
            assert turn.wait(10), "the turn did not end"
            assert turn.turn_id is not None
            left.check(copilot.record, turn.turn_id, "", "tool at work")

        def count() -> Holdings:
            return held([copilot._loop._loop])

        for _ in range(2):
            once()
        left.times.clear()
        time.sleep(0.2)  # threads of tools take a moment to end
        before = count()
        for _ in range(times):
            once()
        left.leaked = settled(count, before).leaked(before)
    return left


def leave_local(home: Path, times: int, model: str = "llama:smollm2-135m") -> Left:
    """Leave the process of a local model; it stays, and is idle. The time until it is counts as the server's."""
    import psutil

    left = Left()
    with Copilot([Tier("quick", model, max_tokens=400)], settings=Settings(home=home), retriever=None) as copilot:

        def once(words: int) -> None:
            seen = Seen()
            events: Any = copilot.stream("Write a long story about a lighthouse and the sea.")
            for event in events:
                if seen.enough(event, words):
                    break
            at = time.monotonic()
            left.leave("local model", f"local {at}")
            events.close()
            left.check(copilot.record, seen.turn_id, seen.text, "local model")
            (child,) = psutil.Process().children()
            while _busy(child):
                if time.monotonic() - at > 10:
                    break
            left.began += 1
            left.hung_up.append((time.monotonic() - at) * 1000)

        def count() -> Holdings:
            return held([copilot._loop._loop])

        once(1)
        left = Left()
        before = count()
        for n in range(times):
            once(AFTER[n % len(AFTER)])
        left.leaked = settled(count, before).leaked(before)
    return left


def _busy(process: Any) -> bool:
    """Whether a process works: it uses more than a third of one core for a moment."""
    before = sum(process.cpu_times()[:2])
    time.sleep(0.1)
    return sum(process.cpu_times()[:2]) - before > 0.03


def leave_terminal(home: Path, server: Hosted, times: int) -> Left:
    """Ctrl-C in a terminal, after the server has said something."""
    left = Left()
    home.mkdir(parents=True, exist_ok=True)
    config = home / "tierwise.toml"
    tier = {"name": "deep", "model": "openai:m", "base_url": server.url}
    config.write_text("[[tiers]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in tier.items()))
    environment = {**os.environ, "TIERWISE_HOME": str(home), "TIERWISE_CONFIG": str(config)}
    for n in range(times):
        question = f"Terminal question {n}?"
        with _program(["ask", question, "--thread", f"terminal-{n}"], environment) as process:
            while not any(call.asked == question and call.words > AFTER[n % len(AFTER)] for call in server.calls()):
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            left.leave("Ctrl-C", question)
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
        if code != 130:
            left.lost.append(f"Ctrl-C: exit code {code}")
        record = Record(home)
        (turn,) = record.turns(f"terminal-{n}")
        left.check(record, turn.turn_id, "", "Ctrl-C")
        record.close()
    left.hear(server)
    return left


@contextmanager
def _program(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from tierwise_app.cli import main; main()", *words]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def report(name: str, left: Left) -> None:
    """Print the figures."""
    ways = ", ".join(f"{way} {count}" for way, count in left.times.items())
    print(f"{name}: left {left.times.total()} times ({ways})")
    if left.began:
        median = sorted(left.hung_up)[len(left.hung_up) // 2] if left.hung_up else 0.0
        print(
            f"  work ended {len(left.hung_up)} of {left.began}: after {median:.0f} ms, p99 {left.p99:.0f},"
            f" most {max(left.hung_up, default=0.0):.0f} (bar p99 {BAR_MS:.0f})"
        )
    print(f"  left behind: {left.leaked or 'nothing'}; text lost {len(left.lost)}")
    for line in left.lost[:5]:
        print(f"    {line}")


def main() -> int:
    """Print the figures; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=500, help="leavings of the hosted tier; a tenth as many of tools")
    parser.add_argument("--local", type=int, default=6)
    parser.add_argument("--terminal", type=int, default=6)
    args = parser.parse_args()
    found: dict[str, Left] = {}
    with tempfile.TemporaryDirectory(prefix="tierwise-leaving-") as folder:
        home = Path(folder)
        with hosted(words=WORDS, delay=DELAY) as server:
            found["hosted tier"] = leave_hosted(home / "hosted", server, args.times)
            if args.terminal:
                found["terminal"] = leave_terminal(home / "terminal", server, args.terminal)
        found["tools"] = leave_tools(home / "tools", max(1, args.times // 10))
        if args.local:
            found["local model"] = leave_local(home / "local", args.local)
    for name, left in found.items():
        report(name, left)
    return int(not all(left.good for left in found.values()))


if __name__ == "__main__":
    sys.exit(main())
