"""Embedding passages for ingest beside Chroma's default embedder. Bars: >= 2.5x at 100 tokens, >= 1x at 256.

Its time goes into padding every text to 256 tokens; ours runs each text at its own length, one a core.
"""

from __future__ import annotations

import random
import tempfile
from functools import partial
from pathlib import Path

from benches.embedding import alternate, chroma_default
from tierwise.models.minilm import MiniLM

ROUNDS = 3
PASSAGES = 16
WORDS = ("boiler", "pump", "water", "tank", "valve", "steam", "coffee", "hut", "train", "lake", "rent", "key")


def passages(model: MiniLM, tokens: int) -> list[str]:
    """Texts of exactly ``tokens`` tokens, the two special ones included."""
    dice = random.Random(7)
    texts = [" ".join(dice.choices(WORDS, k=tokens - 2)) for _ in range(PASSAGES)]
    assert {len(model.token_spans(text)) for text in texts} == {tokens - 2}
    return texts


def main() -> None:
    ours = MiniLM()
    with tempfile.TemporaryDirectory() as folder:
        theirs = chroma_default(Path(folder))
        print(f"{PASSAGES} passages, {ROUNDS} rounds, medians (bars: 2.5x at 100 tokens, 1x at 256)")
        for tokens in (100, 140, 256):
            texts = passages(ours, tokens)
            fast, slow = alternate(ROUNDS, partial(ours.embed, texts), partial(theirs, texts))
            rates = f"tierwise {PASSAGES / fast:6.1f} a second   Chroma's default {PASSAGES / slow:6.1f}"
            print(f"  {tokens:3} tokens   {rates}   {slow / fast:.1f}x")


if __name__ == "__main__":
    main()
