"""What happens when a tier fails: the draft that is held, else another tier, else the turn fails."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Command

from tierwise.errors import InvalidOutput, ModelError
from tierwise.events import AttemptDiscarded, TextDelta, TierEscalated
from tierwise.graph.attempts import finished_attempt
from tierwise.graph.budget import tier_states
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.state import TurnState
from tierwise.jsonable import to_json
from tierwise.routing.choose import escalation
from tierwise.turns import Notice
from tierwise.types import Reason


def successor(state: TurnState, context: TurnContext) -> str | None:
    """The nearest tier above that has not failed in this turn and is allowed, else the nearest below."""
    states = tier_states(state, context, {**failed_tiers(state), state["tier"]: "failed"})
    here = [t.name for t in states].index(state["tier"])
    local_only = state["locked"] or state["offline"] or state.get("kept_here", False)
    for tier in (*states[here + 1 :], *reversed(states[:here])):
        wears = tier.adapters or state.get("adapter") is None
        if tier.down is None and wears and not tier.spent and (tier.on_device or not local_only):
            return tier.name
    return None


def next_above(
    state: TurnState, context: TurnContext, tier: str, *, wanted: str | None = None, prompt_tokens: int = 0
) -> tuple[str | None, Reason | None]:
    """The tier above ``tier`` that may take over, else what stands against it; see :func:`escalation`."""
    return escalation(
        tier_states(state, context, {**_kept_from(state, context), **failed_tiers(state)}),
        tier,
        locked=state["locked"],
        offline=state["offline"],
        prompt_tokens=prompt_tokens,
        adapter=state.get("adapter") is not None,
        wanted=wanted,
    )


def _kept_from(state: TurnState, context: TurnContext) -> dict[str, str]:
    """Tiers that may not be asked because a person keeps the turn here."""
    if not state.get("kept_here"):
        return {}
    return {tier.name: "you kept this turn here" for tier in context.services.tiers if not tier.stays_on_device}


def failed_tiers(state: TurnState) -> dict[str, str]:
    """Tiers that failed in this turn, with the reason."""
    return {a["tier"]: a["error"] or "" for a in state.get("attempts", []) if a["outcome"] == "failed"}


def hand_over(
    state: TurnState, runtime: Runtime[TurnContext], error: ModelError, heir: str | None, update: TurnState
) -> Command[Any]:
    """Let a larger ``heir`` try, else let the draft that is held stand, else let a smaller ``heir`` try.

    A text that is not of the form that was asked for counts as a failure: it is never held.

    Args:
        state: the turn as it was when the tier failed.
        runtime: the graph's runtime.
        error: why the tier failed.
        heir: the tier from :func:`successor`; may be absent when a draft is held.
        update: what the failed attempt changes in the state; the hand-over is added.
    """
    context, failed = runtime.context, state["tier"]
    order = [t.name for t in context.services.tiers]
    upwards = heir is not None and order.index(heir) > order.index(failed)
    held = state.get("held")
    if held and not upwards and held["finish"] == "doubted":
        # Its beginning is no answer. Nobody else can give one, so it is written to its end after all.
        if context.live is None or not context.live.text:  # else the first word of the failed tier has discarded it
            why = f"{failed} could not help; {held['tier']} writes it after all"
            emit(runtime, context.event(AttemptDiscarded, attempt=held["attempt"], why=why))
        text = f"{failed} could not help: {error} {held['tier']} answers after all."
        update |= {
            "held": None,
            "draft": None,
            "tier": held["tier"],
            "attempt": state["attempt"] + 1,
            "stage": "fallback",
            "reasons": to_json([Reason("tier_failed", f"{failed} failed: {error.what}")]),
            "attempts": [*update.get("attempts", []), to_json(finished_attempt(context.services, held, "discarded"))],
            "notices": [to_json(Notice("degraded", text))],
        }
        return Command(update=update, goto="generate")
    if held and not upwards:
        if (context.live is not None and context.live.text) or (state.get("draft") or {}).get("text"):
            # The first word of the failed tier has discarded it: whoever follows the events gets it back.
            again = context.event(TextDelta, attempt=held["attempt"], text=held["text"])
            emit(runtime, again)
        text = f"{failed} could not help: {error} This is the answer of {held['tier']}."
        update |= {"draft": held, "held": None, "tier": held["tier"], "notices": [to_json(Notice("degraded", text))]}
        return Command(update=update, goto="finish")
    assert heir is not None
    escalated = upwards and isinstance(error, InvalidOutput) and state["requested"] == "auto"
    if isinstance(error, InvalidOutput):
        reason = Reason(error.code, error.what)
    else:
        reason = Reason("tier_failed", f"{failed} failed: {error.what}")
    notice = Notice("fallback" if upwards else "degraded", f"{failed} failed: {error} {heir} answers instead.")
    if upwards:
        emit(runtime, context.event(TierEscalated, from_tier=failed, to_tier=heir, reasons=(reason,)))
    update |= {
        "draft": None,
        "tier": heir,
        "attempt": state["attempt"] + 1,
        "stage": "post" if escalated else "fallback",
        "reasons": to_json([reason]),
        "notices": [] if escalated else [to_json(notice)],
    }
    return Command(update=update, goto="generate")
