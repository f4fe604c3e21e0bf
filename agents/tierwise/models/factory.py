"""From an entry in the configuration to the model or the embedder that serves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.config import EmbedderSettings, Tier
from tierwise.models.base import ChatModel
from tierwise.models.store.card import find_card
from tierwise.models.store.files import expected_sha256, locate

if TYPE_CHECKING:
    from tierwise.models.hosted.embedder import OpenAIEmbedder
    from tierwise.models.minilm import MiniLM


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
    return _open_hosted(tier)


def open_embedder(settings: EmbedderSettings | None) -> MiniLM | OpenAIEmbedder:
    """Make the configured embedder, or MiniLM. Nothing is loaded and no connection is made until it is used.

    Args:
        settings: the ``[embedder]`` section, if there is one.

    Raises:
        ConfigError: if its address is none.
    """
    if settings is None:
        from tierwise.models.minilm import MiniLM

        return MiniLM()
    from tierwise.models.hosted.embedder import OpenAIEmbedder

    return OpenAIEmbedder.from_settings(settings)


def _open_hosted(tier: Tier) -> ChatModel:
    from tierwise.models.hosted.chat import OpenAIChat
    from tierwise.models.hosted.responses import OpenAIResponses

    # Few servers but the OpenAI API itself speak Responses; nearly all speak Chat Completions.
    api = tier.api if tier.api != "auto" else "responses" if tier.base_url is None else "chat"
    return OpenAIResponses.from_tier(tier) if api == "responses" else OpenAIChat.from_tier(tier)


def _open_llama(tier: Tier, name: str, home: Path | None) -> ChatModel:
    from tierwise.models.local.model import LlamaModel

    path, sha256, skilled = Path(name), None, False
    if not ("/" in name or "\\" in name or name.endswith(".gguf")):
        path = locate(name, home=home)
        # A hash is checked where we know it and the file may have changed since. The user's own file is the user's.
        sha256 = expected_sha256(name, path)
        known = find_card(name)
        skilled = known is not None and known.tools != "none"
    return LlamaModel(
        path,
        name=tier.model_name,
        context_window=tier.context_window,
        sha256=sha256,
        adapter=tier.adapter,
        tools="prompted" if (skilled if tier.tools is None else tier.tools) else "none",
    )
