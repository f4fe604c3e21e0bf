"""MCP: tools of other programs for our models, and our tools for other programs.

What comes from a server is not believed: its tools are offered only after a person has seen their definitions, and
only as long as these stay as they were (:mod:`.review`, :mod:`.pins`).

The names below are loaded when they are used: configuration needs :class:`McpServer` and nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tierwise_tools.mcp.settings import McpServer

if TYPE_CHECKING:
    from tierwise_tools.mcp.pins import Pins
    from tierwise_tools.mcp.serving import serve
    from tierwise_tools.mcp.source import McpSource

__all__ = ["McpServer", "McpSource", "Pins", "serve"]

_HOME = {"McpSource": "source", "Pins": "pins", "serve": "serving"}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOME:
        return getattr(import_module(f"tierwise_tools.mcp.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tierwise_tools.mcp' has no attribute {name!r}")
