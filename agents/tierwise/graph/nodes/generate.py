"""generate: one model step of the attempt in progress; a tier that fails hands over to another."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from tierwise.config import Tier
from tierwise.errors import Blocked, ModelError
from tierwise.events import AttemptDiscarded, AttemptStarted, TextDelta, ToolRequested
from tierwise.graph.asking import prompt_for
from tierwise.graph.budget import unpaid
from tierwise.graph.context import Live, TurnContext
from tierwise.graph.fallback import hand_over, next_above, successor
from tierwise.graph.leaving import Leave, keep_here, may_leave, place_of, rest
from tierwise.graph.state import Json, TurnState
from tierwise.graph.step import StepResult, cost_of, run_step
from tierwise.graph.structured import request_schema, value_text
from tierwise.graph.telling import tell
from tierwise.graph.toolbox import adds_nothing, tools_for, written_wrongly
from tierwise.jsonable import from_json, to_json
from tierwise.models.base import ChatRequest
from tierwise.turns import Attempt, Notice
from tierwise.types import Floor, Usage


async def generate(
    state: TurnState, runtime: Runtime[TurnContext]
) -> Command[Literal["gate", "show", "verify", "generate", "finish"]]:
    """Let the chosen tier write: a draft goes to ``verify``, tool calls go to ``gate``.

    A request that leaves the device and has to be seen first goes to ``show`` instead, and is built anew afterwards.

    Raises:
        Blocked: if the turn may not leave the device and this tier is not on it, or its money is spent and nobody else
            can take over: the last gate before a request. Also if a person keeps it here and nobody else may answer.
        ModelError: if this tier failed and no other can take over.
    """
    context, services = runtime.context, runtime.context.services
    tier, model = services.tier(state["tier"]), services.models[state["tier"]]
    attempt, draft, held = state["attempt"], state.get("draft"), state.get("held")
    if (state["locked"] or state["offline"]) and not tier.stays_on_device:
        raise Blocked(f"{tier.name} is not on this device, and this turn may not leave it.", fix="Ask another tier.")
    announced = draft is not None

    def announce() -> None:
        nonlocal announced
        if not announced:
            announced = True
            runtime.stream_writer(context.event(AttemptStarted, attempt=attempt, tier=tier.name, model=tier.model_name))

    if tier.stays_on_device:
        announce()
    started = time.perf_counter()
    live = context.live = Live(attempt, tier.name, tier.model_name, state)
    if draft is not None:
        # What stands before a tool call is part of a text, and no part of a JSON value.
        live.text = draft["text"] if state.get("schema") is None else ""
        live.usage = from_json(Usage, draft["usage"])
    notices: list[Notice] = []
    if (against := await unpaid(state, context, tier)) is not None:
        announce()
        if held is None and successor(state, context) is None:
            raise Blocked(against.text, fix="Raise it under [budget] in tierwise.toml.")
        return _handed_over(state, runtime, ModelError(against.text), 0.0)
    try:
        asking = await prompt_for(state, context, tier, model, held)
        state = {**state, "locked": asking.locked}  # also for whoever takes over
        prompt, notices = asking.prompt, list(asking.notices)
        request = ChatRequest(
            messages=prompt.messages,
            max_tokens=tier.max_tokens,
            tools=await asyncio.to_thread(tools_for, state, context, model),
            schema=request_schema(state, model),
            adapter=state.get("adapter"),
            thread=state["thread"],
            floor=_floor(state, context, tier),
        )
        leave = Leave() if tier.stays_on_device else await may_leave(state, context, tier, model, asking, request)
        if leave.show is not None:
            return await rest(state, runtime, tier, leave.show)
        if leave.kept:
            return keep_here(state, runtime, tier)
        announce()
        if live.text:
            live.text += "\n\n"
            runtime.stream_writer(context.event(TextDelta, attempt=attempt, text="\n\n"))
        await tell(live, state, context, model, asking, request.tools)
        step = partial(
            run_step,
            context,
            runtime.stream_writer,
            live=live,
            tier=tier,
            model=model,
            passages=len(prompt.passages),
            replaces=held["attempt"] if held and draft is None else None,
        )
        try:
            result = await step(request=request)
            if request.tools and adds_nothing(state, model, result.calls, live.text):
                live.prompt.pop("tools", None)
                result = await step(request=replace(request, tools=()))
        finally:
            if leave.allowed and live.sent is not None:
                # Not in a thread: it has left, whatever stops the turn now.
                services.record.note_sent(context.turn_id, place_of(context, tier))
        if not result.calls and not live.text.strip():
            raise _said_nothing(tier.name, result)
        if any(call.problem for call in result.calls) and written_wrongly(state) and successor(state, context):
            # The model was told once what was wrong with its call, and does not get it right.
            raise ModelError(f"{tier.name} asked for tools in a way that cannot be read.", fix="Ask another tier.")
        if state.get("schema") is not None and not result.calls:
            live.text = value_text(state, live.text, model)
    except ModelError as error:
        announce()
        return _handed_over(state, runtime, error, (time.perf_counter() - started) * 1000)
    update: TurnState = {
        "step": live.number,
        "draft": {**_draft(state, result, live), "without": list(asking.without)},
        "locked": state["locked"],
        "notices": to_json(notices + _notices(state, runtime)),
        "sent": [live.sent] if live.sent else [],
        "ms": {"model": result.ms},
        **live.told,
    }
    if result.calls:
        update["rounds"] = [{"text": result.text, "calls": to_json(result.calls)}]
        for call in result.calls:
            runtime.stream_writer(
                context.event(ToolRequested, attempt=attempt, call_id=call.id, name=call.name, arguments=call.arguments)
            )
        return Command(update=update, goto="gate")
    return Command(update=update, goto="verify")


def _floor(state: TurnState, context: TurnContext, tier: Tier) -> Floor | None:
    """How sure the first draft must begin to be written on; nothing is given up unless a larger tier can take over."""
    wanted = state.get("floor")
    first = state["stage"] == "post" and state["attempt"] == 1 and not state.get("rounds")
    if wanted is None or not first or state["requested"] != "auto" or state.get("schema") is not None:
        return None
    heir, _ = next_above(state, context, tier.name)
    return from_json(Floor, wanted) if heir is not None else None


def _said_nothing(tier: str, result: StepResult) -> ModelError:
    """An answer without a word: another tier, or the draft that is held, does better."""
    if result.done.finish == "tool_calls":
        return ModelError(f"{tier} kept asking for tools instead of answering.", fix="Ask another tier.")
    if result.done.finish == "length":
        return ModelError(f"{tier} used up its answer without writing a word.", fix="Raise max_tokens of this tier.")
    return ModelError(f"{tier} answered without a word.", fix="Reword the question, or ask another tier.")


def _draft(state: TurnState, result: StepResult, live: Live) -> Json:
    """The attempt so far, its steps added up."""
    before = state.get("draft") or {"ms": 0.0, "first_token_ms": None, "work": {}}
    return {
        "attempt": state["attempt"],
        "tier": state["tier"],
        "text": live.text,
        "finish": result.done.finish,
        "model_served": result.done.model_served,
        "evidence": to_json(result.done.evidence),
        "usage": to_json(live.usage),
        "work": dict(Counter(before["work"]) + Counter(result.done.work)),
        "prompt": live.prompt,
        "ms": before["ms"] + result.ms,
        "first_token_ms": before["first_token_ms"] if before["first_token_ms"] is not None else result.first_token_ms,
        "looks": {},
        "looks_had": [],
        "look_usage": to_json(Usage()),
        "begun_floor": floor["logprob_mean"] if (floor := state.get("floor")) else None,
    }


def _notices(state: TurnState, runtime: Runtime[TurnContext]) -> list[Notice]:
    tier = runtime.context.services.tier(state["tier"])
    notices = []
    if tier.stand_in:
        text = f"{tier.name} is a stand-in: the way to it is real, the quality is that of a small model."
        notices.append(Notice("stand_in", text))
    if not tier.stays_on_device and tier.price is None:
        notices.append(Notice("price_unknown", f"No price is configured for {tier.name}, so its cost is not counted."))
    return notices


def _handed_over(
    state: TurnState, runtime: Runtime[TurnContext], error: ModelError, ms: float
) -> Command[Literal["gate", "show", "verify", "generate", "finish"]]:
    """Record the failed attempt and let another tier, or the draft that is held, take its place.

    Raises:
        ModelError: ``error`` itself if nobody can; the attempt then stays in ``context.live`` for the record.
    """
    context = runtime.context
    tier, live = context.services.tier(state["tier"]), context.live
    assert live is not None
    heir = successor(state, context)
    if state.get("held") is None and heir is None:
        raise error
    if live.text:
        why = f"{tier.name} failed: {error.what}"
        runtime.stream_writer(context.event(AttemptDiscarded, attempt=state["attempt"], why=why))
    failed = Attempt(
        n=state["attempt"],
        tier=tier.name,
        model_requested=tier.model_name,
        model_served=tier.model_name,
        outcome="failed",
        text=live.text,
        usage=live.usage,
        cost_usd=cost_of(tier, live.usage),
        ms=ms,
        error=str(error),
        prompt=live.prompt,
        on_device=tier.stays_on_device,
    )
    update: TurnState = {
        "step": live.number,
        **live.told,
        "locked": state["locked"],
        "attempts": [to_json(failed)],
        "sent": [live.sent] if live.sent else [],
        "ms": {"model": ms},
    }
    return hand_over(state, runtime, error, heir, update)
