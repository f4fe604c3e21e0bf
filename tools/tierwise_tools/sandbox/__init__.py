"""Python that a model wrote, run where it can reach nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise_tools.sandbox.limits import Limits
    from tierwise_tools.sandbox.probe import Level, level
    from tierwise_tools.sandbox.tool import python_tool

_HOME = {"Level": "probe", "Limits": "limits", "level": "probe", "python_tool": "tool"}

__all__ = ["Level", "Limits", "level", "python_tool"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: what runs within imports this package too."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
