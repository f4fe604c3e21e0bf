"""Models behind one protocol: local GGUFs, hosted OpenAI-compatible servers, and the embedder."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tierwise.models.base import (
    Called,
    Capabilities,
    ChatModel,
    ChatRequest,
    Chunk,
    Completed,
    Delta,
    Embedder,
    Queued,
    Reading,
    ToolSpec,
)

if TYPE_CHECKING:
    from tierwise.models.factory import open_model
    from tierwise.models.llama import LlamaModel
    from tierwise.models.minilm import MiniLM
    from tierwise.models.model_cards import Card, card, catalogue, installed, locate
    from tierwise.models.openai_chat import OpenAIChat

_LAZY = {
    "Card": "model_cards",
    "LlamaModel": "llama",
    "MiniLM": "minilm",
    "OpenAIChat": "openai_chat",
    "card": "model_cards",
    "catalogue": "model_cards",
    "installed": "model_cards",
    "locate": "model_cards",
    "open_model": "factory",
}

__all__ = [
    "Called",
    "Capabilities",
    "Card",
    "ChatModel",
    "ChatRequest",
    "Chunk",
    "Completed",
    "Delta",
    "Embedder",
    "LlamaModel",
    "MiniLM",
    "OpenAIChat",
    "Queued",
    "Reading",
    "ToolSpec",
    "card",
    "catalogue",
    "installed",
    "locate",
    "open_model",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
