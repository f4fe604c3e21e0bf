"""The tool kit: a typed, documented function is a tool."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise_tools.builtin.calculator import calculator
    from tierwise_tools.builtin.clock import clock
    from tierwise_tools.builtin.knowledge import search_knowledge
    from tierwise_tools.context import ToolContext
    from tierwise_tools.definition import Bounds, Origin, Tool
    from tierwise_tools.effects import Effect
    from tierwise_tools.errors import AuthoringError, SourceError, ToolError
    from tierwise_tools.function import as_tool, tool
    from tierwise_tools.result import KeptFile, ToolResult
    from tierwise_tools.toolset import Problem, Toolset, ToolSource

_HOME = {
    "builtin.calculator": ("calculator",),
    "builtin.clock": ("clock",),
    "context": ("ToolContext",),
    "effects": ("Effect",),
    "errors": ("AuthoringError", "SourceError", "ToolError"),
    "function": ("as_tool", "tool"),
    "result": ("KeptFile", "ToolResult"),
    "builtin.knowledge": ("search_knowledge",),
    "definition": ("Bounds", "Origin", "Tool"),
    "toolset": ("Problem", "ToolSource", "Toolset"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AuthoringError",
    "Bounds",
    "Effect",
    "KeptFile",
    "Origin",
    "Problem",
    "SourceError",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "ToolSource",
    "Toolset",
    "as_tool",
    "calculator",
    "clock",
    "search_knowledge",
    "tool",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _MODULE_OF:
        value = getattr(import_module(f"tierwise_tools.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tierwise_tools' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
