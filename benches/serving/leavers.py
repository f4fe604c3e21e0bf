"""Clients of the server that hang up: the routes they use, when they go, and when the tier heard of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benches.serving.asking import question_of
from benches.serving.client import Reply, answering, sending
from benches.serving.process import ServeProcess
from benches.serving.tier import SlowTier

BAR_MS = 1000.0
MOMENTS = ("before it is read", "at once", "before the first word", "after a word", "in the middle", "at the end")


@dataclass(frozen=True)
class Route:
    """A way to ask: its path, and the body for a question."""

    name: str
    path: str
    body: Callable[[str], dict[str, Any]]

    @property
    def streamed(self) -> bool:
        """Whether its client sees words as they come."""
        return "live" in self.name or self.name == "turns"


def _chat(**more: Any) -> Callable[[str], dict[str, Any]]:
    return lambda question: {"model": "auto", "messages": [{"role": "user", "content": question}], **more}


def _responses(**more: Any) -> Callable[[str], dict[str, Any]]:
    return lambda question: {"model": "auto", "input": question, **more}


_LIVE = {"stream": True, "tierwise": {"hold": "live"}}
ROUTES = (
    Route("turns", "/v1/turns", lambda question: {"question": question, "stream": True}),
    Route("turns, whole", "/v1/turns", lambda question: {"question": question, "stream": False}),
    Route("chat", "/v1/chat/completions", _chat()),
    Route("chat, live", "/v1/chat/completions", _chat(**_LIVE)),
    Route("chat, verified", "/v1/chat/completions", _chat(stream=True)),
    Route("responses", "/v1/responses", _responses()),
    Route("responses, live", "/v1/responses", _responses(**_LIVE)),
)


@dataclass
class Left:
    """What came of the leavings.

    Attributes:
        times: how often somebody left, by route and moment.
        gone: when, by the mark of the question.
        closed: milliseconds until the tier had lost its connection.
        began: requests that the tier got.
        ended: those that it had answered to the end when their client left.
        late: those that it got more than ``slack`` after their client had left.
        kept: those that it answered to the end for nobody.
        odd: what else is not as it has to be.
        slack: seconds that the machine may stand still.
    """

    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    gone: dict[str, float] = field(default_factory=dict)
    closed: list[float] = field(default_factory=list)
    began: int = 0
    ended: int = 0
    late: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    slack: float = 1.0

    @property
    def good(self) -> bool:
        """Whether every bar was kept."""
        p99 = sorted(self.closed)[int(0.99 * len(self.closed))] if self.closed else 0.0
        return p99 <= BAR_MS and not (self.late or self.kept or self.odd)


async def leave(port: int, tier: SlowTier, route: Route, moment: str, mark: str, left: Left) -> None:
    """Ask, and hang up.

    Args:
        port: of the server.
        tier: behind it.
        route: how to ask.
        moment: when to go.
        mark: of the question.
        left: is told.
    """
    body = route.body(question_of(mark))
    async with sending(port, "POST", route.path, body) as reader:
        if moment == "at once":
            await asyncio.sleep(0.005)
        elif moment != "before it is read":
            await _until(reader, tier, route, moment, mark, left)
        left.gone[mark] = time.monotonic()
        left.times[route.name, moment] += 1


async def _until(
    reader: asyncio.StreamReader, tier: SlowTier, route: Route, moment: str, mark: str, left: Left
) -> None:
    words = {"before the first word": 0, "after a word": 1, "in the middle": 20, "at the end": 5}[moment]
    if words == 0 or (not route.streamed and moment != "at the end"):
        while True:  # the tier is another process: it can only be asked
            if any(call.words >= words for call in await asyncio.to_thread(tier.calls, mark)):
                return
            await asyncio.sleep(0.02)
    reply = await answering(reader)
    if reply.status != 200:
        left.odd.append(f"{route.name}, {moment}: status {reply.status}: {(await reply.body())[:200]!r}")
    elif route.streamed:
        await _read(reply, mark, words)


async def _read(reply: Reply, mark: str, words: int) -> None:
    """Read until so many words of the answer have come."""
    last = f"{mark}.{words - 1}"
    heard = ""
    async for event in reply.events():
        heard += event.data if event.name != ":" else ""
        if last in heard:
            return


async def hear(tier: SlowTier, left: Left) -> None:
    """Ask the tier when its clients hung up; what is still connected after five times the slack counts as kept."""
    until = time.monotonic() + 5 * left.slack
    while time.monotonic() < until:
        calls = [call for call in await asyncio.to_thread(tier.calls) if call.mark in left.gone]
        if all(call.left is not None or call.ended is not None for call in calls):
            break
        await asyncio.sleep(0.05)
    for call in calls:
        left.began += 1
        gone = left.gone[call.mark]
        if call.begun > gone + left.slack:
            left.late.append(call.mark)
        if call.left is not None:
            left.closed.append(max(0.0, call.left - gone) * 1000)
        elif call.ended is None or call.ended > gone + left.slack:
            left.kept.append(call.mark)
        else:
            left.ended += 1


def cases(times: int) -> list[tuple[Route, str]]:
    """So many routes and moments, every one as often as every other."""
    every = [(route, moment) for moment in MOMENTS for route in ROUTES]
    return [every[n % len(every)] for n in range(times)]


async def leave_many(
    server: ServeProcess, tier: SlowTier, times: int, *, name: str, at_once: int = 8, slack: float = 1.0
) -> Left:
    """Leave so many times, several at a time.

    Args:
        server: that is left.
        tier: behind it.
        times: how often.
        name: for the marks.
        at_once: how many clients.
        slack: seconds that the machine may stand still.
    """
    left, todo = Left(slack=slack), iter([*enumerate(cases(times))])

    async def client() -> None:
        for n, (route, moment) in todo:
            mark = f"{'short' if moment == 'at the end' else 'long'}{name}{n}"
            await leave(server.port, tier, route, moment, mark, left)

    await asyncio.gather(*(client() for _ in range(at_once)))
    await hear(tier, left)
    return left


async def leave_line(
    server: ServeProcess, tier: SlowTier, times: int, *, working: int, name: str, slack: float = 1.0
) -> Left:
    """Leave while one waits in the line, behind turns that fill the server; those then end in peace.

    Args:
        server: that is left; it works on ``working`` turns at a time.
        tier: behind it.
        times: how often.
        working: how many turns fill it.
        name: for the marks.
        slack: seconds that the machine may stand still.
    """
    left = Left(slack=slack)
    filling = [f"fill{name}{n}" for n in range(working)]

    async def fill(mark: str, begun: asyncio.Event) -> bool:
        async with sending(server.port, "POST", "/v1/turns", ROUTES[0].body(question_of(mark))) as reader:
            async for event in (await answering(reader)).events():
                if event.name == "attempt.started":
                    begun.set()
                elif event.name == "answer.ready":
                    return bool(event.json["answer"]["status"] == "done")
        return False

    begun = [asyncio.Event() for _ in filling]
    filled = [asyncio.ensure_future(fill(mark, event)) for mark, event in zip(filling, begun, strict=True)]
    await asyncio.gather(*(event.wait() for event in begun))
    waiting: list[asyncio.Task[None]] = []

    async def wait(n: int) -> None:
        route, mark = ROUTES[n % len(ROUTES)], f"line{name}{n}"
        async with sending(server.port, "POST", route.path, route.body(question_of(mark))):
            await asyncio.sleep(0.05 + 0.01 * (n % 10))
            left.gone[mark] = time.monotonic()
            left.times[route.name, "in the line"] += 1

    for n in range(times):
        waiting.append(asyncio.ensure_future(wait(n)))
        if n % 8 == 7:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    ended = await asyncio.gather(*filled)
    if not all(ended):
        left.odd.append(f"{ended.count(False)} of {working} turns that nobody left did not end")
    await asyncio.sleep(0.5)
    await hear(tier, left)
    left.odd += [f"{call.mark} was asked" for call in await asyncio.to_thread(tier.calls) if call.mark in left.gone]
    return left


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which so large a share lies; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
