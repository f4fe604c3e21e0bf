"""May this request leave the device: was it shown, did a person say yes, and what happens if he said no."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Command

from tierwise.config import Tier
from tierwise.errors import Blocked
from tierwise.events import AttemptDiscarded, SendingNeeded
from tierwise.graph.asking import Asking
from tierwise.graph.at_hand import read
from tierwise.graph.attempts import finished_attempt
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.fallback import successor
from tierwise.graph.payload import items_of, outgoing_of
from tierwise.graph.said import call_ids
from tierwise.graph.state import TurnState
from tierwise.graph.toolbox import own_call_id
from tierwise.jsonable import to_json
from tierwise.models.base import ChatModel, ChatRequest
from tierwise.record import Sending, item_key
from tierwise.turns import Notice, Outgoing, OutgoingItem
from tierwise.types import Reason


@dataclass(frozen=True, slots=True)
class Leave:
    """What is to be done with a request.

    Attributes:
        show: what a person has to see first, ``None`` if nothing.
        kept: a person has said no: it stays here.
        allowed: a person has seen it and said yes.
    """

    show: Outgoing | None = None
    kept: bool = False
    allowed: bool = False


async def may_leave(
    state: TurnState, context: TurnContext, tier: Tier, model: ChatModel, asking: Asking, request: ChatRequest
) -> Leave:
    """Decide on a request to a tier that is not on the device; one that has to be shown is stored as waiting.

    What a person has seen in this turn leaves for the place he saw it go to. Anything new is shown again, but for what
    that place has itself written, or asked for by calling tools.

    Raises:
        ModelError: if its tokens cannot be counted.
    """
    items = items_of(state, model, asking, request)
    leave = await read(context.services.record, _known, state, context, place_of(context, tier), items, asking)
    if leave is not None:
        return leave
    return Leave(show=await outgoing_of(context.services, tier, model, state, asking, request))


async def rest(state: TurnState, runtime: Runtime[TurnContext], tier: Tier, outgoing: Outgoing) -> Command[Any]:
    """Store what is to be shown, say so, and let the turn rest."""
    context = runtime.context
    context.live = None  # no step has begun
    place = place_of(context, tier)
    await asyncio.to_thread(context.services.record.ask_to_send, state["thread"], place, outgoing)
    emit(runtime, context.event(SendingNeeded, attempt=state["attempt"], outgoing=outgoing))
    return Command(update={"seq": context.seq}, goto="show")


def keep_here(state: TurnState, runtime: Runtime[TurnContext], tier: Tier) -> Command[Any]:
    """The turn goes on without any tier that is not on the device: with the draft that is held, else with another tier.

    Raises:
        Blocked: if there is no draft, and the tier was asked for by name or no other is on the device.
    """
    context, held, draft = runtime.context, state.get("held"), state.get("draft")
    context.live = None  # no step has begun
    state = {**state, "kept_here": True}
    said = f"You kept this turn on the device, so {tier.name} was not asked."
    update: TurnState = {"kept_here": True, "held": None}
    if held is not None and held["finish"] != "doubted":
        notice = Notice("kept_here", f"{said} This is the answer of {held['tier']}.")
        return Command(
            update={**update, "draft": held, "tier": held["tier"], "notices": [to_json(notice)]}, goto="finish"
        )
    heir = successor(state, context) if state["requested"] == "auto" else None
    if held is not None:
        heir = held["tier"]  # its beginning is no answer: it is written to its end after all
    if heir is None:
        raise Blocked(said, fix="Ask a tier that is on this device, or ask again and let it leave.")
    over = [one for one in (held, draft) if one is not None]
    for one in over:
        why = f"{tier.name} may not be asked; {heir} answers instead"
        emit(runtime, context.event(AttemptDiscarded, attempt=one["attempt"], why=why))
    update |= {
        "draft": None,
        "tier": heir,
        "attempt": state["attempt"] + (0 if draft is None else 1),
        "stage": "policy",
        "reasons": to_json([Reason("kept_here", said)]),
        "attempts": [to_json(finished_attempt(context.services, one, "discarded")) for one in over],
        "notices": [to_json(Notice("kept_here", f"{said} {heir} answers instead."))],
    }
    return Command(update=update, goto="generate")


def place_of(context: TurnContext, tier: Tier) -> str:
    """Where requests of a tier go: its host, or the tier itself where nobody knows."""
    return context.services.models[tier.name].capabilities.host or f"tier {tier.name}"


def _known(
    state: TurnState, context: TurnContext, place: str, items: Sequence[OutgoingItem], asking: Asking
) -> Leave | None:
    """What is known of a request already; ``None`` if a person has to see it. It reads the record."""
    shown = context.services.record.sendings(context.turn_id)
    if any(one.state == "denied" for one in shown):
        return Leave(kept=True)
    seen = [one for one in shown if one.state in ("allowed", "sent") and one.place == place]
    if seen:
        return None if _unseen(items, seen, _own_items(state, context, place)) else Leave(allowed=True)
    return None if _has_to_be_shown(state, context, place, items, asking) else Leave()


def _has_to_be_shown(
    state: TurnState, context: TurnContext, place: str, items: Sequence[OutgoingItem], asking: Asking
) -> bool:
    record, wish = context.services.record, state.get("show", "never")
    if wish == "always" or (wish == "first" and not record.was_shown(state["thread"], place)):
        return True
    # Whatever the wish: what may repeat something that was taken out is not sent unseen.
    doubtful = [item for item in items if _may_repeat(item, state, asking)]
    if not doubtful:
        return False
    seen = record.seen_items(state["thread"])
    return any(item_key(item) not in seen for item in doubtful)


def _may_repeat(item: OutgoingItem, state: TurnState, asking: Asking) -> bool:
    """Whether a tier on the device wrote it after reading something that was taken out."""
    repeats = asking.taken.repeats
    if item.kind in ("draft", "tool_result"):
        return state["turn_id"] in repeats
    if item.kind != "earlier":
        return False
    if asking.prompt.history.whole:
        return item.id.partition(":")[2] in repeats
    return any(one.turn_id in repeats for one in asking.said.earlier.exchanges)


def _unseen(items: Sequence[OutgoingItem], seen: Sequence[Sending], own: Callable[[OutgoingItem], bool]) -> bool:
    known = {item_key(item) for one in seen for item in one.outgoing.items}
    return any(item_key(item) not in known and not own(item) for item in items)


def _own_items(state: TurnState, context: TurnContext, place: str) -> Callable[[OutgoingItem], bool]:
    """What comes from the place itself: its drafts, and the results of calls that it asked for."""
    tiers = {one["n"]: one["tier"] for one in state.get("attempts", [])}
    tiers |= {one["attempt"]: one["tier"] for one in (state.get("held"), state.get("draft")) if one is not None}
    there = {n for n, name in tiers.items() if place_of(context, context.services.tier(name)) == place}
    given = call_ids(state)
    asked_for = {
        f"tool:{own_call_id(result['round'], result['index'], given)}"
        for result in state.get("results", [])
        if result["attempt"] in there
    }
    goes_on = state.get("draft") is not None  # its request has left already, with its tools
    held = state.get("held")

    def own(item: OutgoingItem) -> bool:
        if item.kind == "draft":
            return held is not None and held["attempt"] in there
        return item.id in asked_for or (item.kind == "tools" and goes_on)

    return own
