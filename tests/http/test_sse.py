"""Streams of events: what is on the line, in which order, and that it lives while nothing happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise import event_to_json
from tierwise.events import TextDelta, TurnStarted
from tierwise_app.serve import sse
from tierwise_app.serve.line import Waits
from tierwise_app.serve.own.events import written
from tierwise_app.serve.turns import Watched


class Client:
    """Takes what is sent, as long as it reads."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ended = False
        self.reads = asyncio.Event()
        self.reads.set()
        self.held_up = 0

    async def send(self, message: Any) -> None:
        self.held_up += not self.reads.is_set()
        await self.reads.wait()
        if message["type"] == "http.response.body":
            assert not self.ended
            self.told.append(message["body"].decode())
            self.ended = not message["more_body"]


async def test_a_stream_that_has_nothing_to_tell_says_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_ALIVE", 0.01)
    client, closed = Client(), False

    async def parts() -> AsyncGenerator[str, None]:
        nonlocal closed
        try:
            yield sse.event("1")
            while client.told.count(": still at work\n\n") < 3:
                await asyncio.sleep(0)
            yield sse.event("2", name="two", id="1-2")
        finally:
            closed = True

    await sse.stream(parts()).stream_response(client.send)  # type: ignore[attr-defined]
    comments = [text for text in client.told if text.startswith(":")]
    rest = [text for text in client.told if not text.startswith(":")]
    assert len(comments) == 3
    assert rest == ["data: 1\n\n", "id: 1-2\nevent: two\ndata: 2\n\n", ""]
    assert client.ended
    assert closed


async def test_a_client_that_does_not_read_gets_no_heap_of_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_ALIVE", 0.005)
    client = Client()

    async def parts() -> AsyncGenerator[str, None]:
        yield sse.event("1")
        client.reads.clear()
        while not client.held_up:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)  # in which there is time for more
        yield sse.event("2")

    stream = asyncio.ensure_future(sse.stream(parts()).stream_response(client.send))  # type: ignore[attr-defined]
    while client.held_up < 2:  # one comment, then the part
        await asyncio.sleep(0)
    client.reads.set()
    await stream
    assert client.held_up == 2
    assert [text for text in client.told if not text.startswith(":")] == ["data: 1\n\n", "data: 2\n\n", ""]


@pytest.mark.parametrize("leaves", [True, False])
async def test_what_tells_is_closed_when_a_stream_is_cut(leaves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_ALIVE", 0.005)
    client, closed = Client(), asyncio.Event()

    async def parts() -> AsyncGenerator[str, None]:
        try:
            yield sse.event("1")
            await asyncio.sleep(60 if leaves else 0)
            raise RuntimeError("a fault")
        finally:
            closed.set()

    stream = asyncio.ensure_future(sse.stream(parts()).stream_response(client.send))  # type: ignore[attr-defined]
    if leaves:
        while not client.told:
            await asyncio.sleep(0)
        stream.cancel()
    with pytest.raises(asyncio.CancelledError if leaves else RuntimeError):
        await stream
    assert closed.is_set()
    assert not client.ended  # it is seen to be incomplete
    await asyncio.sleep(0.02)
    assert [text for text in client.told if not text.startswith(":")] == ["data: 1\n\n"]


@given(st.text(), st.integers(0, 9), st.integers(0, 10**9))
def test_text_is_written_as_any_other_event(text: str, attempt: int, seq: int) -> None:
    async def one() -> str:
        watched = Watched("local", stays=False)
        watched.run = "3"
        watched._add(delta)
        return written(watched, 0, discreet=True)

    delta = TextDelta(turn_id="1a", seq=seq, attempt=attempt, text=text)
    told = asyncio.run(one())
    place, name, data = told.removesuffix("\n\n").split("\n")
    assert (place, name) == ("id: 3-1", "event: text.delta")
    assert list(json.loads(data.removeprefix("data: ")).items()) == list(event_to_json(delta).items())


async def test_a_turn_that_is_followed_without_its_text_wakes_nobody_for_it() -> None:
    watched = Watched("local", stays=True)
    seen: dict[bool, list[str]] = {True: [], False: []}

    async def follow(texts: bool) -> None:
        async for item in watched.follow(texts=texts):
            seen[texts].append(type(item).__name__)

    both = [asyncio.ensure_future(follow(texts)) for texts in seen]
    started = TurnStarted(turn_id="1a", seq=1, thread="t", asked="?", locked=False, offline=False)
    for item in (Waits(0, 1.0), started, *(TextDelta(turn_id="1a", seq=2, attempt=1, text="word") for _ in range(3))):
        watched._add(item)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert seen[True] == ["Waits", "TurnStarted", *3 * ["TextDelta"]]
    assert seen[False] == ["Waits", "TurnStarted"]
    watched.over = True
    watched._notify()
    await asyncio.gather(*both)


async def test_who_falls_behind_gets_all_of_it_at_once_and_who_leaves_disturbs_nobody() -> None:
    watched = Watched("local", stays=True)
    sizes: list[int] = []

    async def grow(found: list[int]) -> None:
        async for size in watched.grow(1):
            found.append(size)

    stays, leaves = asyncio.ensure_future(grow(sizes)), asyncio.ensure_future(grow([]))
    await asyncio.sleep(0)
    leaves.cancel()
    for _ in range(4):
        watched._add(Waits(1, 1.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (sizes, leaves.cancelled()) == ([4], True)
    watched.over = True
    watched._notify()
    await stays
