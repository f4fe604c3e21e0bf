"""One model step: run it, pass on what it says as it says it, keep what must not be lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, cast

from tierwise.config import Tier
from tierwise.errors import ModelError, ServerError, TierwiseError
from tierwise.events import AttemptDiscarded, AttemptQueued, Event, PromptProgress, TextDelta
from tierwise.graph.at_hand import write
from tierwise.graph.context import Live, TurnContext
from tierwise.graph.health import leave_to_ask, leave_to_retry
from tierwise.graph.paying import paid, request_bytes
from tierwise.guards import whole_characters
from tierwise.jsonable import from_json, to_json
from tierwise.models.base import Called, ChatModel, ChatRequest, Completed, Delta, Queued, Reading
from tierwise.types import ToolCall, Usage

_KEEP_EVERY = 0.4  # seconds between two writes of the partial text


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
    spared: bool,
) -> StepResult:
    """Run one model step, again if it failed in passing before it said anything: the one retry loop.

    Nothing is sent to a tier that rests, and nothing goes on when the turn's time is over.

    Args:
        context: the turn.
        emit: takes the events.
        live: the attempt the step belongs to, with what it said in earlier steps; it grows.
        tier: the tier.
        model: its model.
        request: what to ask.
        passages: how many passages the request carries, for the account of what left.
        replaces: an earlier attempt whose draft is discarded with the first word of this one.
        spared: a draft is held, or another tier can answer, so that long waits are not worth it.

    Raises:
        ModelError: if the tier could not answer. ``live`` holds what it said until then.
    """
    health, deadline, text_before = context.services.health, context.deadline, live.text
    async with deadline.bound(tier.name):
        permit = await leave_to_ask(health, tier.name, spared=spared)
        for retry in count():
            try:
                with health.asking(tier.name, permit):
                    begins = partial(health.answers, tier.name, permit)
                    return await _run_once(context, emit, live, tier, model, request, passages, replaces, begins)
            except ModelError as error:
                if live.text != text_before:
                    raise
                again = await leave_to_retry(health, deadline, tier.name, error, retry=retry, spared=spared)
                if again is None:
                    raise
                permit = again
    raise AssertionError("unreachable: the last round returns or raises")


async def _run_once(
    context: TurnContext,
    emit: Callable[[Event], None],
    live: Live,
    tier: Tier,
    model: ChatModel,
    request: ChatRequest,
    passages: int,
    replaces: int | None,
    begins: Callable[[], None],
) -> StepResult:
    """One request, with the account of what left and what it cost."""
    sent_before, size = live.sent, request_bytes(request)
    if not tier.stays_on_device:
        before = sent_before["bytes"] if sent_before else 0
        live.sent = {"bytes": before + size, "passages": passages, "host": model.capabilities.host or "unknown"}
    try:
        async with paid(context, tier, request, live):
            result = await _run(context, emit, live, model, request, replaces, begins)
    except ModelError as error:
        if error.nothing_sent:
            live.sent = sent_before
        raise
    except TierwiseError:
        raise
    except Exception as error:  # a model of one's own may raise anything; another tier can still answer
        why = str(error).partition("\n")[0]
        raise ModelError(f"The model of {tier.name} broke ({type(error).__name__}: {why}).") from error
    if live.sent is not None and result.done.sent_bytes:
        live.sent["bytes"] += result.done.sent_bytes - size
    return result


async def _run(
    context: TurnContext,
    emit: Callable[[Event], None],
    live: Live,
    model: ChatModel,
    request: ChatRequest,
    replaces: int | None,
    begins: Callable[[], None],
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
                    begins()
                    first_token = (now - started) * 1000
                    if replaces is not None:
                        why = f"{live.tier} answers instead"
                        emit(context.event(AttemptDiscarded, attempt=replaces, why=why))
                text = whole_characters(chunk.text)
                live.text += text
                emit(context.event(TextDelta, attempt=live.attempt, text=text))
                if now - kept_at > _KEEP_EVERY:
                    kept_at = now
                    await write(
                        context.services.record, context.services.record.keep_partial,
                        context.turn_id, live.attempt, live.tier, live.model, live.text,
                    )  # fmt: skip
            elif isinstance(chunk, Reading):
                emit(context.event(PromptProgress, attempt=live.attempt, done=chunk.done, total=chunk.total))
            elif isinstance(chunk, Queued):
                queued = context.event(AttemptQueued, attempt=live.attempt, ahead=chunk.ahead, seconds=chunk.seconds)
                emit(queued)
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
