"""From a tier's entry in the configuration to the model that serves it."""

from __future__ import annotations

from pathlib import Path

from tierwise.config import Tier
from tierwise.errors import UnknownName
from tierwise.models.base import ChatModel
from tierwise.models.model_cards import card, locate


def open_model(tier: Tier, *, home: Path | None = None) -> ChatModel:
    """Make the model of a tier. Nothing is loaded and no connection is made until it is used.

    Args:
        tier: its entry.
        home: the home folder, where downloaded models lie.

    Raises:
        ModelError: if the model, its file or the extra it needs is not there.
        UnknownName: if the catalogue does not have it.
    """
    if not isinstance(tier.model, str):
        return tier.model
    kind, _, name = tier.model.partition(":")
    if kind == "llama":
        return _open_llama(tier, name, home)
    from tierwise.models.openai_chat import OpenAIChat

    return OpenAIChat.from_tier(tier)


def _open_llama(tier: Tier, name: str, home: Path | None) -> ChatModel:
    from tierwise.models.llama import LlamaModel

    if "/" in name or "\\" in name or name.endswith(".gguf"):
        return LlamaModel(name, name=tier.model_name, context_window=tier.context_window)
    path = locate(name, home=home)
    try:
        known = card(name)
    except UnknownName:
        known = None
    # A hash is checked where we know it for the very file: the one from a package. The user's own file is the user's.
    sha256 = known.sha256 if known and known.package and path.name == known.file else None
    return LlamaModel(path, name=tier.model_name, context_window=tier.context_window, sha256=sha256)
