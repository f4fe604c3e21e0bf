"""Tools between us and a model: what it is shown, and what it asked for."""

from __future__ import annotations

from tierwise.models.tools.picking import pick_tools, tool_nearness

__all__ = ["pick_tools", "tool_nearness"]
