"""The tools of a copilot, from its settings or from what the caller brought."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tierwise.config import Settings
from tierwise.graph.shelf import ToolShelf
from tierwise.tool_settings import ToolSettings
from tierwise_tools import Origin, Problem, SourceError, Tool, Toolset, ToolSource, as_tool

PINS = "tool_pins.json"
"""File of the home folder with the definitions of MCP servers that a person accepted."""
NEEDS_ROOT = ("read_file", "list_files", "write_file", "query_table")


def make_shelf(settings: Settings, brought: Iterable[Any] | None) -> ToolShelf:
    """The tools that the configuration enables, or those that the caller brought in their place.

    Args:
        settings: the configuration in force.
        brought: functions, tools, toolsets and sources; ``None`` goes by the configuration.

    Raises:
        AuthoringError: if something that was brought cannot be a tool.
    """
    if brought is None:
        return ToolShelf(built_in_tools(settings.tools), tool_sources(settings))
    own, sources = Toolset(), []
    for item in brought:
        if isinstance(item, Toolset):
            own = own + item
        elif isinstance(item, ToolSource):
            sources.append(item)
        else:
            own = own + Toolset((as_tool(item),))
    return ToolShelf(own, sources)


def built_in_tools(settings: ToolSettings) -> Toolset:
    """The built-in tools that are enabled."""
    found = Toolset()
    for name in settings.enabled:
        make = _MADE.get(name)
        if make is None:
            continue
        if name in NEEDS_ROOT and settings.root is None:
            text = 'It needs a folder to work in: write root = "/path/to/folder" under [tools].'
            found = found.with_problems([Problem(name, text)])
            continue
        try:
            found = found + Toolset((make(settings.root or Path()).but(origin=Origin("built-in")),))
        except SourceError as error:  # an extra, a folder or a sandbox is missing
            found = found.with_problems([Problem(name, str(error))])
    return found


def tool_sources(settings: Settings) -> list[ToolSource]:
    """The packages, MCP servers and OpenAPI documents that are configured; none is opened."""
    tools, home = settings.tools, settings.home
    found: list[ToolSource] = []
    if packages := [name for name in tools.enabled if name not in _MADE]:
        from tierwise_tools.packages import PackageSource

        found += [PackageSource(name, cache=home / "tool_packages") for name in packages]
    if tools.mcp:
        from tierwise_tools.mcp import McpSource, Pins

        pins = Pins(home / PINS)
        found += [McpSource(server, pins) for server in tools.mcp]
    if tools.openapi:
        from tierwise_tools.openapi import OpenApiSource

        found += [OpenApiSource(document) for document in tools.openapi]
    return found


def _calculator(root: Path) -> Tool[..., Any]:
    from tierwise_tools import calculator

    return calculator


def _clock(root: Path) -> Tool[..., Any]:
    from tierwise_tools import clock

    return clock


def _search(root: Path) -> Tool[..., Any]:
    from tierwise_tools import search_knowledge

    return search_knowledge


def _file_tool(name: str) -> Callable[[Path], Tool[..., Any]]:
    def make(root: Path) -> Tool[..., Any]:
        from tierwise_tools.files import file_tools

        return next(tool for tool in file_tools(root) if tool.name == name)

    return make


def _fetch(root: Path) -> Tool[..., Any]:
    from tierwise_tools.web import fetch_tool

    return fetch_tool()


def _table(root: Path) -> Tool[..., Any]:
    from tierwise_tools.tables import table_tool

    return table_tool(root)


def _python(root: Path) -> Tool[..., Any]:
    from tierwise_tools.sandbox import level, python_tool

    level()  # raises where no sandbox works: better told now than at every call
    return python_tool()


_MADE: dict[str, Callable[[Path], Tool[..., Any]]] = {
    "calculator": _calculator,
    "clock": _clock,
    "search_knowledge": _search,
    "read_file": _file_tool("read_file"),
    "list_files": _file_tool("list_files"),
    "write_file": _file_tool("write_file"),
    "fetch_url": _fetch,
    "query_table": _table,
    "python": _python,
}
BUILT_IN = tuple(_MADE)
"""Names of the tools that come along."""
