"""generate: one model step of the attempt in progress; a tier that fails hands over to another."""

from __future__ import annotations

import time
from collections import Counter
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from tierwise.config import Tier
from tierwise.errors import Blocked, ModelError
from tierwise.events import AttemptDiscarded, ToolRequested
from tierwise.graph.caller_tools import caller_tools, ending_calls, must_call, no_call, what_is_wrong
from tierwise.graph.context import Live, TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.fallback import failed_tiers, hand_over, successor
from tierwise.graph.leaving import Leave, keep_here, rest
from tierwise.graph.locking import LockedMeanwhile
from tierwise.graph.paying import OutOfMoney
from tierwise.graph.sampling import is_cut_by_caller, may_be_empty, sampling_of
from tierwise.graph.state import Json, TurnState
from tierwise.graph.step import StepResult, cost_of
from tierwise.graph.structured import value_text
from tierwise.graph.toolbox import written_wrongly
from tierwise.graph.writing import Writing, Written
from tierwise.jsonable import to_json
from tierwise.turns import Attempt, Notice
from tierwise.types import Usage


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
    context = runtime.context
    tier = context.services.tier(state["tier"])
    if (state["locked"] or state["offline"]) and not tier.stays_on_device:
        raise Blocked(f"{tier.name} is not on this device, and this turn may not leave it.", fix="Ask another tier.")
    started = time.perf_counter()
    writing = Writing(state, runtime)
    if tier.stays_on_device:
        writing.announce()
    try:
        written = await writing.run()
        if isinstance(written, Leave):
            shown = written.show
            return keep_here(writing.state, runtime, tier) if shown is None else await rest(state, runtime, tier, shown)
        draft = _checked(state, context, tier, written, writing.live)
    except ModelError as error:
        writing.announce()
        alone = state.get("held") is None and successor(writing.state, context) is None
        if isinstance(error, OutOfMoney | LockedMeanwhile) and alone:
            raise Blocked(error.what, fix=error.fix) from error
        return _handed_over(writing.state, runtime, error, (time.perf_counter() - started) * 1000)
    return _gone_on(writing, runtime, written, draft)


def _checked(state: TurnState, context: TurnContext, tier: Tier, written: Written, live: Live) -> Json:
    """The attempt so far, if its last step is worth anything.

    Raises:
        ModelError: if it is not: another tier, or the draft that is held, does better.
    """
    result = written.result
    finish, calls = result.done.finish, ending_calls(state, result.calls)
    cut = is_cut_by_caller(state, finish, written.max_tokens)
    if must_call(state) and not result.calls:
        raise no_call(tier.name, "answered in words")
    if not result.calls and not live.text.strip() and not may_be_empty(state, finish, cut=cut):
        raise _said_nothing(tier.name, result)
    told = bool(caller_tools(state)) and written_wrongly(state) > 0 and not calls
    if told and (wrong := what_is_wrong(state, result.calls, context.services.shelf.tools)):
        # It was told once what was wrong with its call, and the caller has to be given one that is right.
        bound = sampling_of(state).max_tokens is not None
        fix = "Raise max_tokens of the request, or ask another tier." if bound else "Ask another tier."
        raise ModelError(f"{tier.name} asked for a tool wrongly again: {wrong}", fix=fix)
    if any(call.problem for call in result.calls) and written_wrongly(state) and successor(state, context):
        # The model was told once what was wrong with its call, and does not get it right.
        raise ModelError(f"{tier.name} asked for tools in a way that cannot be read.", fix="Ask another tier.")
    if state.get("schema") is not None:
        live.text = "" if calls else live.text  # what stands before a call is no JSON value
        if not result.calls:
            live.text = value_text(state, live.text, context.services.models[tier.name])
    without = {"without": list(written.asking.without)}
    return {**_draft(state, result, live), **without, "cut": cut, "calls": to_json(calls)}


def _gone_on(
    writing: Writing, runtime: Runtime[TurnContext], written: Written, draft: Json
) -> Command[Literal["gate", "show", "verify", "generate", "finish"]]:
    state, live, result = writing.state, writing.live, written.result
    notices = [*written.asking.notices, *_notices(state, runtime)]
    update: TurnState = {
        "step": live.number,
        "draft": draft,
        "locked": state["locked"],
        "notices": to_json(notices),
        "sent": [live.sent] if live.sent else [],
        "ms": {"model": result.ms},
        **live.told,
    }
    if draft["calls"]:  # the turn ends with them: whoever asked runs them
        if (held := writing.unreplaced) is not None:
            why = f"{live.tier} asks for tools instead"
            emit(runtime, runtime.context.event(AttemptDiscarded, attempt=held, why=why))
        return Command(update=update, goto="finish")
    if result.calls:
        update["rounds"] = [{"text": result.text, "calls": to_json(result.calls)}]
        for call in result.calls:
            emit(
                runtime,
                runtime.context.event(
                    ToolRequested, attempt=live.attempt, call_id=call.id, name=call.name, arguments=call.arguments
                ),
            )
        return Command(update=update, goto="gate")
    # There is nothing to judge in an answer that the caller cut before its first word, or in the middle of its JSON.
    unjudged = not live.text.strip() or (draft["cut"] and state.get("schema") is not None)
    return Command(update=update, goto="finish" if unjudged else "verify")


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


def _nobody_left(error: ModelError, tier: str, failed: dict[str, str]) -> ModelError:
    """The same error; it names all tiers that failed in the turn, if there were several."""
    others = [f"{name}: {why}" for name, why in failed.items() if name != tier]
    if others:
        error.what = " ".join(["No tier could answer.", *others, f"{tier}: {error.what}"])
        error.args = (error.what if error.fix is None else f"{error.what} {error.fix}",)
    return error


def _handed_over(
    state: TurnState, runtime: Runtime[TurnContext], error: ModelError, ms: float
) -> Command[Literal["gate", "show", "verify", "generate", "finish"]]:
    """Record the failed attempt and let another tier, or the draft that is held, take its place.

    Raises:
        ModelError: ``error`` itself if nobody can, or the turn's time is over; the attempt then stays in
            ``context.live`` for the record.
    """
    context = runtime.context
    tier, live = context.services.tier(state["tier"]), context.live
    assert live is not None
    held, in_time = state.get("held"), context.deadline.left > 0
    heir = successor(state, context) if in_time else None
    # When the time is over nobody is asked any more, not even to write a beginning to its end.
    stands = held is not None and (in_time or held["finish"] != "doubted")
    if not stands and heir is None:
        raise _nobody_left(error, tier.name, failed_tiers(state))
    if live.text:
        why = f"{tier.name} failed: {error.what}"
        emit(runtime, context.event(AttemptDiscarded, attempt=state["attempt"], why=why))
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
    if isinstance(error, OutOfMoney):
        update["refused"] = error.code
    return hand_over(state, runtime, error, heir, update)
