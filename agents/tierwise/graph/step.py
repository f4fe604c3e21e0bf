"""One model step: run it, pass on what it says as it says it, keep what must not be lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from tierwise.config import Tier
from tierwise.errors import ModelError, ModelTimeout, ServerError, TierwiseError
from tierwise.events import AttemptDiscarded, AttemptQueued, Event, PromptProgress, TextDelta
from tierwise.graph.context import Live, TurnContext
from tierwise.guards import whole_characters
from tierwise.jsonable import from_json, to_json
from tierwise.models.base import Called, ChatModel, ChatRequest, Completed, Delta, Queued, Reading
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
    live: Live,
    tier: Tier,
    model: ChatModel,
    request: ChatRequest,
    passages: int,
    replaces: int | None,
) -> StepResult:
    """Run one model step, once more if it failed in passing before it said anything.

    Args:
        context: the turn.
        emit: takes the events.
        live: the attempt the step belongs to, with what it said in earlier steps; it grows.
        tier: the tier.
        model: its model.
        request: what to ask.
        passages: how many passages the request carries, for the account of what left.
        replaces: an earlier attempt whose draft is discarded with the first word of this one.

    Raises:
        ModelError: if the tier could not answer. ``live`` holds what it said until then.
    """
    text_before = live.text
    host = model.capabilities.host or "unknown"
    size = request_bytes(request)
    for retry in range(_RETRIES + 1):
        sent_before = live.sent
        if not tier.stays_on_device:
            before = sent_before["bytes"] if sent_before else 0
            live.sent = {"bytes": before + size, "passages": passages, "host": host}
        try:
            result = await _run(context, emit, live, model, request, replaces)
        except ModelError as error:
            if error.nothing_sent:
                live.sent = sent_before
            wait = error.retry_after if error.retry_after is not None else 0.3
            said_something = live.text != text_before
            if retry == _RETRIES or said_something or wait > _LONGEST_WAIT or not _may_pass(error):
                raise
            await asyncio.sleep(wait)
        except TierwiseError:
            raise
        except Exception as error:  # a model of one's own may raise anything; another tier can still answer
            why = str(error).partition("\n")[0]
            raise ModelError(f"The model of {tier.name} broke ({type(error).__name__}: {why}).") from error
        else:
            if live.sent is not None and result.done.sent_bytes:
                live.sent["bytes"] += result.done.sent_bytes - size
            return result
    raise AssertionError("unreachable: the last round returns or raises")


def request_bytes(request: ChatRequest) -> int:
    """Near the size of the body; a model that finishes tells the exact figure."""
    return len(json.dumps(to_json([request.messages, request.tools, request.schema]), ensure_ascii=False).encode())


def _may_pass(error: ModelError) -> bool:
    """Whether asking again may help; a time limit has been waited for once, and that is enough."""
    return error.transient and (error.nothing_sent or not isinstance(error, ModelTimeout))


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
                text = whole_characters(chunk.text)
                live.text += text
                emit(context.event(TextDelta, attempt=live.attempt, text=text))
                if now - kept_at > _KEEP_EVERY:
                    kept_at = now
                    await asyncio.to_thread(
                        context.services.record.keep_partial,
                        context.turn_id, live.attempt, live.tier, live.model, live.text,
                    )  # fmt: skip
            elif isinstance(chunk, Reading):
                emit(context.event(PromptProgress, attempt=live.attempt, done=chunk.done, total=chunk.total))
            elif isinstance(chunk, Queued):
                emit(context.event(AttemptQueued, attempt=live.attempt, ahead=chunk.ahead))
            elif isinstance(chunk, Called):
                if not request.tools:  # none was offered, so there is nothing to run
                    continue
                calls.append(_storable(chunk.call))
            else:
                done = chunk
    if done is None:
        raise ServerError(f"The answer of {live.tier} ended in the middle.", fix="Ask again.")
    live.usage += done.usage
    ms = (time.perf_counter() - started) * 1000
    return StepResult(live.text[len(before) :], tuple(calls), done, ms, first_token)


def _storable(call: ToolCall) -> ToolCall:
    return from_json(ToolCall, json.loads(whole_characters(json.dumps(to_json(call), ensure_ascii=False))))


def cost_of(tier: Tier, usage: Usage) -> float:
    """USD of one step; 0 without a price."""
    return tier.price.cost(usage.prompt_tokens, usage.completion_tokens) if tier.price else 0.0
