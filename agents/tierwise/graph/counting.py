"""Tokens of texts that are counted again and again: each is counted once a model."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from tierwise.graph.per_model import PerModel
from tierwise.models.base import ChatModel

_MOST = 8192  # texts a model; a long thread has about a thousand

_counted: PerModel[dict[bytes, int]] = PerModel(dict)


async def count_tokens(model: ChatModel, texts: Sequence[str]) -> list[int]:
    """Tokens of each text, as the model itself counts them; of the texts only a hash is kept.

    Raises:
        ModelError: if they cannot be counted.
    """
    known = _counted.of(model)
    keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if new:
        counted = dict(zip(new, await model.count_tokens(list(new.values())), strict=True))
        if len(known) + len(counted) > _MOST:
            counted |= {key: known[key] for key in keys if key in known}
            known.clear()
        known |= counted
    return [known[key] for key in keys]
