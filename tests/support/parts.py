"""Small parts with exact behaviour, for tests of what the graph does with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from tierwise import Passage, Reason, Verdict
from tierwise.models.base import ChatRequest, Chunk, Delta
from tierwise.testing import ScriptedModel
from tierwise.types import Draft


class MarkerVerifier:
    """Wants to escalate every draft that says UNSURE."""

    async def verify(self, draft: Draft, *, dial: str = "balanced") -> Verdict:
        unsure = "UNSURE" in draft.text
        reason = Reason("marker", "the draft says so", value=float(unsure), threshold=0.5)
        return Verdict("escalate" if unsure else "accept", 0.2 if unsure else 0.9, (reason,), {"marker": float(unsure)})


@dataclass
class Stuck(ScriptedModel):
    """Says so many words of one of its answers, and then nothing more: whoever stops it has all the time he needs.

    Attributes:
        words: what it says of that answer.
        nth: which answer that is, the first by default.
    """

    words: int = 0
    nth: int = 1

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        sticks, said = len(self.requests) == self.nth - 1, 0
        async with aclosing(cast(Any, super().stream(request))) as chunks:
            async for chunk in chunks:
                yield chunk
                said += isinstance(chunk, Delta)
                if sticks and said == self.words:
                    await asyncio.Event().wait()


class Shelf:
    """Finds the same passages for every question."""

    def __init__(self, *passages: Passage) -> None:
        self.passages = list(passages)
        self.asked: list[tuple[str, str | None]] = []

    def search(self, query: str, *, k: int = 5, collection: str | None = None, vector: Any = None) -> list[Passage]:
        self.asked.append((query, collection))
        return self.passages[:k]


class TinyEmbedder:
    """Word counts hashed into a few dimensions: enough to tell equal from different."""

    identity = "tiny/1"
    dimension = 64

    def embed(self, texts: Any) -> Any:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[sum(word.encode()) % self.dimension] += 1
            row /= np.linalg.norm(row) or 1
        return rows


def passage(text: str, *, source: str = "/docs/a.txt", locked: bool = False) -> Passage:
    return Passage("p1", source, "default", None, 0, len(text), text, 0.8, None, locked)
