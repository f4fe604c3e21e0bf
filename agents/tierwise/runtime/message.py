"""From what a caller says to the first state of a turn."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tierwise.config import Settings, Tier, read_showing
from tierwise.errors import InvalidInput, UnknownName
from tierwise.graph.state import TurnState
from tierwise.guards import check_question, whole_characters
from tierwise.jsonable import to_json
from tierwise.runtime.caller_checks import checked_conversation, checked_sampling
from tierwise.runtime.options import find_adapter
from tierwise.runtime.turn import new_thread_id, new_turn_id
from tierwise.types import ShowBeforeSending, Wish
from tierwise.wish import read_wish

if TYPE_CHECKING:
    from tierwise.callers import Caller, Conversation, Sampling
    from tierwise.knowledge import Filter


def first_state(
    settings: Settings,
    tiers: Sequence[Tier],
    question: str,
    *,
    thread: str | None = None,
    tier: str = "auto",
    dial: Wish | None = None,
    lock: bool = False,
    collection: str | None = None,
    only: Filter | None = None,
    document: str | None = None,
    offline: bool | None = None,
    schema: dict[str, Any] | None = None,
    adapter: str | None = None,
    grounded: bool | None = None,
    show_before_sending: ShowBeforeSending | None = None,
    conversation: Conversation | None = None,
    sampling: Sampling | None = None,
    search: bool = True,
    own_tools: bool = True,
    caller: Caller | None = None,
    passing: bool = False,
    goes_on: bool = False,
    attached: dict[str, Any] | None = None,
) -> TurnState:
    """The state a turn begins with; see :class:`~tierwise.runtime.options.AskOptions`.

    Raises:
        UsageError: for an empty question, a name that does not exist, or something that is not text.
    """
    question = check_question(question, limit=sys.maxsize)  # its size is judged once it is stored
    if thread is not None and not thread.strip():
        raise InvalidInput("The thread's name is empty.", fix="Leave it out to begin a new thread.")
    if thread is not None and whole_characters(thread) != thread:
        raise InvalidInput("The thread's name is not text.", fix="Choose another name.")
    if dial is not None:
        dial = read_wish("The dial", dial)
    names = [t.name for t in tiers]
    if tier not in (*names, "auto", "quick", "deep"):
        raise UnknownName(f"There is no tier {tier!r}.", fix=f"Use auto, {', '.join(names)}.")
    return {
        "turn_id": new_turn_id(),
        "thread": thread or new_thread_id(),
        "asked": question,
        "created": time.time(),
        "requested": tier,
        "dial": settings.dial if dial is None else dial,
        "locked": lock or settings.locked,
        "offline": settings.offline if offline is None else offline or settings.offline,
        "collection": collection,
        "only": None if only is None else to_json(only),
        "document": document,
        "grounded": settings.grounded if grounded is None else grounded,
        "show": read_showing(settings.show_before_sending if show_before_sending is None else show_before_sending),
        "schema": schema,
        "adapter": None if adapter is None else find_adapter(adapter, settings.home),
        "conversation": None if conversation is None else checked_conversation(conversation),
        "sampling": None if sampling is None else checked_sampling(sampling),
        "search": search,
        "own_tools": own_tools,
        "caller": None if caller is None else to_json(caller),
        "passing": passing,
        "goes_on": goes_on,
        "attached": attached,
    }
