"""look: a further look at a draft that is too near the line to be decided on what is in it."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, cast

from langgraph.runtime import Runtime

from tierwise.errors import Blocked, ModelError
from tierwise.events import LookFinished, LookStarted
from tierwise.graph.asking import Asking, prompt_for
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.health import leave_to_ask
from tierwise.graph.leaving import may_leave
from tierwise.graph.locking import locked_meanwhile
from tierwise.graph.paying import paid
from tierwise.graph.state import Json, TurnState
from tierwise.jsonable import from_json, to_json
from tierwise.models.base import ChatModel, ChatRequest, Completed, Delta
from tierwise.types import Look, Message, TokenEvidence, Usage
from tierwise.verify.agreement import agreement, self_yes

CHECK = "Is your answer right? Reply with one word: Yes or No."
YES, NO = "Yes", "No"
# Hot enough that a model that does not know says something else, cool enough that one that knows does not.
SAMPLE_TEMPERATURE, SAMPLE_SEED = 0.7, 1


async def look(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Have the draft's own model look again, then let ``verify`` judge anew.

    ``self_check`` asks it whether its answer is right and reads the chance of "Yes" (Kadavath et al. 2022, arXiv
    2207.05221); ``second_sample`` lets it answer once more, at a temperature, and compares (self-consistency, Wang et
    al. 2022, arXiv 2203.11171). A look that fails has found nothing.
    """
    context, services = runtime.context, runtime.context.services
    draft, kind = state["draft"], cast(Look, state["look"])
    assert draft is not None
    tier, model = services.tier(draft["tier"]), services.models[draft["tier"]]
    emit(runtime, context.event(LookStarted, attempt=draft["attempt"], look=kind))
    started = time.perf_counter()
    found: dict[str, float] = {}
    meter = _Meter()
    try:
        asking = await prompt_for(state, context, tier, model, None)
        request = ChatRequest(asking.prompt.messages, adapter=state.get("adapter"), thread=state["thread"])
        if not (tier.stays_on_device or await _may_leave(state, context, asking, request)):
            raise Blocked("What this look would send was not shown.")
        request = _request(request, kind, draft["text"], tier.max_tokens)
        async with context.deadline.bound(tier.name):
            permit = await leave_to_ask(services.health, tier.name, spared=True)
            with services.health.asking(tier.name, permit):
                async with paid(context, tier, request, meter):
                    done = await _answer(model, request, meter)
        found = _found(kind, draft["text"], meter.text, done.evidence)
    except Exception:  # a model of one's own may raise anything; the draft stands without the look
        found = {}
    ms = (time.perf_counter() - started) * 1000
    emit(runtime, context.event(LookFinished, attempt=draft["attempt"], look=kind, found=found, ms=ms))
    looked: Json = {
        **draft,
        "looks": {**draft["looks"], **found},
        "looks_had": [*draft["looks_had"], kind],
        "look_usage": to_json(from_json(Usage, draft["look_usage"]) + meter.usage),
    }
    return {"draft": looked, "look": None, "ms": {"look": ms}}


async def _may_leave(state: TurnState, context: TurnContext, asking: Asking, request: ChatRequest) -> bool:
    """Whether a look may leave the device: nobody is asked about it, so nothing new may be in it but the draft."""
    if await locked_meanwhile(state, context):
        return False
    tier = context.services.tier(state["tier"])
    leave = await may_leave(state, context, tier, context.services.models[tier.name], asking, request)
    return leave.show is None and not leave.kept


def _request(request: ChatRequest, kind: Look, draft: str, max_tokens: int) -> ChatRequest:
    if kind == "second_sample":
        return replace(request, max_tokens=max_tokens, temperature=SAMPLE_TEMPERATURE, seed=SAMPLE_SEED)
    asked = (*request.messages, Message("assistant", draft), Message("user", CHECK))
    return replace(request, messages=asked, max_tokens=8, choices=(YES, NO))


@dataclass
class _Meter:
    """What a look has heard and used so far."""

    text: str = ""
    usage: Usage = field(default_factory=Usage)


async def _answer(model: ChatModel, request: ChatRequest, meter: _Meter) -> Completed:
    done: Completed | None = None
    async with aclosing(cast(Any, model.stream(request))) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Delta):
                meter.text += chunk.text
            elif isinstance(chunk, Completed):
                done = chunk
    if done is None:
        raise ModelError("The look at the draft ended in the middle.")
    meter.usage += done.usage
    return done


def _found(kind: Look, draft: str, text: str, evidence: TokenEvidence | None) -> dict[str, float]:
    if kind == "second_sample":
        return agreement(draft, text)
    chance = self_yes(text, evidence, YES, NO)
    return {} if chance is None else {"self_yes": chance}
