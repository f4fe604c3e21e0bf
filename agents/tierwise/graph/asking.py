"""What a tier is asked in this turn: its view of the thread, fitted to its window."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tierwise.config import Tier
from tierwise.graph.at_hand import read
from tierwise.graph.context import TurnContext
from tierwise.graph.counting import count_tokens
from tierwise.graph.prompt import Prompt, fit
from tierwise.graph.said import Said, all_until, given_steps, instructions_of, said_before
from tierwise.graph.state import Json, TurnState
from tierwise.graph.structured import form_of
from tierwise.graph.toolbox import step_messages
from tierwise.jsonable import from_json, to_json
from tierwise.models.base import ChatModel, ToolSpec
from tierwise.record import Earlier, TakenOut
from tierwise.turns import Notice
from tierwise.types import Message, Passage

NOT_SENT = "(the user keeps this here)"


@dataclass(frozen=True, slots=True)
class Asking:
    """The prompt for a tier, and what it was made from.

    Attributes:
        prompt: what the tier reads.
        locked: reading the thread has locked the turn, or it was locked.
        notices: what the user must know.
        said: what was said before, as this tier may see it.
        given: the caller's steps in it.
        steps: the tool calls of the turn with their results, behind those.
        draft: the smaller tier's draft in it.
        without: ids of passages that do not leave, so that this tier does not read them.
        taken: what was taken out of requests of this thread.
    """

    prompt: Prompt
    locked: bool
    notices: tuple[Notice, ...]
    said: Said
    given: tuple[Message, ...]
    steps: tuple[Message, ...]
    draft: str | None
    without: tuple[str, ...]
    taken: TakenOut


async def prompt_for(
    state: TurnState,
    context: TurnContext,
    tier: Tier,
    model: ChatModel,
    held: Json | None,
    *,
    max_tokens: int | None = None,
    tools: Sequence[ToolSpec] = (),
) -> Asking:
    """Build what a tier reads; for one that is not on the device, without what was taken out.

    Args:
        state: the turn.
        context: its context.
        tier: the tier.
        model: its model.
        held: the draft of a smaller tier that it is to do better than.
        max_tokens: of the answer, by default the tier's.
        tools: the caller's, which the request has to hold beside the prompt.

    Raises:
        ContextTooLong: if the question alone does not fit.
        ModelError: if the tokens cannot be counted.
    """
    taken, said, locked = await read(context.services.record, _read, state, context, tier)
    passages = [from_json(Passage, p) for p in state["passages"]]
    draft, given, steps = held["text"] if held else None, given_steps(state), step_messages(state)
    without: tuple[str, ...] = ()
    if taken and not tier.stays_on_device:
        without = tuple(passage.id for passage in passages if taken.has_passage(passage))
        passages = [passage for passage in passages if passage.id not in without]
        draft = None if draft is not None and taken.has_draft(draft) else draft
        given = tuple(_without(step, taken) for step in given)
        steps = [_without(step, taken) for step in steps]
    elif taken and _repeats(taken, said.earlier, passages, (*given, *steps)):
        await asyncio.to_thread(context.services.record.note_repeats, context.turn_id, tier.name)
    prompt = await fit(
        model,
        tier.name,
        state["asked"],
        said=said,
        passages=passages,
        draft=draft,
        form=form_of(state, model),
        steps=(*given, *steps),
        reserve=tier.max_tokens if max_tokens is None else max_tokens,
        reads_passages=state["tainted"],
        instructions=instructions_of(state),
        beside=sum(await count_tokens(model, list(map(spec_text, tools)))),
    )
    notices: tuple[Notice, ...] = ()
    if locked and not state["locked"]:
        notices = (Notice("locked", "An earlier message of this thread is locked: this turn stays, too."),)
    return Asking(prompt, locked, notices + prompt.notices, said, tuple(given), tuple(steps), draft, without, taken)


def spec_text(tool: ToolSpec) -> str:
    """A tool as it is counted; a model's template may take a few tokens more."""
    return json.dumps(to_json(tool), ensure_ascii=False)


def _said(state: TurnState, context: TurnContext, tier: Tier, taken: TakenOut) -> tuple[Said, bool]:
    """What was said before, as this tier may see it, and whether the turn is locked by reading it.

    A tier on the device sees locked turns, and what it then writes may repeat them: neither this draft nor this turn
    may leave the device any more. Any other tier does not see them, in short or in full, nor what was taken out.
    Where the caller keeps the conversation, nothing of the record is read, and so nothing locked.
    """
    record = context.services.record
    locked = state["locked"]
    if (said := said_before(state, None if tier.stays_on_device else taken)) is not None:
        return said, locked
    before = again["turn_id"] if (again := state.get("overrules")) else None
    if not tier.stays_on_device:
        gone, after = sorted(taken.turns), taken.after
        earlier = record.earlier(state["thread"], with_locked=False, before=before, without=gone, after=after)
        return Said(earlier), locked
    earlier = record.earlier(state["thread"], with_locked=True, before=before)
    # Asked for after reading: a locked turn that ends in between must not slip in.
    if not locked and record.has_locked_turns(state["thread"], before=before):
        record.lock_turn(context.turn_id)
        locked = True
    return Said(earlier), locked


def _repeats(taken: TakenOut, earlier: Earlier, passages: Sequence[Passage], steps: Sequence[Message]) -> bool:
    """Whether a tier on the device reads what was taken out, so that what it writes may repeat it."""
    gone = taken.turns | taken.repeats
    return (
        bool(taken.after and (earlier.before or earlier.exchanges))
        or any(one.turn_id in gone or all_until(one) in gone for one in earlier.exchanges)
        or any(taken.has_passage(passage) for passage in passages)
        or any(taken.repeated_in(step.content) for step in steps)
    )


def _read(state: TurnState, context: TurnContext, tier: Tier) -> tuple[TakenOut, Said, bool]:
    """What was taken out, what was said as the tier may see it, and whether the turn is locked by reading it."""
    taken = context.services.record.taken_out(state["thread"])
    return taken, *_said(state, context, tier, taken)


def _without(step: Message, taken: TakenOut) -> Message:
    """A tool's result as it leaves; the ids of its calls stay, or the request would be malformed."""
    return replace(step, content=NOT_SENT) if step.role == "tool" and taken.repeated_in(step.content) else step
