"""Paying for a request: its money is set aside before it leaves, and settled at what it cost when it is over."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from tierwise.config import Tier
from tierwise.errors import (
    AuthError,
    ContextTooLong,
    ModelError,
    ModelNotFound,
    QuotaExceeded,
    RateLimited,
    StoreError,
)
from tierwise.graph.caps import bounds_of, caps_of, periods_of
from tierwise.graph.context import TurnContext
from tierwise.jsonable import to_json
from tierwise.models.base import ChatRequest
from tierwise.routing.budget import Cap, obstacles
from tierwise.types import Usage

_BYTES_A_MESSAGE = 65  # names of its fields
_BYTES_A_TOKEN = 4  # of what people and programs write, as a guess
_REFUSALS = (AuthError, ContextTooLong, ModelNotFound, QuotaExceeded, RateLimited)


class OutOfMoney(ModelError):
    """A cap of the budget is reached: the request was not sent."""

    code = "budget"

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what, fix=fix, nothing_sent=True)


def out_of_money(tier: Tier, caps: Sequence[Cap]) -> OutOfMoney:
    """What to raise for a tier once a cap is reached."""
    reached = next(cap for cap in caps if cap.reached)
    fix = reached.raise_it
    return OutOfMoney(obstacles(tier.name, [reached])[0].text, f"{fix[0].upper()}{fix[1:]}.")


class Meter(Protocol):
    """What of a request is read off: the text so far, and the tokens that the server told of."""

    text: str
    usage: Usage


@asynccontextmanager
async def paid(context: TurnContext, tier: Tier, request: ChatRequest, meter: Meter) -> AsyncIterator[None]:
    """Pay for the one request that is sent within; free for a tier without a price.

    However it ends, it is settled: by the usage that ``meter`` has gained, or, where its server told of none, by an
    estimate of what was read and said, which then is the meter's usage as well. A server that refused the request, or
    never got it, did nothing for it.

    Raises:
        OutOfMoney: if a cap is reached by what is spent and set aside.
        StoreError: if that cannot be looked up. Nothing is sent then.
    """
    if not tier.costs or tier.price is None:
        yield
        return
    number = secrets.randbits(53)
    try:
        await _set_aside(context, tier, request, number)
    except asyncio.CancelledError:
        _settle(context, number, 0.0)  # it may be set aside a moment later, in its thread
        raise
    said, before = len(meter.text), meter.usage
    try:
        yield
    except BaseException as error:
        text = meter.text[said:]
        if meter.usage == before and (text or not _did_nothing(error)):
            meter.usage = before + _estimate(request, text)
        raise
    finally:
        usd = tier.price.cost(
            meter.usage.prompt_tokens - before.prompt_tokens, meter.usage.completion_tokens - before.completion_tokens
        )
        context.caps = tuple(cap.plus(usd) for cap in context.caps)
        _settle(context, number, usd)


async def _set_aside(context: TurnContext, tier: Tier, request: ChatRequest, number: int) -> None:
    assert tier.price is not None
    record, periods = context.services.record, periods_of(context.services.settings.budget, context.caller)
    # No tokenizer makes more tokens than bytes, so this is the most that the request can cost.
    most = tier.price.cost(request_bytes(request), request.max_tokens)
    bounds = bounds_of(periods, context.caller)
    begun, spent = await asyncio.to_thread(record.set_aside, context.turn_id, number, most, bounds)
    context.caps = caps_of(periods, spent)
    if not begun:
        raise out_of_money(tier, context.caps)


def _settle(context: TurnContext, number: int, usd: float) -> None:
    """Not in a thread: whatever stops the turn now, the request is over. Unsettled, it counts as set aside."""
    with suppress(StoreError):
        context.services.record.settle(context.turn_id, number, usd)


def request_bytes(request: ChatRequest) -> int:
    """Near the size of the body; a model that finishes tells the exact figure."""
    # A long thread is most of it, and taking each message apart would take longer than all else.
    plain = [m for m in request.messages if not m.tool_calls and m.tool_call_id is None]
    others = [m for m in request.messages if m.tool_calls or m.tool_call_id is not None]
    body = [[m.content for m in plain], to_json([others, request.tools, request.schema])]
    return len(json.dumps(body, ensure_ascii=False).encode()) + sum(_BYTES_A_MESSAGE + len(m.role) for m in plain)


def _estimate(request: ChatRequest, said: str) -> Usage:
    written = -(-len(said.encode()) // _BYTES_A_TOKEN)
    return Usage(-(-request_bytes(request) // _BYTES_A_TOKEN), written, estimated=True)


def _did_nothing(error: BaseException) -> bool:
    """Whether a request that failed before a word cost nothing: it never left, or was answered with an error."""
    if not isinstance(error, ModelError):
        return False
    return error.nothing_sent or isinstance(error, _REFUSALS) or hasattr(error.__cause__, "status_code")
