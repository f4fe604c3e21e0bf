"""An MCP server as a source of tools: what was accepted of it, under our names, with the owner's word on effects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Bounds, Origin, Tool
from tierwise_tools.effects import Asks, Effect, read_effects
from tierwise_tools.errors import SourceError
from tierwise_tools.foreign import foreign_tool
from tierwise_tools.mcp.background import in_background
from tierwise_tools.mcp.connection import Connection, given_values
from tierwise_tools.mcp.definitions import Definition
from tierwise_tools.mcp.listing import Listing
from tierwise_tools.mcp.names import tool_names
from tierwise_tools.mcp.pins import Pin, Pins
from tierwise_tools.mcp.results import read_result
from tierwise_tools.mcp.settings import McpServer
from tierwise_tools.mcp.suspicions import suspicions, text_suspicions
from tierwise_tools.mcp.words import fixed_texts, shown_description, shown_schema
from tierwise_tools.result import ToolResult
from tierwise_tools.toolset import Problem, Toolset


class McpSource:
    """A :class:`~tierwise_tools.ToolSource` of one server; any event loop may use it.

    Args:
        server: how it is reached.
        pins: what was accepted of it.
    """

    def __init__(self, server: McpServer, pins: Pins) -> None:
        self._server = server
        self._pins = pins
        self._connection = Connection(server)

    @property
    def name(self) -> str:
        """What configuration calls it."""
        return self._server.name

    @property
    def reaches_network(self) -> bool:
        """Whether its tools do, by the owner's word; it is not even started for a turn that stays on the device."""
        return "network" in self._server.effects

    async def open(self) -> Toolset:
        """The tools that are as they were accepted; what is new, changed or gone is a problem.

        A server of which nothing was accepted, or which is reached in another way since, is not even started.

        Raises:
            SourceError: if it was never reviewed, cannot be reached, or offers nothing.
        """
        accepted = self._pins.of(self._server.pinned_as)
        if accepted is None:
            raise SourceError(f"The MCP server {self.name} has not been reviewed as it is set now.", fix=self._fix())
        listing = await in_background(self._connection.refresh())
        if not listing.definitions and not listing.problems:
            raise SourceError(f"The MCP server {self.name} offers no tools.", fix=self._fix())
        return self._offered(listing, accepted)

    async def aclose(self) -> None:
        """End the connection; safe to call twice."""
        await in_background(self._connection.close())

    def _offered(self, listing: Listing, accepted: Mapping[str, Pin]) -> Toolset:
        names = tool_names(self.name, {*accepted, *(item.name for item in listing.definitions)})
        tools: list[Tool[..., Any]] = []
        problems = list(listing.problems)
        review = f"'tierwise tools review {self.name}'"
        for definition in listing.definitions:
            name, pin = names[definition.name], accepted.get(definition.name)
            if pin is None:
                problems.append(Problem(name, f"It is new since you accepted this server: see it with {review}."))
            elif pin.definition.sha256 != definition.sha256:
                problems.append(Problem(name, f"It changed since you accepted it: see the difference with {review}."))
            else:
                try:
                    tools.append(self._tool(definition, name, pin.words, listing.version))
                except ValueError as error:
                    problems.append(Problem(name, f"It cannot be offered: {error}."))
        offered = {item.name for item in listing.definitions}
        problems += [
            Problem(names[tool], "The server does not offer it any more.") for tool in accepted.keys() - offered
        ]
        return Toolset(tuple(tools), tuple(problems))

    def _tool(self, definition: Definition, name: str, words: bool, version: str) -> Tool[..., Any]:
        withheld = not words and bool(suspicions(definition))
        if withheld and (found := text_suspicions(fixed_texts(definition))):
            raise ValueError(f"the names and values of its parameters cannot be withheld, and {found[0]}")

        async def call(arguments: dict[str, Any], context: ToolContext) -> ToolResult:
            result = await in_background(self._connection.call(definition, arguments, context.progress))
            secrets = given_values(self._server)
            return await asyncio.to_thread(read_result, result, tool=name, folder=context.folder, secrets=secrets)

        effects, asks = _effects(self._server.effects, definition)
        return foreign_tool(
            call,
            name=name,
            description=shown_description(definition, withheld=withheld, server=self.name),
            parameters=shown_schema(definition, withheld=withheld),
            effects=effects,
            asks=asks,
            bounds=Bounds(seconds=self._server.seconds),
            origin=Origin("mcp", self.name, version),
        )

    def _fix(self) -> str:
        return f"See what it offers with 'tierwise tools review {self.name}'."


def _effects(owner: tuple[Effect, ...], definition: Definition) -> tuple[tuple[Effect, ...], Asks]:
    """The owner's word, made stricter by what the server admits; nothing a server says makes it looser."""
    effects: list[Effect] = list(owner)
    destroys = definition.hint("destructiveHint") is True
    if destroys or definition.hint("readOnlyHint") is False:
        effects.append("write")
    if definition.hint("openWorldHint") is True:
        effects.append("network")
    return read_effects(effects), "always" if destroys else "by_effect"
