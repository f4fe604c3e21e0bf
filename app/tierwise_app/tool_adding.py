"""How OpenAPI documents and MCP servers come and go, for the command line and the app."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tierwise.errors import Blocked, InvalidInput
from tierwise.tool_settings import ToolSettings, check_source_name
from tierwise_app.checks import offline_word
from tierwise_app.config_file import ConfigFile, variable_name
from tierwise_app.config_tools import put_source
from tierwise_app.tool_shelf import opened_tools, source_failures

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise_tools import Toolset
    from tierwise_tools.mcp import McpServer
    from tierwise_tools.mcp.review import Review, Reviewed
    from tierwise_tools.openapi import ApiDocument


def source_entry(settings: Settings, entry: dict[str, Any], *, where: str) -> dict[str, Any]:
    """The entry of a new source without what was not given, its name checked.

    Args:
        settings: the configuration in force.
        entry: its keys, with ``name``.
        where: what the name is called, for messages.

    Raises:
        ConfigError: if it cannot be a name.
        InvalidInput: if the name is taken.
    """
    name = check_source_name(entry["name"], where)
    if name.casefold() in (other.casefold() for other in source_names(settings)):
        raise InvalidInput(
            f"There is a source of tools {name!r} already.", fix=f"Remove it first: tierwise tools remove {name}"
        )
    return {key: value for key, value in entry.items() if value}


def source_names(settings: Settings) -> list[str]:
    """Names of the MCP servers and OpenAPI documents of the configuration."""
    return [server.name for server in settings.tools.mcp] + [document.name for document in settings.tools.openapi]


def name_of_document(path: Path) -> str:
    """A name after the file: ``Pet Store (v3).yaml`` becomes ``Pet_Store_v3``."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", path.stem).strip("_-")[:24].rstrip("_-")


def header_entry(word: str) -> tuple[str, str]:
    """A header and the variable with its value, from ``HEADER=VARIABLE``.

    Raises:
        InvalidInput: if it is not that.
    """
    header, equals, variable = word.partition("=")
    if not (header and equals):
        raise InvalidInput(
            "--header-env is not HEADER=VARIABLE.", fix="Write for example --header-env Authorization=MY_TOKEN"
        )
    return header, variable_name(variable)


def server_of(entry: dict[str, Any]) -> McpServer:
    """The MCP server of an entry.

    Raises:
        InvalidInput: if it cannot be one.
    """
    from tierwise_tools.mcp import McpServer

    try:
        return McpServer(**_frozen(entry))
    except ValueError as error:
        raise InvalidInput(f"{error}.") from error


def document_of(entry: dict[str, Any]) -> ApiDocument:
    """The OpenAPI document of an entry."""
    from tierwise_tools.openapi import ApiDocument

    return ApiDocument(**_frozen(entry) | {"path": Path(entry["path"])})


def may_ask(server: McpServer, settings: Settings) -> None:
    """See that a server may be asked what it offers.

    Raises:
        Blocked: if it is reached by the network, and this device is locked or offline.
    """
    from tierwise_tools.mcp.settings import is_loopback

    here = server.url is None or is_loopback(urlsplit(server.url).hostname or "")
    if (why := offline_word(settings)) and not here:
        raise Blocked(f"tierwise is {why}, and the MCP server {server.name} is not on this device: it is not asked.")


async def review_server(server: McpServer, settings: Settings) -> Review:
    """Ask a server what it offers, beside what was accepted of it; a program is started for it.

    Raises:
        TierwiseError: if it cannot be asked.
    """
    from tierwise.runtime import PINS
    from tierwise_tools.mcp import Pins
    from tierwise_tools.mcp.review import review

    may_ask(server, settings)
    with source_failures():
        return await review(server, Pins(settings.home / PINS))


def only(found: Review, names: Collection[str]) -> Review:
    """A review of which nothing new or changed is accepted but what is named, by the names that it shows."""

    def kept(items: Iterable[Reviewed]) -> tuple[Reviewed, ...]:
        return tuple(one for one in items if one.name in names)

    return replace(found, new=kept(found.new), changed=kept(found.changed))


def add_server(settings: Settings, file: ConfigFile, entry: dict[str, Any], shown: Review) -> Toolset:
    """Write a server down whose review was accepted, once its tools have truly been opened; else nothing changes.

    Args:
        settings: the configuration in force.
        file: where it is written.
        entry: its keys.
        shown: its review as it was shown; what the person said yes to is accepted already.

    Raises:
        TierwiseError: if it gives no tools or cannot be written; a server that is new is forgotten again.
    """
    server = server_of(entry)
    new = not (shown.same or shown.changed or shown.removed)
    try:
        tools = opened_tools(settings, ToolSettings(enabled=(), mcp=(server,)))
        put_source(file, "mcp", entry)
        file.write()
    except BaseException:
        if new:
            forget_server(settings, server.pinned_as)
        raise
    return tools


def add_document(settings: Settings, file: ConfigFile, entry: dict[str, Any]) -> Toolset:
    """Write a document down, once its tools have truly been opened; else nothing changes.

    Raises:
        TierwiseError: if it gives no tools or cannot be written.
    """
    found = opened_tools(settings, ToolSettings(enabled=(), openapi=(document_of(entry),)))
    put_source(file, "openapi", entry)
    file.write()
    return found


def forget_server(settings: Settings, name: str) -> None:
    """Take back what was accepted of an MCP server, by its name or what it is pinned as.

    Raises:
        SourceFailed: if it cannot be written down.
    """
    from tierwise.runtime import PINS
    from tierwise_tools.mcp import Pins

    with source_failures():
        Pins(settings.home / PINS).forget(name)


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
