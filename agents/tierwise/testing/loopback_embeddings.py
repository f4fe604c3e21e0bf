"""The embeddings endpoint, as the loopback server speaks it."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tierwise.models.base import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


class WordVectors:
    """Counts words, hashed into 64 numbers: texts that share words are near.

    An :class:`~tierwise.models.base.Embedder` that needs no model.
    """

    identity = "word-vectors/1"
    dimension = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; shape ``(len(texts), 64)``, rows of length 1."""
        import numpy as np

        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _WORD.findall(text.lower()) or [""]:
                row[zlib.crc32(word.encode()) % self.dimension] += 1
            row /= np.linalg.norm(row)
        return rows


def embeddings(data: dict[str, Any], embedder: Embedder) -> dict[str, Any]:
    """The answer to an embeddings request, as numbers or as base64 (float32, little-endian); usage counts words.

    Raises:
        KeyError | TypeError | ValueError: if it is no such request.
    """
    given = data["input"]
    texts = [given] if isinstance(given, str) else given
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ValueError("input must be a text or texts, none of them empty")
    vectors = embedder.embed(texts)[:, : data.get("dimensions")]
    as_base64 = data.get("encoding_format") == "base64"
    words = sum(len(_WORD.findall(text)) for text in texts)
    return {
        "object": "list",
        "model": data["model"],
        "data": [
            {
                "object": "embedding",
                "index": n,
                "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode() if as_base64 else row.tolist(),
            }
            for n, row in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }
