"""Questions in SQL to the user's table files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise_tools.tables.tool import table_tool

_HOME = {"table_tool": "tool"}

__all__ = ["table_tool"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: the process of a question imports this package too."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
