"""What a tier is asked in this turn: its view of the thread, fitted to its window."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tierwise.config import Tier
from tierwise.graph.context import TurnContext
from tierwise.graph.prompt import Prompt, fit
from tierwise.graph.state import Json, TurnState
from tierwise.graph.structured import form_of
from tierwise.graph.toolbox import step_messages
from tierwise.jsonable import from_json
from tierwise.models.base import ChatModel
from tierwise.record import Earlier
from tierwise.turns import Notice
from tierwise.types import Passage


@dataclass(frozen=True, slots=True)
class Asking:
    """The prompt for a tier; ``locked`` says that reading the thread has locked the turn, or that it was locked."""

    prompt: Prompt
    locked: bool
    notices: tuple[Notice, ...]


async def prompt_for(state: TurnState, context: TurnContext, tier: Tier, model: ChatModel, held: Json | None) -> Asking:
    """Build what a tier reads.

    Args:
        state: the turn.
        context: its context.
        tier: the tier.
        model: its model.
        held: the draft of a smaller tier that it is to do better than.

    Raises:
        ContextTooLong: if the question alone does not fit.
        ModelError: if the tokens cannot be counted.
    """
    earlier, locked = await asyncio.to_thread(_earlier, state, context, tier)
    prompt = await fit(
        model,
        tier.name,
        state["asked"],
        earlier=earlier,
        passages=[from_json(Passage, p) for p in state["passages"]],
        draft=held["text"] if held else None,
        form=form_of(state, model),
        steps=step_messages(state),
        reserve=tier.max_tokens,
        reads_passages=state["tainted"],
    )
    notices: tuple[Notice, ...] = ()
    if locked and not state["locked"]:
        notices = (Notice("locked", "An earlier message of this thread is locked: this turn stays, too."),)
    return Asking(prompt, locked, notices + prompt.notices)


def _earlier(state: TurnState, context: TurnContext, tier: Tier) -> tuple[Earlier, bool]:
    """What was said before, as this tier may see it, and whether the turn is locked by reading it.

    A tier on the device sees locked turns, and what it then writes may repeat them: neither this draft nor this turn
    may leave the device any more. Any other tier does not see them, in short or in full.
    """
    record = context.services.record
    locked = state["locked"]
    before = again["turn_id"] if (again := state.get("overrules")) else None
    earlier = record.earlier(state["thread"], with_locked=tier.stays_on_device, before=before)
    # Asked for after reading: a locked turn that ends in between must not slip in.
    if tier.stays_on_device and not locked and record.has_locked_turns(state["thread"], before=before):
        record.lock_turn(context.turn_id)
        locked = True
    return earlier, locked
