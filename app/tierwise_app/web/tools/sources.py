"""Which tools there are now, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tierwise_app.config_file import ConfigFile, config_path
from tierwise_app.web.desk import Desk
from tierwise_app.web.words import say

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise_tools import Origin, Tool, Toolset

AnyTool = Any


def configuration(settings: Settings) -> ConfigFile:
    """The configuration file as it is now, for editing.

    Raises:
        ConfigError: if it cannot be edited.
    """
    return ConfigFile(config_path(settings.path, settings.home))


def toolset(desk: Desk) -> Toolset:
    """The tools that are on. The first time their sources are opened, which may take seconds."""
    return desk.copilot.toolset()


def tool_named(found: Toolset, name: str) -> Tool[..., Any] | None:
    """The tool of that name, if it is on."""
    return next((tool for tool in found if tool.name == name), None)


def origin_words(origin: Origin) -> str:
    """Where a tool comes from, in words."""
    name = " ".join(word for word in (origin.name, origin.version) if word)
    return say(f"tools.origin.{origin.kind.replace('-', '_')}", name=name)


def switch_of(origin: Origin, name: str, settings: Settings) -> str | None:
    """The word of ``enabled`` that turns a tool off; ``None`` for one of a server or a document."""
    if origin.kind == "built-in":
        return name if name in settings.tools.enabled else None
    if origin.kind != "package":
        return None
    from tierwise_tools.packages import installed

    known = [package.name for package in installed() if origin.name in (package.name, package.distribution)]
    return next((word for word in known if word in settings.tools.enabled), None)


def server_meant(problem: str, settings: Settings) -> str | None:
    """The MCP server that a problem is about."""
    return next(
        (one.name for one in settings.tools.mcp if problem == one.name or problem.startswith(f"{one.name}__")), None
    )
