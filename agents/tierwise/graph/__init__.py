"""The agent graph: state, nodes and edges. The only package that imports langgraph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise.graph.build import Node, build_graph
    from tierwise.graph.context import TurnContext
    from tierwise.graph.state import TurnState

_HOME = {"Node": "build", "TurnContext": "context", "TurnState": "state", "build_graph": "build"}
__all__ = ["Node", "TurnContext", "TurnState", "build_graph"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOME:
        return getattr(import_module(f"tierwise.graph.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tierwise.graph' has no attribute {name!r}")
