"""Vectors and passages of a question. One embedding serves all, unless a follow-up is searched with its subject."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tierwise.graph.context import Services, TurnContext
from tierwise.graph.rewriting import LOOK_BACK, Carried, carried
from tierwise.graph.searching import search_limits
from tierwise.graph.state import TurnState
from tierwise.graph.whole import read_document
from tierwise.routing.choose import resolve
from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Found:
    """Passages for a question, best first.

    Attributes:
        passages: what the turn reads.
        carried: what was searched for, if not the question as it is.
        in_vain: there are documents, and none of them has to do with the question.
    """

    passages: tuple[Passage, ...]
    carried: Carried | None = None
    in_vain: bool = False


def find(state: TurnState, context: TurnContext) -> Found:
    """Find a turn's passages; the context keeps the vector of the question as it was asked. Call it in a thread.

    Raises:
        UsageError: if the user named a collection or a tier that does not exist.
    """
    services, asked = context.services, state["asked"]
    context.vector = question_vector(services, asked)
    subject = None if services.retriever is None else _subject(state, context)
    if subject is None:
        return passages_for(services, state, asked, context.vector)
    vector = question_vector(services, subject.text)
    return replace(passages_for(services, state, subject.text, vector), carried=subject)


def _subject(state: TurnState, context: TurnContext) -> Carried | None:
    """The question with its subject, if it needs one.

    Locked turns lend theirs only to a turn that stays on the device, or that a tier on the device is to answer:
    it is locked then. What a tier elsewhere gets to read is found without them.
    """
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
    limits = search_limits(state.get("collection"), state.get("only"))
    if (document := state.get("document")) is not None:
        reading = read_document(retriever, document, state.get("collection"))
        if reading.passages:
            return Found(reading.passages)
        limits["only"] = reading.only
    found = retriever.search(question, k=services.settings.passages, vector=vector, **limits)
    relevant = getattr(retriever, "relevant", None)
    # Passages that have nothing to do with the question only distract a small model, and take its time to read.
    if document is None and relevant is not None and not relevant(question, found):
        return Found((), in_vain=bool(found))
    return Found(tuple(found))
