"""What a server offers, read page by page with an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tierwise_tools.errors import SourceError
from tierwise_tools.mcp.definitions import Definition
from tierwise_tools.mcp.names import tool_names
from tierwise_tools.mcp.settings import McpServer
from tierwise_tools.mcp.words import clean_words
from tierwise_tools.toolset import Problem

PAGES = 20
TOOLS = 128


@dataclass(frozen=True, slots=True)
class Listing:
    """What was read.

    Attributes:
        definitions: of the tools that the configuration wants, in the server's order, no name twice.
        problems: what was left out; ``name`` is our name of a tool, or the server's.
        version: of the server, as it says.
    """

    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...] = ()
    version: str = ""

    def definition(self, name: str) -> Definition | None:
        """The one that has this name."""
        return next((item for item in self.definitions if item.name == name), None)


async def list_definitions(client: Any, server: McpServer) -> Listing:
    """Ask for all pages, and keep what can be offered.

    Args:
        client: of the SDK, connected.
        server: says which tools are wanted.

    Raises:
        SourceError: if the list cannot be read.
    """
    from pydantic import ValidationError

    kept: dict[str, Definition] = {}
    problems: list[Problem] = []
    try:
        offered, complaint = await _all_pages(client)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise SourceError(
            f"The MCP server {server.name} gives a list of tools that does not follow the protocol, at {where}.",
            fix="Tell its maker.",
        ) from error
    if complaint:
        problems.append(Problem(server.name, complaint))
    left = 0
    for definition in offered:
        name = definition.name
        if (server.include and name not in server.include) or name in server.exclude:
            continue
        same = kept.get(name)
        if same is not None and same.sha256 == definition.sha256:
            continue
        shown = tool_names(server.name, [name])[name]
        if len(kept) + len(problems) >= TOOLS:
            left += 1
        elif same is not None:
            problems.append(Problem(shown, "The server lists it twice, and differently; the first one counts."))
        elif fault := definition.fault():
            problems.append(Problem(shown, fault))
        else:
            kept[name] = definition
    if left:
        text = f"It offers {left:,} tools more than the {TOOLS} that are looked at; choose some with 'include'."
        problems.append(Problem(server.name, text))
    info = client.server_info
    return Listing(tuple(kept.values()), tuple(problems), clean_words(info.version, 40) if info else "")


async def _all_pages(client: Any) -> tuple[list[Definition], str]:
    """The definitions, and why there may be more."""
    found: list[Definition] = []
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(PAGES):
        page = await client.list_tools(cursor=cursor)
        found += map(Definition.of, page.tools)
        cursor = page.next_cursor
        if cursor is None:
            return found, ""
        if cursor in seen:
            return found, "Its list of tools begins again and again; what came first is kept."
        seen.add(cursor)
    return found, f"Its list of tools has more than {PAGES} pages; the rest is left out."
