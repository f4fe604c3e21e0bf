"""Tokens of texts that are counted again and again: each is counted once a model."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from weakref import WeakKeyDictionary

from tierwise.models.base import ChatModel

_MOST = 8192  # texts a model; a long thread has about a thousand

_counted: WeakKeyDictionary[ChatModel, dict[bytes, int]] = WeakKeyDictionary()


async def count_tokens(model: ChatModel, texts: Sequence[str]) -> list[int]:
    """Tokens of each text, as the model itself counts them; of the texts only a hash is kept.

    Raises:
        ModelError: if they cannot be counted.
    """
    try:
        known = _counted.setdefault(model, {})
    except TypeError:  # a model of one's own may have no place in such a table
        known = {}
    keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if new:
        counted = dict(zip(new, await model.count_tokens(list(new.values())), strict=True))
        if len(known) + len(counted) > _MOST:
            counted |= {key: known[key] for key in keys if key in known}
            known.clear()
        known |= counted
    return [known[key] for key in keys]
