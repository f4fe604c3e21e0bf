"""Vectors and passages of a question. One embedding serves all, unless a follow-up is searched with its subject."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tierwise.graph.context import Services, TurnContext
from tierwise.graph.rewriting import LOOK_BACK, Carried, carried
from tierwise.graph.said import said_before
from tierwise.graph.searching import search_limits
from tierwise.graph.state import TurnState
from tierwise.graph.whole import read_document
from tierwise.routing.choose import resolve
from tierwise.turns import FoundPassage, Retrieval
from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_NOT_ABOUT = "nothing that was found has to do with the question"


@dataclass(frozen=True, slots=True)
class Found:
    """Passages for a question, best first.

    Attributes:
        passages: what the turn reads.
        carried: what was searched for, if not the question as it is.
        in_vain: there are documents, and none of them has to do with the question.
        retrieval: how they were searched, for the record.
    """

    passages: tuple[Passage, ...]
    carried: Carried | None = None
    in_vain: bool = False
    retrieval: Retrieval | None = None


def find(state: TurnState, context: TurnContext) -> Found:
    """Find a turn's passages, unless it looks for none; the context keeps the vector of the question as it was asked.

    Call it in a thread.

    Raises:
        UsageError: if the user named a collection or a tier that does not exist.
    """
    services, asked = context.services, state["asked"]
    context.vector = question_vector(services, asked) if needs_vector(state, services) else None
    if not state.get("search", True):
        return Found(())
    subject = None if services.retriever is None else _subject(state, context)
    if subject is None:
        return passages_for(services, state, asked, context.vector)
    vector = question_vector(services, subject.text)
    return replace(passages_for(services, state, subject.text, vector), carried=subject)


def needs_vector(state: TurnState, services: Services) -> bool:
    """Whether documents are searched, or a tier is chosen; whoever else wants a vector makes it."""
    if state["requested"] == "auto" and len(services.tiers) > 1:
        return True
    retriever = services.retriever
    return state.get("search", True) and retriever is not None and not getattr(retriever, "is_empty", False)


def _subject(state: TurnState, context: TurnContext) -> Carried | None:
    """The question with its subject, if it needs one.

    Locked turns lend theirs only to a turn that stays on the device, or that a tier on the device is to answer:
    it is locked then. What a tier elsewhere gets to read is found without them.
    """
    if (kept := said_before(state)) is not None:
        return carried(state["asked"], kept.earlier.exchanges[-LOOK_BACK:])
    services = context.services
    named = resolve(services.tier_states(), state["requested"])
    on_device = services.tiers[0].stays_on_device if named is None else named.on_device
    again = state.get("overrules")
    said = services.record.exchanges(
        state["thread"],
        with_locked=state["locked"] or on_device,
        limit=LOOK_BACK,
        before=again["turn_id"] if again else None,
    )
    return carried(state["asked"], said)


def question_vector(services: Services, question: str) -> NDArray[np.float32] | None:
    """Embedding of a question, shape ``(dimension,)``; an embedder that fails costs the vector only.

    Call it in a thread.
    """
    if services.embedder is None:
        return None
    with contextlib.suppress(Exception):
        vector: NDArray[np.float32] = services.embedder.embed([question])[0]
        return vector
    return None


def passages_for(services: Services, state: TurnState, question: str, vector: NDArray[np.float32] | None) -> Found:
    """The passages that a turn reads, best first; without a vector the retriever finds by words, and says so.

    Of a document that the turn names it reads all, in order, if it is not long. Call it in a thread.

    Raises:
        UsageError: if the user named a collection or a document that does not exist.
    """
    retriever = services.retriever
    if retriever is None:
        return Found(())
    started = time.perf_counter()
    limits = search_limits(state.get("collection"), state.get("only"))
    if (document := state.get("document")) is not None:
        reading = read_document(retriever, document, state.get("collection"))
        if reading.passages:
            whole = reading.passages
            return Found(whole, retrieval=_retrieval(question, len(whole), started, whole))
        limits["only"] = reading.only
    k = services.settings.passages
    found = retriever.search(question, k=k, vector=vector, **limits)
    relevant = getattr(retriever, "relevant", None) if document is None else None
    # Passages that have nothing to do with the question only distract a small model, and take its time to read.
    kept = relevant is None or relevant(question, found)
    floor = None if relevant is None else getattr(retriever, "floor", None)
    retrieval = _retrieval(question, k, started, found, kept=kept, floor=floor)
    return Found(tuple(found) if kept else (), in_vain=not kept and bool(found), retrieval=retrieval)


def _retrieval(
    query: str, k: int, started: float, found: Sequence[Passage], *, kept: bool = True, floor: float | None = None
) -> Retrieval:
    ms = (time.perf_counter() - started) * 1000
    why = None if kept else _NOT_ABOUT
    passages = tuple(FoundPassage(one.id, one.source, one.page, one.score, kept, why) for one in found)
    return Retrieval(query, k, ms, floor, passages)
