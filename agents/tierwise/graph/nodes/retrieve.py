"""retrieve: passages for the question, or for the question with its subject."""

from __future__ import annotations

import asyncio
import time

from langgraph.runtime import Runtime

from tierwise.errors import UsageError
from tierwise.events import PassagesFound
from tierwise.graph.caller_tools import caller_tools, own_tools_allowed
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.finding import Found, find, needs_vector
from tierwise.graph.grounding import NOTHING_ABOUT, is_about_documents, nothing_found, own_knowledge
from tierwise.graph.said import has_results
from tierwise.graph.searching import collection_lock
from tierwise.graph.state import TurnState
from tierwise.guards import locks
from tierwise.jsonable import to_json
from tierwise.turns import Notice
from tierwise.verify.wording import asks_fact


async def retrieve(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Find passages; a search that fails costs the passages, not the turn.

    A passage from a locked collection locks the turn, and so does a search that is limited to one, whatever it finds,
    or that is made with words of a locked turn.

    Raises:
        UsageError: if the user named a collection that does not exist.
    """
    context = runtime.context
    started = time.perf_counter()
    found, searched = Found(()), False
    collection_locked: bool | None = False
    notices: list[Notice] = []
    try:
        named = state.get("collection") or state.get("only")
        if state.get("search", True) or named or needs_vector(state, context.services):
            found, collection_locked = await asyncio.to_thread(_find, state, context)
        searched = context.services.retriever is not None and state.get("search", True)
        if searched and (degraded := getattr(context.services.retriever, "degraded", None)):
            notices.append(Notice("search_degraded", degraded))
    except UsageError:
        raise
    except Exception as error:
        notices.append(Notice("no_passages", f"The documents could not be searched: {error}"))
        collection_locked = await asyncio.to_thread(collection_lock, context.services.retriever, state)
    why = [reason.text for reason in locks(collection=collection_locked, passages=found.passages)]
    if found.carried is not None and found.carried.locked:
        why.append("It goes on with an earlier message that is locked.")
    if why and not state["locked"]:
        await asyncio.to_thread(context.services.record.lock_turn, context.turn_id)
        notices.append(Notice("locked", f"{why[0]} This turn stays on the device."))
    ms = (time.perf_counter() - started) * 1000
    emit(runtime, context.event(PassagesFound, passages=found.passages, ms=ms))
    settled: TurnState = {}
    if searched and not found.passages and _only_documents_know(state, context):
        settled = {"settled": True, "text": NOTHING_ABOUT}
        notices.append(nothing_found(state.get("collection")))
    elif searched and not found.passages and found.in_vain and asks_fact(state["asked"]):
        notices.append(own_knowledge())
    return {
        **settled,
        "passages": to_json(found.passages),
        "searched": found.carried.text if found.carried is not None else None,
        "retrieval": to_json(found.retrieval),
        "locked": state["locked"] or bool(why),
        "tainted": bool(found.passages),
        "notices": to_json(notices),
        "ms": {"retrieve": ms},
    }


def _find(state: TurnState, context: TurnContext) -> tuple[Found, bool | None]:
    """What is found, and whether the collection that is searched is locked; call it in a thread."""
    return find(state, context), collection_lock(context.services.retriever, state)


def _only_documents_know(state: TurnState, context: TurnContext) -> bool:
    """Whether neither a model nor a tool could answer what the documents do not."""
    answered_before = state.get("overrules") is not None
    ours = own_tools_allowed(state) and context.services.shelf.knows_more
    knows_more = ours or bool(caller_tools(state)) or has_results(state)
    return is_about_documents(state) and not knows_more and not answered_before
