"""The check calls a tool as a copilot does: it sees bad results, blocked loops and calls that do not end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tierwise_tools import KeptFile, Tool, ToolContext, ToolError, ToolResult, tool
from tierwise_tools.testing import CheckFailed, Report, calling, check_tool

AnyTool = Tool[..., Any]


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def made(function: Callable[..., Any], **settings: Any) -> AnyTool:
    """A tool without arguments."""
    function.__doc__ = "Do a thing."
    result: AnyTool = tool(**{"effects": "read", **settings})(function)
    return result


def test_examples_that_do_not_work() -> None:
    def refuse() -> str:
        raise ToolError("there is no such room")

    assert codes(check_tool(made(refuse), examples=[{"nam": "blue"}])) == ["example-refused"]
    report = check_tool(made(refuse), examples=[{}])
    assert codes(report) == ["example-failed"]
    with pytest.raises(CheckFailed, match="there is no such room"):
        report.raise_for_errors()


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ("", ["result-empty"]),
        ("x" * 60, ["result-cut"]),
        ("half \ud800", ["result-characters"]),
        ("\x1b[31mred", ["result-characters"]),
        (b"\xff\xfe", ["example-failed"]),
        ({"a": float("nan")}, []),
        (None, []),
    ],
)
def test_what_is_wrong_with_a_result(result: Any, found: list[str]) -> None:
    def give() -> Any:
        return result

    assert codes(check_tool(made(give, characters=50), examples=[{}])) == found


def test_kept_files_must_lie_in_the_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "x.txt"
    elsewhere.touch()

    @tool(effects="write")
    def keep(context: ToolContext, outside: bool) -> ToolResult:
        """Keep a file.

        Args:
            outside: where.
        """
        assert context.folder is not None
        path = elsewhere if outside else context.folder / "x.txt"
        path.touch()
        return ToolResult("kept", (KeptFile(path, "text/plain", "x"),))

    report = check_tool(keep, examples=[{"outside": False}, {"outside": True}])
    assert codes(report) == ["result-file"]
    assert "true" in report.findings[0].text


def test_an_async_function_that_blocks_is_found() -> None:
    async def block() -> str:
        for _ in range(40):  # in pieces, as a pause of the whole machine is not counted
            time.sleep(0.02)
        return "x"

    def good() -> str:
        time.sleep(0.8)
        return "x"

    assert codes(check_tool(made(block, effects="write"), examples=[{}])) == ["holds-up"]
    assert codes(check_tool(made(good, effects="write"), examples=[{}])) == []


STOPPED = """
from tierwise_tools import tool
from tierwise_tools.testing import check_tool

@tool(effects="write")
def work() -> str:
    '''Work.'''
    print("begun", flush=True)
    return input()

print([finding.code for finding in check_tool(work, examples=[{}], seconds=60).findings])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped there")
def test_a_pause_of_the_whole_process_is_not_taken_for_a_tool_that_blocks() -> None:
    command = [sys.executable, "-c", STOPPED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        assert process.communicate("done\n", timeout=60)[0] == "[]\n"


def test_the_check_ends_even_if_the_loop_is_stopped_for_good() -> None:
    free = threading.Event()

    async def stop() -> str:
        free.wait()
        return "x"

    try:
        report = check_tool(made(stop), examples=[{}], seconds=0.2)
    finally:
        free.set()
    assert codes(report) == ["holds-up"]


def test_a_call_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow() -> str:
        await asyncio.sleep(60)
        return "x"

    def works_on(context: ToolContext) -> str:
        free.wait(60)
        return "x"

    def listens(context: ToolContext) -> str:
        while not context.cancelled():
            time.sleep(0.01)
        return "x"

    free = threading.Event()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(calling, "GRACE", 30.0)  # these two end at once, but a busy machine may take its time
            assert codes(check_tool(made(slow), examples=[{}], seconds=0.3)) == ["too-slow"]
            assert codes(check_tool(made(listens), examples=[{}], seconds=0.3)) == ["too-slow"]
        report = check_tool(made(works_on, seconds=0.3), examples=[{}])
        assert codes(report) == ["too-slow", "works-on"]
        assert [finding.severity for finding in report.findings] == ["error", "warning"]
    finally:
        free.set()


def test_a_call_that_cannot_be_cancelled() -> None:
    free = threading.Event()
    calls: list[str] = []
    heard: list[str] = []

    async def stubborn() -> str:
        calls.append("x")
        while len(calls) > 1 and not free.is_set():  # the first call, which is not cancelled, is a good one
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.15)
        return "x"

    def deaf() -> str:
        heard.append("x")
        if len(heard) > 1:
            free.wait(60)
        time.sleep(0.15)
        return "x"

    try:
        assert codes(check_tool(made(stubborn), examples=[{}])) == ["does-not-stop"]
        assert codes(check_tool(made(deaf), examples=[{}])) == ["works-on"]
    finally:
        free.set()


@pytest.mark.parametrize("effects", ["read", "network", "write", "execute"])
def test_only_what_changes_nothing_is_called_again_to_be_cancelled(effects: str) -> None:
    ended: list[str] = []

    async def steps() -> AsyncIterator[str]:
        try:
            yield "waiting"
            await asyncio.sleep(0.15)
            yield "done"
        finally:
            ended.append("x")

    report = check_tool(made(steps, effects=effects), examples=[{}])
    assert codes(report) == []
    assert len(ended) == report.calls == (2 if effects in ("read", "network") else 1)


def test_a_generator_shows_its_progress_under_the_check() -> None:
    seen: list[str] = []

    def steps() -> Generator[str, None, str]:
        yield "one"
        return "result"

    once = made(steps, effects="write")  # where a call takes long, one that only reads is called again
    assert check_tool(once, examples=[{}], context=ToolContext(progress=seen.append)).ok
    assert seen == ["one"]
