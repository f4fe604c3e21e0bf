"""A client that follows a turn in the background, comes back when the server is gone, and puts the text together."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from benches.serving.client import ServerEvent, asking

_BACK = 0.05  # seconds until it looks again whether the server is there


@dataclass
class Watched:
    """A turn as its client has it.

    Attributes:
        turn_id: of the turn.
        mark: of its question.
        texts: what was said, by attempt, without what was taken back.
        pieces: of text that came, all runs together.
        last_id: of the last event that had one.
        answer: how it ended.
        connections: how often the client had to come, ``snapshots`` how often it was told to begin anew.
        resumed: seconds from the server's end to the first event after it, a number a time.
    """

    turn_id: str
    mark: str
    texts: dict[int, str] = field(default_factory=dict)
    pieces: int = 0
    last_id: str | None = None
    answer: dict[str, Any] | None = None
    connections: int = 0
    snapshots: int = 0
    resumed: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What a reader has in front of him."""
        return "".join(self.texts.values())

    def take(self, event: ServerEvent) -> None:
        """Take an event in."""
        if event.id is not None:
            self.last_id = event.id
        if event.name == "snapshot":
            self.snapshots += 1
            self.texts = {one["attempt"]: one["text"] for one in event.json["attempts"]}
        elif event.name == "text.delta":
            self.pieces += 1
            data = event.json
            self.texts[data["attempt"]] = self.texts.get(data["attempt"], "") + data["text"]
        elif event.name == "attempt.discarded":
            self.texts.pop(event.json["attempt"], None)
        elif event.name in ("answer.ready", "turn.failed"):
            self.answer = event.json["answer"]


async def begin(port: int, question: str, mark: str, thread: str) -> Watched | None:
    """Ask in the background; ``None`` if the server was gone before it said that it has the message."""
    body = {"question": question, "thread": thread, "background": True, "documents": "off"}
    try:
        async with asking(port, "POST", "/v1/turns", body) as reply:
            told = await reply.json()
            if reply.status != 202:
                raise RuntimeError(f"status {reply.status}: {told}")
            return Watched(told["turn_id"], mark)
    except ConnectionError:
        return None


async def follow(port: int, turn: Watched, *, seconds: float = 120.0) -> None:
    """Follow a turn to its end, through as many ends of the server as there are.

    Raises:
        TimeoutError: if it does not end in so many seconds.
    """
    async with asyncio.timeout(seconds):
        gone: float | None = None
        while turn.answer is None:
            headers = {} if turn.last_id is None else {"Last-Event-ID": turn.last_id}
            try:
                async with asking(port, "GET", f"/v1/turns/{turn.turn_id}/events", headers=headers) as reply:
                    if reply.status == 503:  # it is about to end, or not yet ready
                        await asyncio.sleep(_BACK)
                        continue
                    if reply.status != 200:
                        raise RuntimeError(f"{turn.turn_id}: status {reply.status}: {await reply.body()!r}")
                    turn.connections += 1
                    async for event in reply.events():
                        if gone is not None:
                            turn.resumed.append(time.monotonic() - gone)
                            gone = None
                        turn.take(event)
            except ConnectionError:
                gone = gone or time.monotonic()
            if turn.answer is None:
                await asyncio.sleep(_BACK)
