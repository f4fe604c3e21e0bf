"""How an MCP server is reached and what its tools are taken for."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from tierwise_tools.effects import Effect

BETWEEN = "__"
"""Stands between a server's name and a tool's; a server's name neither has it nor ends in a part of it."""

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]|_(?![_]|$)){0,23}")


@dataclass(frozen=True, slots=True)
class McpServer:
    """One MCP server.

    Attributes:
        name: what configuration calls it; its tools are ``NAME__TOOL``. At most 24 letters, digits, ``-`` and single
            ``_``, neither first nor last.
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

    Raises:
        ValueError: if the name cannot be one, if there is not exactly one of ``command`` and ``url``, or if a header
            would leave this machine unencrypted; with what to write instead.
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

    @property
    def pinned_as(self) -> str:
        """What was accepted of it is kept under this: its name and how it is reached.

        A file that somebody else wrote cannot use an accepted name to have another program started, or send what the
        environment holds to another address.
        """
        reached = json.dumps([self.command, self.url, self.env, sorted(self.header_env.items())])
        return f"{self.name}@{sha256(reached.encode()).hexdigest()[:16]}"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} cannot be an MCP server's name: use up to 24 letters, digits, '-' and single '_', "
                "and neither begin nor end with '_'"
            )
        if bool(self.command) == bool(self.url):
            raise ValueError(f"the MCP server {self.name!r} needs either a command or a url, and not both")
        if self.url is not None:
            _check_url(self.name, self.url, bool(self.header_env))


def is_loopback(host: str) -> bool:
    """Whether an address or host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _check_url(name: str, url: str, has_headers: bool) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"the url of the MCP server {name!r} cannot be read: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"the url of the MCP server {name!r} has to begin with https:// or http:// and name a host")
    if has_headers and parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"the MCP server {name!r} is sent a secret header: use https:// in its url")
