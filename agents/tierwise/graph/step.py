"""One model step: run it, pass on what it says as it says it, keep what must not be lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from tierwise.config import Tier
from tierwise.errors import ModelError, ServerError
from tierwise.events import AttemptDiscarded, Event, PromptProgress, TextDelta, ToolRequested
from tierwise.graph.context import Live, TurnContext
from tierwise.models.base import Called, ChatModel, ChatRequest, Completed, Delta, Reading
from tierwise.types import ToolCall, Usage

_KEEP_EVERY = 0.4  # seconds between two writes of the partial text
_RETRIES = 1
_LONGEST_WAIT = 5.0  # seconds; a server that wishes for more is not worth waiting for within a turn


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one model step gave: its text, the tools it asks for, how it ended, how long it took."""

    text: str
    calls: tuple[ToolCall, ...]
    done: Completed
    ms: float
    first_token_ms: float | None


async def run_step(
    context: TurnContext,
    emit: Callable[[Event], None],
    *,
    attempt: int,
    tier: Tier,
    model: ChatModel,
    request: ChatRequest,
    passages: int,
    text_before: str,
    replaces: int | None,
) -> StepResult:
    """Run one model step, once more if it failed in passing before it said anything.

    Args:
        context: the turn.
        emit: takes the events.
        attempt: number of the attempt the step belongs to.
        tier: the tier.
        model: its model.
        request: what to ask.
        passages: how many passages the request carries, for the account of what left.
        text_before: what the attempt said in earlier steps.
        replaces: an earlier attempt whose draft is discarded with the first word of this one.

    Raises:
        ModelError: if the tier could not answer. ``context.live`` holds what it said until then.
    """
    size = sum(len(m.content.encode()) for m in request.messages)
    host = model.capabilities.host or "unknown"
    live = context.live = Live(attempt, tier.name, tier.model_name, text_before)
    for retry in range(_RETRIES + 1):
        if not tier.stays_on_device:
            before = live.sent["bytes"] if live.sent else 0
            live.sent = {"bytes": before + size, "passages": passages, "host": host}
        try:
            return await _run(context, emit, live, model, request, replaces)
        except ModelError as error:
            wait = error.retry_after if error.retry_after is not None else 0.3
            said_something = live.text != text_before
            if retry == _RETRIES or not error.transient or said_something or wait > _LONGEST_WAIT:
                raise
            await asyncio.sleep(wait)
    raise AssertionError("unreachable: the last round returns or raises")


async def _run(
    context: TurnContext,
    emit: Callable[[Event], None],
    live: Live,
    model: ChatModel,
    request: ChatRequest,
    replaces: int | None,
) -> StepResult:
    started = time.perf_counter()
    kept_at, first_token, before = started, None, live.text
    calls: list[ToolCall] = []
    done: Completed | None = None
    async with aclosing(cast(Any, model.stream(request))) as chunks:
        async for chunk in chunks:
            now = time.perf_counter()
            if isinstance(chunk, Delta):
                if first_token is None:
                    first_token = (now - started) * 1000
                    if replaces is not None:
                        why = f"{live.tier} answers instead"
                        emit(context.event(AttemptDiscarded, attempt=replaces, why=why))
                live.text += chunk.text
                emit(context.event(TextDelta, attempt=live.attempt, text=chunk.text))
                if now - kept_at > _KEEP_EVERY:
                    kept_at = now
                    await asyncio.to_thread(
                        context.services.record.keep_partial,
                        context.turn_id, live.attempt, live.tier, live.model, live.text,
                    )  # fmt: skip
            elif isinstance(chunk, Reading):
                emit(context.event(PromptProgress, attempt=live.attempt, done=chunk.done, total=chunk.total))
            elif isinstance(chunk, Called):
                calls.append(chunk.call)
                emit(
                    context.event(
                        ToolRequested,
                        attempt=live.attempt,
                        call_id=chunk.call.id,
                        name=chunk.call.name,
                        arguments=chunk.call.arguments,
                    )
                )
            else:
                done = chunk
    if done is None:
        raise ServerError(f"The answer of {live.tier} ended in the middle.", fix="Ask again.")
    if live.sent is not None and done.sent_bytes:
        live.sent["bytes"] = max(done.sent_bytes, live.sent["bytes"])
    ms = (time.perf_counter() - started) * 1000
    return StepResult(live.text[len(before) :], tuple(calls), done, ms, first_token)


def cost_of(tier: Tier, usage: Usage) -> float:
    """USD of one step; 0 without a price."""
    return tier.price.cost(usage.prompt_tokens, usage.completion_tokens) if tier.price else 0.0
