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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benches.faults.callers import BAR_MS, Caller, Left, Seen
from benches.faults.holdings import Holdings, held, settled
from benches.faults.hosted import Hosted, hosted
from tierwise import Copilot, Settings, Tier, ToolContext, tool
from tierwise.record import Record
from tierwise.testing import ScriptedModel, Step, make_copilot
from tierwise.types import ToolCall

AFTER = (0, 1, 2, 5, 10, 30)  # words that were seen
WORDS, DELAY = 2000, 0.005


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
            assert begun.wait(60), turn.error
            left.leave("tool at work", f"tool {left.times.total()}")
            turn.stop()
            assert turn.wait(60), "the turn did not end"
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
