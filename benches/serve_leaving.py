"""Clients of ``tierwise serve`` that hang up, hundreds of times: is the model freed, and what is left behind?

    python -m benches.serve_leaving [--times 500] [--line 100] [--local 30]

A client hangs up before its request is read, at once, before the first word, after one, in the middle, at the end, or
while it waits in the line; it asked by ``/v1/turns``, ``/v1/chat/completions`` or ``/v1/responses``, streamed or not.
The server is the real command in a process of its own. Its tier is a hosted one in another, which notes when its own
client is gone; then the process of the embedded model, whose time ends when it does not work any more.

Bars: the tier is freed within 1 s (p99); no turn runs on, no socket, file or process is left; the line is let go of.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benches.serving.asking import question_of
from benches.serving.client import answering, asking, sending
from benches.serving.leavers import BAR_MS, ROUTES, Left, leave_line, leave_many, percentile
from benches.serving.process import ServeProcess, Weight
from benches.serving.tier import SlowTier, slow_tier

FIRST, SECONDS, WORDS = 0.2, 10.0, 400
WORKING = 16
_GROWTH_MB = 40.0  # that 500 leavings may leave, of records, caches and the allocator's habits


async def still_running(port: int) -> int:
    """Turns that the server's record says are running."""
    async with asking(port, "GET", "/v1/turns?status=running") as reply:
        found = await reply.json()
    return len(found["turns"] if "turns" in found else found["data"])


async def settled(server: ServeProcess, before: Weight, seconds: float) -> tuple[Weight, dict[str, int]]:
    """What the server takes, and what there is more of than before, once nothing is, or after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        now = server.weight()
        running = await still_running(server.port)
        more = now.leaked(before) | ({"running turns": running} if running else {})
        if now.tiers > WORKING + 4:  # what is kept for the next request is bounded by how many there were at a time
            more["connections to the tier"] = now.tiers
        if not more or time.monotonic() > until:
            return now, more
        await asyncio.sleep(0.1)


async def leave_hosted(
    server: ServeProcess, tier: SlowTier, times: int, *, slack: float = 1.0
) -> tuple[Left, dict[str, int], float]:
    """Leave so many times: what came of it, what is left behind, and by how many MB the server has grown.

    Args:
        server: that is left.
        tier: behind it.
        times: how often.
        slack: seconds that the machine may stand still.
    """
    await leave_many(server, tier, len(ROUTES) * 6, name="w", slack=slack)  # whatever is loaded and opened once
    await asyncio.sleep(0.5)
    before = server.weight()
    left = await leave_many(server, tier, times, name="m", slack=slack)
    after, more = await settled(server, before, 5 * slack)
    return left, more, after.mb - before.mb


async def leave_waiting(
    server: ServeProcess, tier: SlowTier, times: int, *, slack: float = 1.0
) -> tuple[Left, dict[str, int]]:
    """Leave the line so many times; as :func:`leave_hosted`."""
    before = server.weight()
    left = await leave_line(server, tier, times, working=WORKING, name="l", slack=slack)
    return left, (await settled(server, before, 5 * slack))[1]


async def leave_local(server: ServeProcess, times: int) -> list[float]:
    """Leave the embedded model so many times: milliseconds until its process does not work any more."""
    found: list[float] = []
    whole = {"question": "Say hello.", "stream": False, "sampling": {"max_tokens": 8}}
    async with asking(server.port, "POST", "/v1/turns", whole) as reply:  # the model is loaded
        await reply.body()
    for n in range(times):
        route = ROUTES[n % len(ROUTES)]
        body = route.body(f"Write a long story about a lighthouse and the sea, number {n}.")
        async with sending(server.port, "POST", route.path, body) as reader:
            if route.streamed and n % 2:
                async for event in (await answering(reader)).events():
                    if event.name == "text.delta" or ("content" in event.data or "delta" in event.data):
                        break
            else:
                await asyncio.sleep(0.1 + 0.1 * (n % 8))
            gone = time.monotonic()
        (child,) = psutil.Process(server.pid).children()  # the model's process, the only one
        while await asyncio.to_thread(_busy, child) and time.monotonic() - gone < 10:
            pass
        found.append((time.monotonic() - gone) * 1000)
    return found


def _busy(process: Any) -> bool:
    """Whether a process works: it uses more than a third of one core for a moment."""
    before = sum(process.cpu_times()[:2])
    time.sleep(0.1)
    return bool(sum(process.cpu_times()[:2]) - before > 0.03)


def _report(name: str, left: Left, more: dict[str, int]) -> bool:
    ways = {route for route, _ in left.times}
    print(f"{name}: left {left.times.total()} times, by {len(ways)} routes")
    print(
        f"  the tier was asked {left.began} times, had ended {left.ended}, was freed {len(left.closed)}: p50"
        f" {percentile(left.closed, 0.5):.0f} ms, p99 {percentile(left.closed, 0.99):.0f},"
        f" most {max(left.closed, default=0.0):.0f} (bar p99 {BAR_MS:.0f})"
    )
    print(f"  asked late {len(left.late)}, answered for nobody {len(left.kept)}; left behind: {more or 'nothing'}")
    for line in [*left.odd, *left.kept, *left.late][:5]:
        print(f"    {line}")
    return left.good and not more


async def measure(server: ServeProcess, tier: SlowTier, times: int, line: int) -> bool:
    """Leave the hosted tier and the line; prints, and says whether all bars were kept."""
    left, more, growth = await leave_hosted(server, tier, times)
    good = _report("hosted tier", left, more)
    print(f"  memory {growth:+.1f} MB after {times} leavings")
    if line:
        good &= _report("in the line", *await leave_waiting(server, tier, line))
    async with asking(server.port, "POST", "/v1/turns", ROUTES[1].body(question_of("shortafter"))) as reply:
        answer = await reply.json()
    if answer["text"] != tier.answer("shortafter"):
        print(f"  the next answer is wrong: {answer}")
        return False
    return good and growth < _GROWTH_MB


def main(words: Sequence[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.serve_leaving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--times", type=int, default=500, help="leavings of the hosted tier")
    parser.add_argument("--line", type=int, default=100, help="leavings of the line")
    parser.add_argument("--local", type=int, default=30, help="leavings of the embedded model")
    args = parser.parse_args(words)
    good = True
    with tempfile.TemporaryDirectory(prefix="tierwise-left-") as name:
        folder = Path(name)
        with slow_tier(seconds=SECONDS, first=FIRST, words=WORDS) as tier:
            (folder / "hosted").mkdir()
            config = f"{tier.entry}\n[serve]\nworking = {WORKING}\n"
            with ServeProcess(folder / "hosted", config) as server:
                good &= asyncio.run(measure(server, tier, args.times, args.line))
                code = server.stop()
            if code:
                print(f"  the server ended with {code}")
                good = False
        if args.local:
            (folder / "local").mkdir()
            entry = '[[tiers]]\nname = "quick"\nmodel = "llama:smollm2-135m"\nmax_tokens = 800\n'
            with ServeProcess(folder / "local", entry) as server:
                ended = asyncio.run(leave_local(server, args.local))
            print(
                f"embedded model: left {len(ended)} times; idle after p50 {percentile(ended, 0.5):.0f} ms,"
                f" p99 {percentile(ended, 0.99):.0f}, most {max(ended):.0f}"
            )
            good &= percentile(ended, 0.99) <= BAR_MS
    return int(not good)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
