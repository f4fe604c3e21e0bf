"""tierwise: answers on your machine, asks a bigger model only when it must, and shows you why."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise.callers import Caller, CallerTool, Conversation, Sampling
    from tierwise.config import Budget, Limits, Price, Settings, Tier, load_settings
    from tierwise.errors import Blocked, ConfigError, ModelError, StoreError, TierwiseError, UnknownName, UsageError
    from tierwise.events import Event, event_from_json, event_to_json
    from tierwise.jsonable import from_json, to_json
    from tierwise.runtime.async_copilot import AsyncCopilot
    from tierwise.runtime.copilot import Copilot
    from tierwise.runtime.route import Route
    from tierwise.runtime.running import RunningTurn
    from tierwise.turns import Answer, DecisionRecord, Notice, Outgoing, OutgoingItem, TypedAnswer
    from tierwise.types import Citation, Draft, Message, Passage, Reason, ToolCall, Verdict
    from tierwise.verify.citing.support import mark_citations
    from tierwise_tools import ToolContext, tool

__version__ = "0.1.0"

_HOME = {
    "tierwise.callers": ("Caller", "CallerTool", "Conversation", "Sampling"),
    "tierwise.config": ("Budget", "Limits", "Price", "Settings", "Tier", "load_settings"),
    "tierwise.errors": (
        "Blocked",
        "ConfigError",
        "ModelError",
        "StoreError",
        "TierwiseError",
        "UnknownName",
        "UsageError",
    ),
    "tierwise.events": ("Event", "event_from_json", "event_to_json"),
    "tierwise.jsonable": ("from_json", "to_json"),
    "tierwise.runtime.async_copilot": ("AsyncCopilot",),
    "tierwise.runtime.copilot": ("Copilot",),
    "tierwise.runtime.route": ("Route",),
    "tierwise.runtime.running": ("RunningTurn",),
    "tierwise.turns": ("Answer", "DecisionRecord", "Notice", "Outgoing", "OutgoingItem", "TypedAnswer"),
    "tierwise.types": ("Citation", "Draft", "Message", "Passage", "Reason", "ToolCall", "Verdict"),
    "tierwise.verify.citing.support": ("mark_citations",),
    "tierwise_tools": ("ToolContext", "tool"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Answer",
    "AsyncCopilot",
    "Blocked",
    "Budget",
    "Caller",
    "CallerTool",
    "Citation",
    "ConfigError",
    "Conversation",
    "Copilot",
    "DecisionRecord",
    "Draft",
    "Event",
    "Limits",
    "Message",
    "ModelError",
    "Notice",
    "Outgoing",
    "OutgoingItem",
    "Passage",
    "Price",
    "Reason",
    "Route",
    "RunningTurn",
    "Sampling",
    "Settings",
    "StoreError",
    "Tier",
    "TierwiseError",
    "ToolCall",
    "ToolContext",
    "TypedAnswer",
    "UnknownName",
    "UsageError",
    "Verdict",
    "event_from_json",
    "event_to_json",
    "from_json",
    "load_settings",
    "mark_citations",
    "to_json",
    "tool",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: importing tierwise stays light."""
    if name in _MODULE_OF:
        value = getattr(import_module(_MODULE_OF[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tierwise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
