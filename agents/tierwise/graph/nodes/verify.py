"""verify: is the draft good enough, and if not, who is next."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from tierwise.errors import InvalidOutput
from tierwise.events import AttemptDiscarded, DraftVerified, TierEscalated
from tierwise.graph.attempts import finished_attempt
from tierwise.graph.budget import unpaid
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.fallback import hand_over, next_above, successor
from tierwise.graph.grounding import has_to_be_grounded, read_passages
from tierwise.graph.sampling import judged_finish
from tierwise.graph.state import Json, TurnState
from tierwise.graph.structured import complaint
from tierwise.jsonable import from_json, to_json
from tierwise.turns import Notice
from tierwise.types import Draft, Reason, TokenEvidence, Usage, Verdict
from tierwise.verify.grounded import UNBORNE


async def verify(state: TurnState, runtime: Runtime[TurnContext]) -> Command[Literal["generate", "look", "finish"]]:
    """Check the draft; a verifier that fails lets the draft through, marked.

    The verdict may ask for a further look first. Nobody looks twice at the same, and not where it could change nothing.

    Raises:
        InvalidOutput: if the draft is not of the form that was asked for, and no other tier can take over.
    """
    context, services = runtime.context, runtime.context.services
    draft = state["draft"]
    assert draft is not None
    started = time.perf_counter()
    # In a thread: it may take its time, and validators of the caller's own may do anything.
    formed = state.get("schema") is not None
    if formed and (error := await asyncio.to_thread(complaint, state, context, draft)) is not None:
        return _refused(state, runtime, error)
    notices: list[Notice] = []
    heir, refusal = _heir(state, context, draft)
    paid = await unpaid(state, context, services.tier(draft["tier"])) is None
    try:
        seen = _as_draft(state, context, draft, may_look=heir is not None and paid)
        verdict = await services.verifier.verify(seen, dial=state["wish"])  # type: ignore[arg-type]
        if verdict.outcome == "look" and (verdict.look in draft["looks_had"] or not paid):
            seen = replace(seen, may_look=False)  # it has to be judged by what there is
            verdict = await services.verifier.verify(seen, dial=state["wish"])  # type: ignore[arg-type]
    except Exception as error:
        verdict = Verdict("accept")
        notices.append(Notice("verifier_failed", f"The draft could not be checked: {error}"))
    emit(runtime, context.event(DraftVerified, attempt=draft["attempt"], verdict=verdict))
    draft = {**draft, "p_good": verdict.p_good, "reasons": to_json(verdict.reasons)}
    update: TurnState = {
        "draft": draft,
        "features": {**state["features"], **{f"{draft['tier']}.{k}": v for k, v in verdict.features.items()}},
        "ms": {"verify": (time.perf_counter() - started) * 1000},
    }
    if verdict.p_good is not None:
        update["p_good"] = {**state["p_good"], **verdict.p_higher, draft["tier"]: verdict.p_good}
    if verdict.outcome == "look" and paid and verdict.look is not None and verdict.look not in draft["looks_had"]:
        update |= {"look": verdict.look, "notices": to_json(notices)}
        return Command(update=update, goto="look")
    if heir is not None and (window := services.window(draft["tier"])) is not None:
        window.note(verdict.features.get("gain", 1.0 if verdict.outcome == "escalate" else 0.0))
    if verdict.outcome == "escalate" and state["requested"] == "auto":
        if verdict.tier is not None and heir is not None:
            heir, refusal = _heir(state, context, draft, verdict.tier)
        if refusal is not None and not (refusal.code == "top_tier" and _tells_itself(verdict)):
            notices.append(_unhelped(draft["tier"], verdict, refusal))
        if refusal is not None and refusal.code != "top_tier":
            update["refused"] = refusal.code
    else:
        heir = None
    if verdict.outcome == "give_up" and not _tells_itself(verdict):
        notices.append(Notice("unsure", "; ".join(r.text for r in verdict.reasons)))
    update["notices"] = to_json(notices)
    if heir is None and draft["finish"] == "doubted":
        # The tier that was to take over has gone since: it is written after all, anew.
        why = f"no larger tier can take over any more; {draft['tier']} writes it after all"
        emit(runtime, context.event(AttemptDiscarded, attempt=draft["attempt"], why=why))
        update |= {
            "draft": None,
            "floor": None,
            "attempt": state["attempt"] + 1,
            "attempts": [to_json(finished_attempt(services, draft, "discarded"))],
        }
        return Command(update=update, goto="generate")
    if heir is not None or (state["stage"] == "post" and state["attempt"] == 1):
        update["reasons"] = to_json(verdict.reasons) or state["reasons"]
    if heir is None:
        return Command(update=update, goto="finish")
    emit(runtime, context.event(TierEscalated, from_tier=draft["tier"], to_tier=heir, reasons=verdict.reasons))
    update |= {
        "held": draft,
        "draft": None,
        "tier": heir,
        "attempt": state["attempt"] + 1,
        "stage": "post",
        "attempts": [to_json(finished_attempt(services, held, "discarded"))] if (held := state.get("held")) else [],
    }
    return Command(update=update, goto="generate")


def _heir(
    state: TurnState, context: TurnContext, draft: Json, wanted: str | None = None
) -> tuple[str | None, Reason | None]:
    """Who may take over from the draft's tier; nobody where the user has chosen the tier."""
    if state["requested"] != "auto":
        return None, None
    tokens = from_json(Usage, draft["usage"]).prompt_tokens
    return next_above(state, context, draft["tier"], wanted=wanted, prompt_tokens=tokens)


def _refused(state: TurnState, runtime: Runtime[TurnContext], error: InvalidOutput) -> Command[Any]:
    """The draft is no answer at all: its tier has failed, whatever else speaks for it."""
    context, draft = runtime.context, state["draft"]
    assert draft is not None
    verdict = Verdict("escalate", None, (Reason(error.code, error.what),))
    emit(runtime, context.event(DraftVerified, attempt=draft["attempt"], verdict=verdict))
    heir = successor(state, context)
    if heir is None and state.get("held") is None:
        raise error
    emit(runtime, context.event(AttemptDiscarded, attempt=draft["attempt"], why=error.what))
    failed = {**draft, "reasons": to_json(verdict.reasons)}
    update: TurnState = {"attempts": [to_json(finished_attempt(context.services, failed, "failed", str(error)))]}
    return hand_over(state, runtime, error, heir, update)


def _tells_itself(verdict: Verdict) -> bool:
    """Whether the answer will say what is the matter: that the documents do not have it."""
    return any(reason.code in UNBORNE for reason in verdict.reasons)


def _unhelped(tier: str, verdict: Verdict, refusal: Reason) -> Notice:
    """What to tell about a draft that should have been escalated and could not be."""
    why = "; ".join(r.text.rstrip(".") for r in verdict.reasons)
    if refusal.code == "top_tier":
        return Notice("unsure", f"{tier} is the largest tier, and its answer could not be confirmed: {why}.")
    if refusal.code == "no_higher_tier":
        return Notice("would_escalate", f"A larger model should have been asked, but none is configured: {why}.")
    return Notice("would_escalate", f"A larger model should have been asked: {why}. {refusal.text}")


def _as_draft(state: TurnState, context: TurnContext, draft: Json, *, may_look: bool) -> Draft:
    services, tier = context.services, context.services.tier(draft["tier"])
    names, passages = [other.name for other in services.tiers], read_passages(state, draft)
    # Elsewhere a look would be paid for, and send the question out once more.
    can_look = tier.stays_on_device and services.models[tier.name].capabilities.token_evidence
    return Draft(
        tier=draft["tier"],
        model=tier.model_name,
        question=state["asked"],
        text=draft["text"],
        finish=judged_finish(draft),
        passages=tuple(passages),
        evidence=from_json(TokenEvidence, draft["evidence"]) if draft["evidence"] else None,
        structured=state.get("schema") is not None,
        higher=tuple(names[names.index(draft["tier"]) + 1 :]),
        looks=draft["looks"],
        looks_had=tuple(draft["looks_had"]),
        # A draft that came out of tool calls cannot be made again without calling them again.
        # One that the caller cut differs from any other that is not.
        may_look=may_look
        and can_look
        and not (state.get("rounds") or draft.get("cut"))
        and state.get("schema") is None,
        grounded=bool(passages) and has_to_be_grounded(state),
        begun_floor=draft["begun_floor"],
        tool_errors=sum(r["outcome"] == "failed" for r in state.get("results", []) if r["attempt"] == draft["attempt"]),
    )
