"""Our tools for other programs: an MCP server on stdio or HTTP.

It is the client's part to ask its user before a call; so only tools that were given are served, and who gives them
decides what may happen.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Tool
from tierwise_tools.errors import SourceError, ToolError
from tierwise_tools.mcp.connection import need_mcp
from tierwise_tools.mcp.settings import is_loopback
from tierwise_tools.result import ToolResult
from tierwise_tools.text import first_line

_SHORTEST_TOKEN = 16
_LARGEST_FILE = 4_000_000


def serve(
    tools: Iterable[Tool[..., Any]],
    *,
    transport: Literal["stdio", "streamable-http"] = "stdio",
    host: str = "127.0.0.1",
    port: int = 8765,
    name: str = "tierwise",
    token_env: str | None = None,
    context: ToolContext | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve tools until the client goes (stdio) or the program is interrupted (HTTP).

    Args:
        tools: all that is served.
        transport: on ``stdio``, standard output carries the protocol alone: what a tool prints goes to stderr.
        host: to listen on; another than this machine needs a token.
        port: to listen on; 0 takes a free one.
        name: what clients are told.
        token_env: environment variable with a token of 16 characters or more; every HTTP request then has to carry it
            as ``Authorization: Bearer TOKEN``.
        context: what the tools may reach.
        ready: told the address once connections are taken.

    Raises:
        SourceError: if it cannot be served that way, with the reason.
    """
    need_mcp()
    server = mcp_server(tools, name=name, context=context)
    if transport == "stdio":
        asyncio.run(_serve_stdio(server))
        return
    token = _token(host, token_env)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise SourceError(
            f"Nothing can listen on {host}:{port}: {first_line(error.strerror or error)}.", fix="Choose another --port."
        ) from error
    with listening:
        asyncio.run(_serve_http(server, listening, host, token, ready))


def mcp_server(tools: Iterable[Tool[..., Any]], *, name: str = "tierwise", context: ToolContext | None = None) -> Any:
    """The SDK's server of these tools, for a transport of one's own.

    Args:
        tools: all that is served; their JSON Schema is served as it is.
        name: what clients are told.
        context: what the tools may reach.
    """
    from mcp import MCPError, types
    from mcp.server.lowlevel import Server

    served = {tool.name: tool for tool in tools}
    base = context or ToolContext()

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in served.values()])

    async def call_tool(request: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = served.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {params.name!r}")
        with tempfile.TemporaryDirectory(prefix="tierwise-") as folder:
            try:
                reached = replace(base, folder=Path(folder))
                result = await _with_progress(tool, params.arguments or {}, reached, request.session.report_progress)
            except ToolError as error:
                return types.CallToolResult(content=[types.TextContent(text=str(error))], is_error=True)
            return types.CallToolResult(content=await asyncio.to_thread(_content, result))

    return Server(name, on_list_tools=list_tools, on_call_tool=call_tool)


async def _with_progress(
    tool: Tool[..., Any],
    arguments: dict[str, Any],
    context: ToolContext,
    report: Callable[[float, float | None, str | None], Awaitable[None]],
) -> ToolResult:
    """Run a tool; what it tells of its progress, from any thread, is reported in order."""
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[str | None] = asyncio.Queue()

    def progress(text: str) -> None:
        loop.call_soon_threadsafe(told.put_nowait, text)

    async def pass_on() -> None:
        count = 0
        while (text := await told.get()) is not None:
            count += 1
            await report(count, None, text)

    passing = asyncio.create_task(pass_on())
    try:
        result = await tool.run(arguments, replace(context, progress=progress))
        loop.call_soon(told.put_nowait, None)  # after all that was told before
        await passing
        return result
    finally:
        passing.cancel()


def _described(tool: Tool[..., Any]) -> Any:
    from mcp import types

    changes = bool({"write", "execute"}.intersection(tool.effects))
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.parameters,
        annotations=types.ToolAnnotations(
            read_only_hint=not changes,
            destructive_hint=changes,
            idempotent_hint=tool.may_repeat,
            open_world_hint=bool({"network", "execute"}.intersection(tool.effects)),
        ),
    )


def _content(result: ToolResult) -> list[Any]:
    """The text, and each file as what it is; one that is too large is only named."""
    from mcp import types

    content: list[Any] = [types.TextContent(text=result.text)]
    for file in result.files:
        if file.path.stat().st_size > _LARGEST_FILE:
            content.append(types.TextContent(text=f"({file.title} is too large to be sent)"))
            continue
        data = base64.b64encode(file.path.read_bytes()).decode()
        if file.mime.startswith("image/"):
            content.append(types.ImageContent(data=data, mime_type=file.mime))
        elif file.mime.startswith("audio/"):
            content.append(types.AudioContent(data=data, mime_type=file.mime))
        else:
            uri = f"tierwise:///{file.path.name}"
            resource = types.BlobResourceContents(uri=uri, mime_type=file.mime, blob=data)
            content.append(types.EmbeddedResource(resource=resource))
    return content


async def _serve_stdio(server: Any) -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


async def _serve_http(
    server: Any, listening: socket.socket, host: str, token: str, ready: Callable[[str], None]
) -> None:
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    # A page of the browser may reach this machine under a name of its own: it is asked for the name it used. Where
    # other machines connect, the names are not known, and the token keeps pages out.
    names = ("127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host)
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=is_loopback(host),
        allowed_hosts=[f"{name}:*" for name in names],
        allowed_origins=[f"http://{name}:*" for name in names],
    )
    app = server.streamable_http_app(host=host, transport_security=security)
    running = uvicorn.Server(
        uvicorn.Config(
            _with_token(app, token) if token else app,
            log_level="warning",
            timeout_graceful_shutdown=2,
            server_header=False,
        )
    )
    ready(f"http://{names[-1]}:{listening.getsockname()[1]}/mcp")
    await running.serve(sockets=[listening])


def _with_token(app: Any, token: str) -> Any:
    """The application behind a check that every request carries the token."""
    expected = f"Bearer {token}".encode()

    async def checked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        given = next((value for header, value in scope["headers"] if header == b"authorization"), b"")
        if hmac.compare_digest(given, expected):
            await app(scope, receive, send)
            return
        headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return checked


def _token(host: str, token_env: str | None) -> str:
    token = os.environ.get(token_env, "").strip() if token_env else ""
    if token_env and len(token) < _SHORTEST_TOKEN:
        raise SourceError(
            f"{token_env} holds no token of at least {_SHORTEST_TOKEN} characters.",
            fix="Set it, for example to what 'python -c \"import secrets; print(secrets.token_hex(16))\"' prints.",
        )
    if not token and not is_loopback(host):
        raise SourceError(
            f"{host} is open to other machines, and whoever reaches it could call these tools.",
            fix="Serve on 127.0.0.1, or name a variable with a token.",
        )
    return token
