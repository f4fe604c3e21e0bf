"""Callers who leave: the ways to do it, what they had seen, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benches.faults.holdings import Holdings, held
from benches.faults.hosted import Hosted
from tierwise import AsyncCopilot, Copilot, Settings, Tier
from tierwise.record import Record

BAR_MS = 1000.0


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

    def hear(self, server: Hosted, seconds: float = 60.0) -> None:
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
            turn.wait(60, after=known)
            for event in turn.events(known):
                known += 1
                if seen.enough(event, words):
                    break
        self._left.leave(way, question)
        if stop:
            turn.stop()
        else:
            copilot.close()
        assert turn.wait(60), "the turn did not end"
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
