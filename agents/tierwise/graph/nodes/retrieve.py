"""retrieve: passages for the question; one embedding serves retrieval and routing."""

from __future__ import annotations

import asyncio
import time

from langgraph.runtime import Runtime

from tierwise.errors import UsageError
from tierwise.events import PassagesFound
from tierwise.graph.context import TurnContext
from tierwise.graph.finding import passages_for, question_vector
from tierwise.graph.searching import collection_lock
from tierwise.graph.state import TurnState
from tierwise.guards import locks
from tierwise.jsonable import to_json
from tierwise.turns import Notice
from tierwise.types import Passage


async def retrieve(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Find passages; a search that fails costs the passages, not the turn.

    A passage from a locked collection locks the turn, and so does a search that is limited to one, whatever it finds.

    Raises:
        UsageError: if the user named a collection that does not exist.
    """
    context = runtime.context
    started = time.perf_counter()
    passages: list[Passage] = []
    notices: list[Notice] = []
    try:
        passages = await asyncio.to_thread(_search, context, state["asked"], state.get("collection"))
        if degraded := getattr(context.services.retriever, "degraded", None):
            notices.append(Notice("search_degraded", degraded))
    except UsageError:
        raise
    except Exception as error:
        notices.append(Notice("no_passages", f"The documents could not be searched: {error}"))
    collection_locked = await asyncio.to_thread(collection_lock, context.services.retriever, state.get("collection"))
    found_locks = locks(collection=collection_locked, passages=passages)
    if found_locks and not state["locked"]:
        await asyncio.to_thread(context.services.record.lock_turn, context.turn_id)
        notices.append(Notice("locked", f"{found_locks[0].text} This turn stays on the device."))
    locked = state["locked"] or bool(found_locks)
    ms = (time.perf_counter() - started) * 1000
    runtime.stream_writer(context.event(PassagesFound, passages=tuple(passages), ms=ms))
    return {
        "passages": to_json(passages),
        "locked": locked,
        "tainted": bool(passages),
        "notices": to_json(notices),
        "ms": {"retrieve": ms},
    }


def _search(context: TurnContext, question: str, collection: str | None) -> list[Passage]:
    context.vector = question_vector(context.services, question)
    return passages_for(context.services, question, collection, context.vector)
