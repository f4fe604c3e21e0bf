"""What whoever follows a turn must be told when it goes on after its program ended in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tierwise.events import AttemptDiscarded, AttemptStarted, Event, TextDelta
from tierwise.graph.context import TurnContext
from tierwise.graph.state import Json, TurnState

_WHY = "the program ended in the middle; it is written anew"


def said_again(context: TurnContext, state: TurnState, kept: Sequence[int]) -> Iterator[Event]:
    """Take back what attempts may have said since the last step that is stored, then say what stands.

    Nobody knows how far the events had come: text is shown before it is stored. So everything that is not over by the
    stored step is taken back, whether it was said or not.

    Args:
        context: of the turn that goes on.
        state: its last stored step, or what it was begun with.
        kept: the attempts of which a text was kept on the way.

    Yields:
        ``attempt.discarded`` for each attempt, then the text of each that stands.
    """
    over = {attempt["n"] for attempt in state.get("attempts", [])}
    draft, held = state.get("draft"), state.get("held")
    # A draft that is there may have been replaced already: the attempt after it had begun.
    last = max([state.get("attempt", 1) + (draft is not None), *kept])
    for number in range(1, last + 1):
        if number not in over:
            yield context.event(AttemptDiscarded, attempt=number, why=_WHY)
    if held is not None and not _text(draft):  # the first word of the attempt after it takes its place
        yield from _said(context, held)
    if draft is not None:
        yield from _said(context, draft)


def _said(context: TurnContext, draft: Json) -> Iterator[Event]:
    tier = context.services.tier(draft["tier"])
    yield context.event(AttemptStarted, attempt=draft["attempt"], tier=tier.name, model=tier.model_name)
    if text := _text(draft):
        yield context.event(TextDelta, attempt=draft["attempt"], text=text)


def _text(draft: Json | None) -> str:
    return "" if draft is None else str(draft["text"])
