"""Our tools in an MCP server, used by the SDK's own client."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters

from tierwise_tools import KeptFile, SourceError, ToolContext, ToolError, ToolResult, calculator, tool
from tierwise_tools.mcp import connection
from tierwise_tools.mcp.pins import Pins
from tierwise_tools.mcp.review import review
from tierwise_tools.mcp.serving import mcp_server, serve
from tierwise_tools.mcp.settings import McpServer
from tierwise_tools.mcp.source import McpSource

TOKEN = "0123456789abcdef-long-enough"
PROGRAM = """
import sys
from tierwise_tools import ToolError, calculator, tool
from tierwise_tools.mcp.serving import serve

@tool(effects="write")
def note(text: str) -> str:
    '''Keep a note.

    Args:
        text: what to keep.
    '''
    print("this is no message of the protocol")
    if not text:
        raise ToolError("a note needs a text")
    return f"kept {text}"

options = dict(arg.split("=") for arg in sys.argv[1:])
if options:
    options["port"] = 0
serve([calculator, note], ready=lambda address: print(address, flush=True), **options)
"""


@tool(effects="read")
async def draw(context: ToolContext, kind: str) -> ToolResult:
    """Draw.

    Args:
        kind: of file.
    """
    context.progress("drawing")
    await asyncio.to_thread(context.progress, "done")
    if context.folder is None:
        raise ToolError("no place for a file")
    path = context.folder / "picture"
    path.write_bytes(b"bytes")
    return ToolResult("drawn", (KeptFile(path, kind, "picture"),))


@tool(effects="read")
async def wait(context: ToolContext) -> str:
    """Wait for ever."""
    context.search("begun", 1)
    try:
        await asyncio.sleep(60)
    finally:
        context.search("cancelled", 1)
    return "never"


async def test_a_client_sees_schema_and_hints_and_gets_results_and_errors() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=["-c", PROGRAM])
    async with Client(parameters) as client:
        listed = {item.name: item for item in (await client.list_tools()).tools}
        assert listed["calculator"].input_schema == calculator.parameters
        assert listed["calculator"].description == calculator.description
        hints = {name: item.annotations for name, item in listed.items()}
        assert hints["calculator"] is not None
        assert hints["calculator"].read_only_hint
        assert not hints["calculator"].open_world_hint
        assert hints["note"] is not None
        assert hints["note"].destructive_hint
        assert not hints["note"].read_only_hint

        async def call(name: str, **arguments: Any) -> tuple[str, bool]:
            result = await client.call_tool(name, arguments)
            return getattr(result.content[0], "text", ""), result.is_error

        assert await call("note", text="it") == ("kept it", False)  # although it printed something
        assert await call("note", text="") == ("a note needs a text", True)
        text, failed = await call("note", words="x")
        assert failed
        assert "note was called wrongly" in text
        with pytest.raises(MCPError, match="no tool"):
            await call("nobody")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_progress_and_files_reach_the_client(mode: str) -> None:
    told: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with Client(mcp_server([draw]), mode=mode) as client:
        kinds = {}
        for kind in ("image/png", "audio/wav", "application/pdf"):
            result = await client.call_tool("draw", {"kind": kind}, progress_callback=progress)
            kinds[kind] = [block.type for block in result.content]
    assert kinds["image/png"] == ["text", "image"]
    assert kinds["audio/wav"] == ["text", "audio"]
    assert kinds["application/pdf"] == ["text", "resource"]
    assert told == ["drawing", "done"] * 3


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_cancelling_ends_the_tool(mode: str) -> None:
    told = {"begun": asyncio.Event(), "cancelled": asyncio.Event()}

    def search(query: str, k: int) -> list[Any]:
        told[query].set()
        return []

    async with Client(mcp_server([wait], context=ToolContext(search=search)), mode=mode) as client:
        call = asyncio.create_task(client.call_tool("wait", {}))
        async with asyncio.timeout(30):
            await told["begun"].wait()
            call.cancel()
            await told["cancelled"].wait()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-c", PROGRAM, "transport=streamable-http", "token_env=TEST_TOKEN"]
    environment = {**os.environ, "TEST_TOKEN": TOKEN}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        process.wait(60)


async def test_our_client_uses_our_server_over_http(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_S", 60.0)
    monkeypatch.setenv("HEADER", f"Bearer {TOKEN}")
    server = McpServer("own", url=address, header_env={"Authorization": "HEADER"})
    pins = Pins(tmp_path / "pins.json")
    (await review(server, pins)).accept()
    source = McpSource(server, pins)
    tools = {item.name: item for item in await source.open()}
    assert (await tools["own__calculator"].run({"expression": "6*7"})).text == "42"
    with pytest.raises(ToolError, match="a note needs a text"):
        await tools["own__note"].run({"text": ""})
    await source.aclose()
    monkeypatch.setenv("HEADER", "Bearer wrong")
    with pytest.raises(SourceError, match="HTTP status 401"):
        await review(server, pins)


async def test_every_request_needs_the_token_and_a_page_of_another_name_gets_nothing(address: str) -> None:
    async def status(token: str, **headers: str) -> int:
        given = {"authorization": token, "accept": "application/json, text/event-stream", **headers}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        async with httpx2.AsyncClient() as client:
            return (await client.post(address, json=message, headers=given)).status_code

    right = f"Bearer {TOKEN}"
    assert await status("") == 401
    assert await status(f"Bearer {TOKEN}x") == 401
    assert await status(right, host="evil.invalid") == 421
    assert await status(right, origin="http://evil.invalid") == 403
    assert await status(right) not in (401, 403, 421)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"host": "0.0.0.0"}, "open to other machines"),
        ({"host": "192.0.2.1"}, "open to other machines"),
        ({"token_env": "NOT_THERE"}, "no token of at least 16"),
        ({"token_env": "SHORT"}, "no token of at least 16"),
    ],
)
def test_what_would_be_open_to_others_is_refused(
    options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", "abc")
    with pytest.raises(SourceError, match=says):
        serve([calculator], transport="streamable-http", **options)


def test_a_port_that_is_taken_is_said(address: str) -> None:
    with pytest.raises(SourceError, match="Nothing can listen"):
        serve([calculator], transport="streamable-http", port=int(address.split(":")[2].split("/")[0]))
