"""Tries a tier for real: loads it, writes eight tokens, measures."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tierwise.types import Message
from tierwise_app.stopping import run_while

if TYPE_CHECKING:
    from tierwise.config import Tier
    from tierwise.models import ChatModel

TOKENS = 8
_PROMPT = Message("user", "Count from one to twenty in words.")


@dataclass(frozen=True, slots=True)
class Probe:
    """What a trial of a tier gave.

    Attributes:
        tier: the tier's name.
        model: what was asked for.
        served: what answered.
        load_ms: milliseconds until the model was ready; 0 for a hosted one.
        first_token_ms: from the request to the first text.
        tokens_per_s: speed of writing after the first token; ``None`` where the server sent all at once.
        tokens: how many were written.
        text: what was written.
        crashed: the model's process died in the trial and only its safe, slower mode worked.
        called_tool: whether it called the tool it was given; ``None`` if it does not claim to, or was not asked.
    """

    tier: str
    model: str
    served: str
    load_ms: float
    first_token_ms: float
    tokens_per_s: float | None
    tokens: int
    text: str
    crashed: bool = False
    called_tool: bool | None = None


def probe(tier: Tier, home: Path, *, tools: bool = False, wanted: Callable[[], bool] = lambda: True) -> Probe:
    """Try a tier. A hosted one costs a few tokens.

    Args:
        tier: which.
        home: the home folder.
        tools: also give it a tool to call, if it claims to call tools.
        wanted: once it is false the trial ends.

    Raises:
        Stopped: if it was not wanted any more.
        TierwiseError: the reason why it cannot answer.
    """
    from tierwise.models import open_model

    return run_while(wanted, _probe(tier, open_model(tier, home=home), tools))


async def _probe(tier: Tier, model: ChatModel, tools: bool) -> Probe:
    from tierwise.models import ChatRequest, Completed, Delta

    try:
        begun = time.perf_counter()
        if model.capabilities.exact_counts:
            await model.count_tokens(["ready"])  # loads it
        loaded = time.perf_counter()
        before = getattr(model, "pid", None)
        first, text, done = None, "", None
        async with aclosing(cast("Any", model.stream(ChatRequest((_PROMPT,), max_tokens=TOKENS)))) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Delta):
                    first = first or time.perf_counter()
                    text += chunk.text
                elif isinstance(chunk, Completed):
                    done = chunk
        ended = time.perf_counter()
        # The process of a local model is replaced only when it died under the first decode.
        crashed = before is not None and getattr(model, "pid", None) != before
        called = await _calls_a_tool(model) if tools and model.capabilities.tools != "none" else None
    finally:
        await model.aclose()
    assert done is not None, "a stream that ends well ends with Completed"
    first, tokens = first or ended, done.usage.completion_tokens
    speed = (tokens - 1) / (ended - first) if tokens > 1 and ended - first > 1e-3 else None
    return Probe(
        tier=tier.name,
        model=tier.model_name,
        served=done.model_served,
        load_ms=(loaded - begun) * 1e3,
        first_token_ms=(first - loaded) * 1e3,
        tokens_per_s=speed,
        tokens=tokens,
        text=text,
        crashed=crashed,
        called_tool=called,
    )


async def _calls_a_tool(model: ChatModel) -> bool:
    """Whether the model calls the one tool that answers the question, with the right argument."""
    from tierwise.models import Called, ChatRequest, ToolSpec

    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    weather = ToolSpec("weather", "The weather of a city right now.", city)
    request = ChatRequest((Message("user", "What is the weather in Paris?"),), max_tokens=64, tools=(weather,))
    async with aclosing(cast("Any", model.stream(request))) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Called):
                return chunk.call.name == "weather" and "paris" in str(chunk.call.arguments.get("city", "")).lower()
    return False
