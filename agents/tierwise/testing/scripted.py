"""A model whose answers are written down beforehand: exact, instant, and it remembers what it was asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tierwise.models.base import Called, Capabilities, ChatRequest, Chunk, Completed, Delta, Reading
from tierwise.models.stops import StopFilter
from tierwise.types import Finish, TokenEvidence, ToolCall, Usage

_PIECES = re.compile(r"\s*\S+\s*")


@dataclass(frozen=True, slots=True)
class Step:
    """One answer of a :class:`ScriptedModel`.

    Attributes:
        text: streamed word by word.
        calls: tools to ask for after the text.
        evidence: token evidence to report, if any.
        finish: why the answer ends; by default ``stop``, or ``tool_calls`` if there are calls.
        error: raised after ``text``.
        delay: seconds to wait before each word.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    evidence: TokenEvidence | None = None
    finish: Finish | None = None
    error: Exception | None = None
    delay: float = 0.0


@dataclass
class ScriptedModel:
    """A :class:`~tierwise.models.ChatModel` that plays its steps in order.

    Attributes:
        steps: what to answer, first in, first out; a callable gets the request and returns the step to play.
            The last step of a model with ``repeat`` is played again and again.
        requests: every request received, in order.
    """

    steps: Sequence[str | Step | Callable[[ChatRequest], str | Step]]
    name: str = "scripted"
    context_window: int = 8192
    on_device: bool = True
    tools: Literal["native", "prompted", "none"] = "native"
    structured: Literal["constrained", "native", "none"] = "none"
    adapters: bool = False
    host: str | None = None
    repeat: bool = False
    requests: list[ChatRequest] = field(default_factory=list)
    cancelled: int = 0
    closed: bool = False

    @property
    def capabilities(self) -> Capabilities:
        """What the constructor was told."""
        return Capabilities(
            context_window=self.context_window,
            on_device=self.on_device,
            tools=self.tools,
            token_evidence=True,
            exact_counts=True,
            host=self.host,
            structured=self.structured,
            adapters=self.adapters,
        )

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Play the next step.

        Raises:
            AssertionError: if no step is left.
        """
        step = self._next(request)
        total = sum(await self.count_tokens([m.content for m in request.messages]))
        words = _PIECES.findall(step.text) or ([step.text] if step.text else [])
        try:
            yield Reading(total, total)
            stops = StopFilter(request.stop)
            for word in words[: request.max_tokens]:
                await asyncio.sleep(step.delay)
                if shown := stops.feed(word):
                    yield Delta(shown)
                if stops.hit:
                    break
            if rest := stops.rest():
                yield Delta(rest)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        if step.error is not None:
            raise step.error
        for call in step.calls:
            yield Called(call)
        yield Completed(
            finish=step.finish or ("tool_calls" if step.calls else "stop"),
            usage=Usage(prompt_tokens=total, completion_tokens=len(words)),
            model_served=self.name,
            evidence=step.evidence if request.evidence else None,
            sent_bytes=0 if self.on_device else sum(len(m.content.encode()) for m in request.messages),
        )

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """One token a word."""
        return [len(_PIECES.findall(text)) for text in texts]

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def assert_complete(self) -> None:
        """Fail if a step was not played.

        Raises:
            AssertionError: naming how many are left.
        """
        if not self.repeat and len(self.requests) < len(self.steps):
            raise AssertionError(f"{self.name}: {len(self.steps) - len(self.requests)} scripted steps were not played")

    def _next(self, request: ChatRequest) -> Step:
        position = len(self.requests)
        self.requests.append(request)
        if position >= len(self.steps) and not (self.repeat and self.steps):
            raise AssertionError(f"{self.name}: request {position + 1}, but only {len(self.steps)} steps were scripted")
        step = self.steps[min(position, len(self.steps) - 1)]
        played = step(request) if callable(step) else step
        return Step(text=played) if isinstance(played, str) else played
