"""How an MCP server is reached and what its tools are taken for."""

from __future__ import annotations

from dataclasses import dataclass, field

from tierwise_tools.effects import Effect


@dataclass(frozen=True, slots=True)
class McpServer:
    """One MCP server.

    Attributes:
        name: what configuration calls it; its tools are ``NAME__TOOL``.
        command: program and arguments of a server on stdio; empty for one that is reached by ``url``.
        url: address of a streamable HTTP server.
        env: variables of the environment that a stdio server gets beside the harmless ones, by name; values are read
            when it starts and never written down.
        header_env: ``{header: name of the environment variable with its value}`` for an HTTP server.
        include: tools to offer; empty offers all.
        exclude: tools not to offer.
        effects: the owner's word for what its tools do; by default they are taken to write and to reach the network.
            What the server says of its own tools can only make that stricter.
        seconds: how long one call may take.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str | None = None
    env: tuple[str, ...] = ()
    header_env: dict[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ("write", "network")
    seconds: float = 60.0
