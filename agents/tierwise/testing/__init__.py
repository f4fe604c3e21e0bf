"""The testing kit: scripted models, an OpenAI-compatible loopback server, a network block, a ready-made copilot.

It is part of the product: use it to test what you build on tierwise.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise.testing.copilot import make_copilot
    from tierwise.testing.loopback import Fault, LoopbackServer
    from tierwise.testing.network import NetworkBlocked, block_network
    from tierwise.testing.recorded import RecordedModel
    from tierwise.testing.scripted import ScriptedModel, Step
    from tierwise.testing.tiny_adapter import write_adapter

_HOME = {
    "Fault": "loopback",
    "LoopbackServer": "loopback",
    "NetworkBlocked": "network",
    "RecordedModel": "recorded",
    "ScriptedModel": "scripted",
    "Step": "scripted",
    "block_network": "network",
    "make_copilot": "copilot",
    "write_adapter": "tiny_adapter",
}
__all__ = [
    "Fault",
    "LoopbackServer",
    "NetworkBlocked",
    "RecordedModel",
    "ScriptedModel",
    "Step",
    "block_network",
    "make_copilot",
    "write_adapter",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"tierwise.testing.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tierwise.testing' has no attribute {name!r}")
