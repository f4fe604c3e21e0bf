"""What a turn tells while its graph runs: in order, a step only when everything before was taken, and an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from tierwise.events import AttemptQueued
from tierwise.runtime.parts import Parts, Stands

Step = Callable[[], Awaitable[Any]]


def event(n: int) -> AttemptQueued:
    return AttemptQueued(turn_id="t", seq=n, attempt=1, ahead=n)


def values(n: int) -> dict[str, Any]:
    return {"type": "values", "data": {"step": n}}


async def test_events_and_states_come_in_order_and_a_step_waits_until_all_was_taken() -> None:
    done: list[int] = []

    async def graph() -> AsyncGenerator[Any, None]:
        for n in (1, 2):
            parts.tell(event(n))
            await asyncio.sleep(0)
            parts.tell(event(n + 10))
            done.append(n)
            yield values(n)

    parts = Parts(graph())
    found = []
    async with parts:
        async for part in parts:
            found.append(part.seq if not isinstance(part, Stands) else part.state)
            await asyncio.sleep(0.01)  # time enough to run ahead
            assert len(done) <= 1 or {"step": 1} in found
    assert found == [1, 11, {"step": 1}, 2, 12, {"step": 2}]


async def test_what_was_told_comes_before_what_went_wrong() -> None:
    async def graph() -> AsyncGenerator[Any, None]:
        parts.tell(event(1))
        raise ValueError("broken")
        yield

    parts = Parts(graph())
    async with parts:
        assert await anext(parts) == event(1)
        with pytest.raises(ValueError, match="broken"):
            await anext(parts)


async def test_who_leaves_ends_the_graph_and_waits_for_its_end() -> None:
    ended: list[str] = []

    async def graph() -> AsyncGenerator[Any, None]:
        try:
            parts.tell(event(1))
            await asyncio.sleep(60)
            yield
        finally:
            await asyncio.sleep(0.01)
            ended.append("graph")

    parts = Parts(graph())
    async with parts:
        assert await anext(parts) == event(1)
    assert ended == ["graph"]


async def test_what_a_node_of_ones_own_writes_to_the_stream_comes_as_it_is() -> None:
    async def graph() -> AsyncGenerator[Any, None]:
        yield {"type": "custom", "data": {"mine": 1}}

    async with Parts(graph()) as parts:
        assert [part async for part in parts] == [{"mine": 1}]
