"""``tierwise tools serve``: our tools for other programs, as an MCP server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.errors import Blocked, UsageError
from tierwise_app.cli.session import session
from tierwise_app.console import err
from tierwise_app.text import plural
from tierwise_app.tool_shelf import DocumentSearch, find_tool, open_tools, source_failures
from tierwise_tools.effects import only_reads

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise_tools import Tool, Toolset


def serve(
    ctx: typer.Context,
    http: Annotated[bool, typer.Option("--http", help="Over HTTP, in place of stdin and stdout.")] = False,
    host: Annotated[str, typer.Option("--host", help="To listen on; another than this machine needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="To listen on; 0 takes a free one.")] = 8765,
    everything: Annotated[bool, typer.Option("--all", help="Also tools that do more than read.")] = False,
    named: Annotated[
        list[str] | None, typer.Option("--tool", metavar="NAME", help="Also this tool, whatever it does.")
    ] = None,
    token_env: Annotated[
        str | None, typer.Option("--token-env", metavar="VAR", help="Variable with the token that clients must send.")
    ] = None,
) -> None:
    """Serve the tools that are on to other programs as an MCP server: those that only read, unless you say more."""
    from tierwise_tools import ToolContext
    from tierwise_tools.mcp.serving import serve as serve_mcp

    current = session(ctx)
    settings = current.settings()
    if token_env is not None and not http:
        raise UsageError("--token-env is for --http.")
    if settings.locked:
        raise Blocked("tierwise is locked: what other programs do with results is not known.", fix="Unlock it first.")
    # What goes to another program may leave the device there: locked passages are kept back.
    with open_tools(settings) as tools, DocumentSearch(current.knowledge, with_locked=False) as search:
        served = served_tools(tools, settings, everything=everything, named=named or [])
        err().print(f"serving {plural(len(served), 'tool')}: {', '.join(tool.name for tool in served)}", style="dim")
        with source_failures():
            serve_mcp(
                served,
                transport="streamable-http" if http else "stdio",
                host=host,
                port=port,
                token_env=token_env,
                context=ToolContext(search=search),
                ready=lambda address: err().print(f"listening on {address}; Ctrl-C ends it"),
            )


def served_tools(tools: Toolset, settings: Settings, *, everything: bool, named: list[str]) -> list[Tool[..., object]]:
    """Those that only read and need not ask, and those that are named, or all; none that the configuration refuses.

    Raises:
        UnknownName: for a name that is not among the tools that are on.
        Blocked: for one that the configuration refuses.
        UsageError: if none is left.
    """
    from tierwise.guards import refusal_of

    words = settings.tools.approval
    wanted = {find_tool(tools, name).name for name in named}
    served = []
    for tool in tools:
        word = words.get(tool.name)
        if refusal := refusal_of(tool, word=word, stays=settings.offline or settings.locked):
            if tool.name in wanted:
                raise Blocked(f"Not served: {refusal}.", fix="Leave it out, or change the configuration.")
            continue
        harmless = only_reads(tool.effects) and tool.asks != "always" and word != "ask"
        if everything or harmless or tool.name in wanted:
            served.append(tool)
    if not served:
        raise UsageError("No tool is left to serve.", fix="Turn one on (tierwise tools enable NAME), or add --all.")
    return served
