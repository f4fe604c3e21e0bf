"""finish: the accepted draft becomes the answer, each sentence matched to the span that supports it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from langgraph.runtime import Runtime

from tierwise.events import AttemptDiscarded
from tierwise.graph.attempts import finished_attempt
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.grounding import DO_NOT_SAY, has_to_be_grounded, held_back, read_passages
from tierwise.graph.sampling import judged_finish, told_finish
from tierwise.graph.state import Json, TurnState
from tierwise.jsonable import to_json
from tierwise.turns import Notice, Unsupported
from tierwise.types import Citation, Draft, Passage, Reason
from tierwise.verify.citing.support import cite
from tierwise.verify.grounded import invented
from tierwise.verify.marks import read_marks


async def finish(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Take the model's own citation marks out and put ours beside the text; what nothing supports is named.

    JSON stays as it is, and has no citations: its values are not sentences.
    """
    services = runtime.context.services
    draft = state.get("draft")
    if draft is None:  # settled before anything was drafted
        return {"final": None, "citations": [], "unsupported": [], "finish": told_finish(None)}
    started = time.perf_counter()
    ended: TurnState = {"final": draft["tier"], "finish": told_finish(draft), "calls": draft.get("calls", [])}
    if state.get("schema") is not None:
        return {**ended, "text": draft["text"], "citations": [], "unsupported": []}
    notices: list[Notice] = []
    text, marks = read_marks(draft["text"].strip())
    if ended["calls"]:  # what stands before a call announces it
        return {**ended, "text": text, "citations": [], "unsupported": []}
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    passages = read_passages(state, draft)
    if passages:
        try:
            support = await asyncio.to_thread(
                cite, text, passages, services.embedder, question=state["asked"], marks=marks
            )
            citations, unsupported = support.citations, support.unsupported
            if support.supported_share == 0 and has_to_be_grounded(state):
                why = await asyncio.to_thread(invented, _as_draft(state, draft, text, passages))
                if why is not None:
                    return _held_back(state, runtime, draft, passages, why, (time.perf_counter() - started) * 1000)
        except Exception as error:
            notices.append(Notice("no_citations", f"The answer could not be matched to its passages: {error}"))
    return {
        **ended,
        "text": text,
        "citations": to_json(citations),
        "unsupported": to_json(unsupported),
        "notices": to_json(notices),
        "ms": {"finish": (time.perf_counter() - started) * 1000},
    }


def _as_draft(state: TurnState, draft: Json, text: str, passages: Sequence[Passage]) -> Draft:
    return Draft(draft["tier"], "", state["asked"], text, judged_finish(draft), tuple(passages), grounded=True)


def _held_back(
    state: TurnState, runtime: Runtime[TurnContext], draft: Json, passages: Sequence[Passage], why: Reason, ms: float
) -> TurnState:
    """The documents do not bear out what was written: say so instead, and keep it in the record."""
    context = runtime.context
    emit(runtime, context.event(AttemptDiscarded, attempt=draft["attempt"], why=why.text))
    unborne = {**draft, "reasons": to_json((why,))}
    return {
        "final": draft["tier"],
        "finish": "stop",
        "text": DO_NOT_SAY,
        "citations": [],
        "unsupported": [],
        "draft": None,
        "attempts": [to_json(finished_attempt(context.services, unborne, "discarded"))],
        "notices": to_json([held_back(passages, draft["tier"], why)]),
        "ms": {"finish": ms},
    }
