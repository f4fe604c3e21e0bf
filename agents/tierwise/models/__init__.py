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
    from tierwise.models.device.profile import DeviceProfile, Estimate, Plan, estimate, plan, profile
    from tierwise.models.factory import open_embedder, open_model
    from tierwise.models.hosted.chat import OpenAIChat
    from tierwise.models.hosted.embedder import OpenAIEmbedder
    from tierwise.models.hosted.responses import OpenAIResponses
    from tierwise.models.local.model import LlamaModel
    from tierwise.models.minilm import MiniLM
    from tierwise.models.store.card import Card, Shape, card, catalogue
    from tierwise.models.store.download_types import DownloadLimits, DownloadProgress
    from tierwise.models.store.files import (
        InstalledModel,
        checked_name,
        find_installed,
        installed,
        installed_models,
        locate,
        models_folder,
        unfinished,
    )
    from tierwise.models.store.pulls import add_file, pull, pull_url, remove_model
    from tierwise.models.tools.dialects import dialect_for

_LAZY = {
    "Card": "store.card",
    "DeviceProfile": "device.profile",
    "DownloadLimits": "store.download_types",
    "DownloadProgress": "store.download_types",
    "Estimate": "device.profile",
    "InstalledModel": "store.files",
    "LlamaModel": "local.model",
    "MiniLM": "minilm",
    "OpenAIChat": "hosted.chat",
    "OpenAIEmbedder": "hosted.embedder",
    "OpenAIResponses": "hosted.responses",
    "Plan": "device.profile",
    "Shape": "store.card",
    "add_file": "store.pulls",
    "card": "store.card",
    "catalogue": "store.card",
    "checked_name": "store.files",
    "dialect_for": "tools.dialects",
    "estimate": "device.profile",
    "find_installed": "store.files",
    "installed": "store.files",
    "installed_models": "store.files",
    "locate": "store.files",
    "models_folder": "store.files",
    "open_embedder": "factory",
    "open_model": "factory",
    "plan": "device.profile",
    "profile": "device.profile",
    "pull": "store.pulls",
    "pull_url": "store.pulls",
    "remove_model": "store.pulls",
    "unfinished": "store.files",
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
    "DeviceProfile",
    "DownloadLimits",
    "DownloadProgress",
    "Embedder",
    "Estimate",
    "InstalledModel",
    "LlamaModel",
    "MiniLM",
    "OpenAIChat",
    "OpenAIEmbedder",
    "OpenAIResponses",
    "Plan",
    "Queued",
    "Reading",
    "Shape",
    "ToolSpec",
    "add_file",
    "card",
    "catalogue",
    "checked_name",
    "dialect_for",
    "estimate",
    "find_installed",
    "installed",
    "installed_models",
    "locate",
    "models_folder",
    "open_embedder",
    "open_model",
    "plan",
    "profile",
    "pull",
    "pull_url",
    "remove_model",
    "unfinished",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
