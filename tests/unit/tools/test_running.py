"""Whatever a tool does, its call ends in a text for the model, in time."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import KeptFile, Tool, ToolContext, ToolError, ToolResult, tool


def made(function: Callable[..., Any], **settings: Any) -> Tool[..., Any]:
    function.__doc__ = "Do something."
    return tool(effects="read", **settings)(function)


async def text_of(function: Callable[..., Any], **settings: Any) -> str:
    return (await made(function, **settings).run({})).text


@dataclass
class Point:
    x: int
    y: float


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (None, "null"),
        (Point(1, 2.5), '{"x":1,"y":2.5}'),
        ({"a": float("nan"), "b": float("inf")}, '{"a":"NaN","b":"Infinity"}'),
        (float("nan"), '"NaN"'),
        (b"bytes of text", "bytes of text"),
        ({"raw": b"\x00\xff"}, '{"raw":"AP8="}'),
        ({1}, "[1]"),
        ("half \ud83d", "half \ufffd"),
        (object, None),
        ({"k": {Path("/x"): 1}}, '{"k":{"/x":1}}'),
    ],
)
async def test_every_value_becomes_text(value: Any, text: str | None) -> None:
    def give() -> Any:
        return value

    given_text = await text_of(give)
    given_text.encode("utf-8")
    assert text is None or given_text == text


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.binary(max_size=9), st.lists))
def test_whatever_is_returned_can_be_stored_and_sent(value: Any) -> None:
    def give() -> Any:
        return value

    try:
        asyncio.run(text_of(give)).encode("utf-8")
    except ToolError as error:
        assert "bytes that are no text" in str(error)


async def test_what_is_too_long_is_cut_and_says_so() -> None:
    def flood() -> str:
        return "x" * 50_000_000

    text = await text_of(flood, characters=1000)
    assert text == "x" * 1000 + "\n(cut: 49,999,000 more characters)"

    def listed() -> list[int]:
        return list(range(1_000_000))

    assert len(await text_of(listed)) < 8_100


@pytest.mark.parametrize("failing", [ValueError("boom"), KeyError("k"), StopIteration("x"), SystemExit(3)])
async def test_whatever_is_raised_is_told_to_the_model(failing: BaseException) -> None:
    def fail() -> str:
        raise failing

    with pytest.raises(ToolError, match="fail failed: "):
        await text_of(fail)


async def test_what_cannot_be_told_is_an_error_of_the_call() -> None:
    class Stubborn:
        def __str__(self) -> str:
            raise RuntimeError("no")

    def stubborn() -> Any:
        return Stubborn()

    def binary() -> bytes:
        return b"\xff\xfe" * 100

    for function in (stubborn, binary):
        with pytest.raises(ToolError):
            await text_of(function)


async def test_what_holds_itself_has_an_end() -> None:
    def circle() -> Any:
        loop: list[Any] = []
        loop.append(loop)
        return loop

    assert len(await text_of(circle)) < 8_100


async def test_a_function_that_hangs_is_left_behind_and_told() -> None:
    told = threading.Event()

    @tool(effects="read", seconds=0.2)
    def hang(context: ToolContext) -> str:
        """Hang."""
        while not context.cancelled():
            time.sleep(0.01)
        told.set()
        return ""

    @tool(effects="read", seconds=0.2)
    async def wait() -> str:
        """Wait."""
        await asyncio.sleep(3600)
        return ""

    for one in (hang, wait):
        with pytest.raises(ToolError, match=r"did not finish within 0\.2 seconds"):
            await one.run({})
    assert told.wait(10)


async def test_generators_that_never_end_are_ended() -> None:
    @tool(effects="read", seconds=0.2)
    def endless() -> Iterator[str]:
        """Go on."""
        while True:
            yield "more"
            time.sleep(0.001)

    @tool(effects="read", seconds=0.2)
    async def forever() -> AsyncIterator[str]:
        """Go on."""
        while True:
            yield "more"
            await asyncio.sleep(0)

    for one in (endless, forever):
        with pytest.raises(ToolError, match="did not finish"):
            await one.run({})


async def test_what_a_generator_yields_is_progress() -> None:
    heard: list[str] = []

    @tool(effects="read")
    def returns() -> Iterator[str]:
        """Work."""
        yield "half"
        yield "done"
        return "result"

    @tool(effects="read")
    async def yields() -> AsyncIterator[str]:
        """Work."""
        yield "half"
        yield "result"

    context = ToolContext(progress=heard.append)
    assert (await returns.run({}, context)).text == "result"
    assert heard == ["half", "done"]
    assert (await yields.run({}, context)).text == "result"


async def test_cancelling_the_call_cancels_the_work() -> None:
    cancelled = asyncio.Event()

    @tool(effects="read")
    async def work() -> str:
        """Work."""
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()
        return ""

    task = asyncio.create_task(work.run({}))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()


async def test_many_calls_that_hang_hold_up_nobody() -> None:
    release = threading.Event()

    @tool(effects="read", seconds=0.3)
    def hang() -> str:
        """Hang."""
        release.wait(30)
        return ""

    @tool(effects="read")
    def quick() -> str:
        """Be quick."""
        return "here"

    hanging = [asyncio.create_task(hang.run({})) for _ in range(40)]
    await asyncio.sleep(0)
    assert (await quick.run({})).text == "here"
    ended = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(end, ToolError) for end in ended)
    release.set()


async def test_files_come_with_the_text(tmp_path: Path) -> None:
    @tool(effects="read")
    def draw(context: ToolContext) -> ToolResult:
        """Draw."""
        assert context.folder is not None
        path = context.folder / "plot.svg"
        path.write_text("<svg/>")
        return ToolResult("drawn", (KeptFile(path, "image/svg+xml", "a plot"),))

    result = await draw.run({}, ToolContext(folder=tmp_path))
    assert (result.text, result.files[0].path) == ("drawn", tmp_path / "plot.svg")


async def test_arguments_that_are_no_json_are_refused() -> None:
    @tool(effects="read")
    def half(n: float) -> float:
        """Halve.

        Args:
            n: a number.
        """
        return n / 2

    assert json.loads((await half.run({"n": 3})).text) == 1.5
    for wrong in ({"n": float("nan")}, {"n": "3"}, {"n": True}, {"n": 1, "m": 2}, {}):
        with pytest.raises(ToolError, match="called wrongly"):
            await half.run(wrong)
