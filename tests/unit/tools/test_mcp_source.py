"""Tools of real servers, good and bad: what a call gives, and that nothing a server does takes us along."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mcp_server
import pytest

from tierwise_tools import Bounds, SourceError, Tool, ToolContext, ToolError, Toolset, ToolSource
from tierwise_tools.mcp import background, connection
from tierwise_tools.mcp.definitions import Definition
from tierwise_tools.mcp.pins import Pins
from tierwise_tools.mcp.review import review
from tierwise_tools.mcp.settings import McpServer
from tierwise_tools.mcp.source import McpSource

SECRET = "correct-horse-battery"


def program(kind: str, *more: str) -> tuple[str, ...]:
    return (sys.executable, mcp_server.__file__, kind, *more)


@dataclass
class Opened:
    """An open source; ``source`` may be used from any event loop."""

    source: McpSource
    tools: Toolset

    def tool(self, name: str) -> Tool[..., Any]:
        return next(tool for tool in self.tools if tool.name == f"{self.source.name}__{name}")


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """A machine that runs tests may be slow to start a server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "CONNECT_S", 60.0)
        yield


async def opened(server: McpServer, folder: Path, *, known: bool = False) -> Opened:
    """Accept what a server says, or what is known of the good set without asking it, and open it."""
    pins = Pins(folder / "pins.json")
    if known:
        pins.accept(server.pinned_as, [Definition(tool["name"], tool) for tool in mcp_server.TOOLS])
    else:
        (await review(server, pins)).accept()
    source = McpSource(server, pins)
    return Opened(source, await source.open())


@pytest.fixture(scope="module")
def good(patience: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The SDK's server on stdio, opened in an event loop that is gone when the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIVEN_KEY", SECRET)
        patch.setenv("NOT_GIVEN", "x")
        server = McpServer("good", command=program("sdk"), env=("GIVEN_KEY",))
        made = asyncio.run(opened(server, tmp_path_factory.mktemp("good"), known=True))
        yield made
        asyncio.run(made.source.aclose())


@pytest.fixture(scope="module")
def web(patience: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The same over HTTP."""
    folder = tmp_path_factory.mktemp("web")
    with subprocess.Popen(program("http"), stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        made = asyncio.run(opened(McpServer("web", url=process.stdout.readline().strip()), folder))
        yield made
        asyncio.run(made.source.aclose())
        process.kill()


@pytest.fixture(params=["good", "web"])
def either(request: pytest.FixtureRequest) -> Opened:
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Opened)
    return made


async def test_a_call_gives_the_text(either: Opened) -> None:
    assert isinstance(either.source, ToolSource)
    assert not either.tools.problems
    assert (await either.tool("add").run({"a": 2, "b": 3})).text == "5"
    assert str(either.tool("add").origin) == f"mcp {either.source.name} 1.5"
    with pytest.raises(ToolError, match=r"called wrongly.*b"):
        await either.tool("add").run({"a": 2})


async def test_structured_content_stands_in_for_a_missing_text(good: Opened) -> None:
    assert json.loads((await good.tool("structured").run({})).text) == {"degrees": 21}


async def test_progress_is_told(either: Opened) -> None:
    told: list[str] = []
    result = await either.tool("steps").run({}, ToolContext(progress=told.append))
    assert result.text == "done"
    assert told == ["step 0", "step 1", "step 2"]


async def test_files_are_kept_only_if_they_are_what_they_say(good: Opened, tmp_path: Path) -> None:
    result = await good.tool("files").run({}, ToolContext(folder=tmp_path))
    again = await good.tool("files").run({}, ToolContext(folder=tmp_path))
    (file,) = result.files
    assert (file.mime, file.path.parent) == ("image/png", tmp_path)
    assert file.path.read_bytes().startswith(b"\x89PNG")
    assert again.files[0].path != file.path
    assert result.text.count("left out") == 4
    for words in ("Here.", "text/html", "something else", "base64 is broken", "application/pdf"):
        assert words in result.text
    assert (await good.tool("files").run({})).files == ()


async def test_an_error_is_short_and_has_no_secrets(good: Opened) -> None:
    with pytest.raises(ToolError) as caught:
        await good.tool("fail").run({})
    text = str(caught.value)
    assert text.startswith("Traceback: OPENAI_API_KEY=[redacted] and [redacted]")
    assert len(text) < 2_000


async def test_a_server_gets_only_the_variables_it_was_given(good: Opened) -> None:
    async def of(name: str) -> str:
        return (await good.tool("variable").run({"name": name})).text

    assert await of("GIVEN_KEY") == SECRET
    assert await of("NOT_GIVEN") == "not set"
    assert await of("PATH") != "not set"


@pytest.mark.parametrize("name", ["ask", "sample"])
async def test_asking_the_user_or_a_model_is_refused(either: Opened, name: str) -> None:
    with pytest.raises(ToolError, match="not allowed"):
        await either.tool(name).run({})
    assert (await either.tool("add").run({"a": 1, "b": 1})).text == "2"


async def test_a_call_that_is_cancelled_is_cancelled_there(web: Opened) -> None:
    call = asyncio.create_task(web.tool("slow").run({}))
    await asyncio.sleep(0.2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await web.tool("add").run({"a": 1, "b": 1})).text == "2"


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


def let_time_pass(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """What waits in this loop finds that it is so much later, as soon as it looks."""
    loop.call_soon_threadsafe(setattr, loop, "time", lambda: time.monotonic() + seconds)


async def test_stdio_dies_is_cancelled_times_out_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN_KEY", SECRET)
    made = await opened(McpServer("s", command=program("sdk"), env=("GIVEN_KEY",)), tmp_path, known=True)
    try:
        slow = asyncio.create_task(made.tool("slow").but(bounds=Bounds(seconds=600)).run({}))
        await until(Path("begun").exists)
        let_time_pass(asyncio.get_running_loop(), 600)
        with pytest.raises(ToolError, match="did not finish within"):
            await slow
        await until(Path("cancelled").exists)
        last_words = r'went away.*not known.*It last wrote: "out of memory, .redacted.'
        with pytest.raises(ToolError, match=last_words) as caught:
            await made.tool("die").run({})
        assert "\x1b" not in str(caught.value)
        assert (await made.tool("add").run({"a": 1, "b": 1})).text == "2"
    finally:
        await made.source.aclose()


async def test_a_server_that_dies_again_and_again_is_left_alone_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=lambda: 1000.0))  # the while does not pass
    made = await opened(McpServer("s", command=program("old")), tmp_path)
    for _ in range(2):
        with pytest.raises(ToolError, match="went away"):
            await made.tool("die").run({})
    with pytest.raises(ToolError, match="try again in"):
        await made.tool("die").run({})
    await made.source.aclose()
    await made.source.aclose()
    assert len(await made.source.open()) == len(made.tools)  # a person who opens it again need not wait
    await made.source.aclose()


async def test_a_server_of_the_older_kind_gets_no_answers_to_its_questions(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    names = ("ask", "sample", "folders", "change", "read")
    file.write_text(json.dumps([{"name": name, "inputSchema": mcp_server.NOTHING} for name in names]))
    made = await opened(McpServer("s", command=program("old", str(file))), tmp_path)
    try:
        for name in ("ask", "sample", "folders"):
            assert "code" in json.loads((await made.tool(name).run({})).text)
        assert (await made.tool("read").run({})).text == "called"
        await made.tool("change").run({})  # says that its list changed, and the first tool is another one now
        with pytest.raises(ToolError, match="changed this tool after it was accepted"):
            await made.tool("ask").run({})
        assert (await made.tool("read").run({})).text == "called"
    finally:
        await made.source.aclose()


async def test_a_flood_on_stderr_and_stray_lines_do_no_harm(tmp_path: Path) -> None:
    made = await opened(McpServer("s", command=program("noisy")), tmp_path, known=True)
    assert (await made.tool("add").run({"a": 1, "b": 1})).text == "2"
    await made.source.aclose()


@pytest.mark.parametrize(
    ("kind", "kept", "says"),
    [
        ("same_page", len(mcp_server.TOOLS), "begins again and again"),
        ("endless_pages", 20, "more than 20 pages"),
        ("many", 128, "4,872 tools more"),
    ],
)
async def test_a_list_without_end_is_read_to_a_bound(tmp_path: Path, kind: str, kept: int, says: str) -> None:
    made = await opened(McpServer("s", command=program(kind)), tmp_path)
    await made.source.aclose()
    assert len(made.tools) == kept
    assert [problem.name for problem in made.tools.problems] == ["s"]
    assert says in made.tools.problems[0].text


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"command": program("junk")}, "writes to stdout what is no MCP message"),
        ({"command": program("endless_line")}, "a line of more than 8,000,000 bytes"),
        ({"command": program("broken")}, r'It stopped. It last wrote: "cannot start: \[redacted\] is not valid"'),
        ({"command": ("no-such-program-here",)}, "cannot be started: no-such-program-here is no program here"),
        ({"command": program("sdk"), "env": ("NOT_THERE",)}, "needs the environment variable NOT_THERE"),
        ({"url": "http://127.0.0.1:9/mcp"}, "cannot be used"),
    ],
)
async def test_a_server_that_cannot_be_used_says_why(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        await review(McpServer("s", **settings), Pins(tmp_path / "pins.json"))
    assert caught.value.fix


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({"content-type": "application/json"}, b" " * 9_000_000, "an answer of more than 8,000,000 bytes"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"x", "a compressed answer"),
        ({"content-type": "text/event-stream"}, b"data: " + b"x" * 9_000_000, "cannot be used"),
        ({"content-type": "text/html"}, b"<p>hello</p>", "cannot be used"),
    ],
)
async def test_an_answer_over_http_is_bounded(tmp_path: Path, headers: dict[str, str], body: bytes, says: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if length := re.search(rb"content-length: (\d+)", head, re.IGNORECASE):
            await reader.readexactly(int(length[1]))  # what is left unread when it closes would break the answer off
        lines = ["HTTP/1.1 200 OK", "connection: close", *(f"{key}: {value}" for key, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with serving:
        port = serving.sockets[0].getsockname()[1]
        with pytest.raises(SourceError, match=says):
            await review(McpServer("s", url=f"http://127.0.0.1:{port}/mcp"), Pins(tmp_path / "pins.json"))


async def test_a_server_that_never_answers_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_running", None)  # a loop of its own, as time is going to pass in it
    file = tmp_path / "pid"
    reviewing = asyncio.create_task(
        review(McpServer("s", command=program("deaf", str(file))), Pins(tmp_path / "pins.json"))
    )
    await until(lambda: file.exists() and file.read_text())
    let_time_pass(background._loop(), connection.CONNECT_S)
    with pytest.raises(SourceError, match="did not answer within"):
        await reviewing

    def ended() -> bool:
        try:
            os.kill(int(file.read_text()), 0)
        except ProcessLookupError:
            return True
        return False

    await until(ended)
