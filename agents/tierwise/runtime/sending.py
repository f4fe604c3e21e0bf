"""What leaves the device, as people see it: deciding on what is shown, and what would leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tierwise.errors import Blocked, InvalidInput, UnknownName
from tierwise.graph.asking import prompt_for
from tierwise.graph.context import Services, TurnContext
from tierwise.graph.payload import outgoing_of
from tierwise.graph.state import TurnState
from tierwise.graph.structured import request_schema
from tierwise.graph.toolbox import tools_for
from tierwise.jsonable import to_json
from tierwise.models.base import Capabilities, ChatModel, ChatRequest
from tierwise.models.hosted.wire import estimate_tokens
from tierwise.turns import DecisionRecord, Outgoing


def decide_sending(services: Services, turn_id: str, outgoing_id: str, *, allow: bool, without: Sequence[str]) -> str:
    """Store a person's yes or no to the request of a turn that waits; see :meth:`AsyncCopilot.decide_sending`.

    Raises:
        UnknownName: if there is no such turn, or the request has no such item.
        InvalidInput: if nothing of the turn waits, something else does, or an item cannot be taken out.
    """
    record = services.record
    turn = record.get(turn_id)
    shown = record.waiting_outgoing(turn.turn_id)
    if shown is None or turn.status != "needs_approval":
        raise InvalidInput(
            f"Nothing of turn {turn.turn_id} waits to be sent.",
            fix="See what waits: tierwise threads waiting. A turn that was decided on goes on with: threads resume.",
        )
    if shown.id != outgoing_id:
        raise InvalidInput(f"{outgoing_id!r} is not the request that waits.", fix="Look at what waits now, and decide.")
    items = {item.id: item for item in shown.items}
    for item_id in without:
        if item_id not in items:
            raise UnknownName(f"The request has no item {item_id!r}.", fix="Name one of those that were shown.")
        if not items[item_id].removable:
            raise InvalidInput(
                f"{items[item_id].title!r} cannot be taken out.", fix="Keep the whole request here, or let it leave."
            )
    record.decide_sending(turn, shown, allow=allow, without=without)
    return turn.turn_id


async def would_leave(services: Services, old: DecisionRecord, state: TurnState) -> Outgoing:
    """What asking a turn's question again would send, as far as it is known before; nothing is sent or stored.

    Args:
        services: the copilot's parts.
        old: the turn; its passages are those that would be read.
        state: the turn that would begin, with the name of the tier that is asked for.

    Raises:
        Blocked: if it may not leave the device, and the tier is not on it.
        ContextTooLong: if the question does not fit.
    """
    tier, context = services.tier(state["requested"]), TurnContext(services, state["turn_id"])
    thread = state["thread"]
    locked = state["locked"] or any(passage.locked for passage in old.passages)
    locked = locked or await asyncio.to_thread(services.record.is_locked, thread)
    if not tier.stays_on_device and (locked or state["offline"]):
        why = "is locked to it" if locked else "may not leave it"
        raise Blocked(f"{tier.name} is not on this device, and this turn {why}.", fix="Ask another tier.")
    tainted = bool(old.passages) or await asyncio.to_thread(services.record.has_tainted_turns, thread)
    state = {
        **state,
        "turn_id": old.turn_id,
        "tier": tier.name,
        "passages": to_json(old.passages),
        "locked": locked,
        "tainted": tainted,
        "attempt": 1,
    }
    model: ChatModel = services.models[tier.name]
    if tier.stays_on_device:
        model = _Rough(model)  # counting would start it
    asking = await prompt_for(state, context, tier, model, None)
    request = ChatRequest(
        messages=asking.prompt.messages,
        tools=await asyncio.to_thread(tools_for, state, context, model),
        schema=request_schema(state, model),
    )
    return await outgoing_of(services, tier, model, state, asking, request)


class _Rough:
    """A model that is only counted for, by the size of the texts."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        return self._model.capabilities

    def stream(self, request: ChatRequest) -> Any:
        raise AssertionError("nothing is asked of it")

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [estimate_tokens(text) for text in texts]

    async def aclose(self) -> None:
        """There is nothing to free."""
