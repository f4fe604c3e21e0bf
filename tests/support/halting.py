"""A scripted model that stops in the middle of its answer, so that no test has to be faster than it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tierwise.models import ChatRequest, Chunk, Delta
from tierwise.testing import ScriptedModel

HALVES = "in halves"


@dataclass
class Halting(ScriptedModel):
    """Stops in the middle of the answer to a question that it is to answer in halves.

    Attributes:
        words: after so many.
        halves: what stands in such a question.
        on: lets it go on; so do two minutes, for a test that has failed.
    """

    words: int = 20
    halves: str = HALVES
    on: threading.Event = field(default_factory=threading.Event)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Play the next step."""
        halts, words = self.halves in request.messages[-1].content, 0
        async for chunk in super().stream(request):
            yield chunk
            words += isinstance(chunk, Delta)
            last = time.monotonic() + 120
            while halts and words == self.words and not self.on.is_set() and time.monotonic() < last:
                await asyncio.sleep(0.01)
