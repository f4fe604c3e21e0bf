"""finish: the accepted draft becomes the answer, each sentence matched to the span that supports it."""

from __future__ import annotations

import asyncio
import time

from langgraph.runtime import Runtime

from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState
from tierwise.jsonable import from_json, to_json
from tierwise.turns import Notice
from tierwise.types import Citation, Passage
from tierwise.verify.marks import read_marks
from tierwise.verify.support import cite


async def finish(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Take the model's own citation marks out and put ours beside the text; without support there is no citation.

    JSON stays as it is, and has no citations: its values are not sentences.
    """
    services = runtime.context.services
    draft = state["draft"]
    assert draft is not None
    started = time.perf_counter()
    if state.get("schema") is not None:
        return {"final": draft["tier"], "text": draft["text"], "citations": []}
    notices: list[Notice] = []
    text, marks = read_marks(draft["text"].strip())
    citations: tuple[Citation, ...] = ()
    passages = [from_json(Passage, p) for p in state["passages"]]
    if passages:
        try:
            support = await asyncio.to_thread(
                cite, text, passages, services.embedder, question=state["asked"], marks=marks
            )
            citations = support.citations
        except Exception as error:
            notices.append(Notice("no_citations", f"The answer could not be matched to its passages: {error}"))
    return {
        "final": draft["tier"],
        "text": text,
        "citations": to_json(citations),
        "notices": to_json(notices),
        "ms": {"finish": (time.perf_counter() - started) * 1000},
    }
