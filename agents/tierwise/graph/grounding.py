"""Answers that come from the documents, or say that the documents do not have them."""

from __future__ import annotations

from collections.abc import Sequence

from tierwise.graph.said import has_results
from tierwise.graph.state import Json, TurnState
from tierwise.jsonable import from_json
from tierwise.turns import Notice
from tierwise.types import Passage, Reason
from tierwise.verify.wording import about_own_documents, asks_fact

DO_NOT_SAY = "Your documents do not say."
NOTHING_ABOUT = "Nothing in your documents is about this."
_NEAREST = 3
_BEYOND = "Ask with --free (grounded=False) to hear what a model says beyond your documents."


def has_to_be_grounded(state: TurnState) -> bool:
    """Whether the answer has to come from the turn's passages or be none.

    A question that asks for a fact, for which passages were found, is answered from them. What leans on the thread may
    be answered from it, what was read by tools from their results, and what the user set free from anything.
    """
    return (
        state.get("grounded", True)
        and bool(state.get("passages"))
        and state.get("schema") is None
        and state.get("searched") is None
        and not state.get("results")
        and not has_results(state)
        and asks_fact(state["asked"])
    )


def read_passages(state: TurnState, draft: Json) -> list[Passage]:
    """The turn's passages, without those that a person kept from the tier that wrote the draft."""
    without = draft.get("without", ())
    return [from_json(Passage, passage) for passage in state["passages"] if passage["id"] not in without]


def is_about_documents(state: TurnState) -> bool:
    """Whether only documents can answer a question: it is limited to some, or speaks of the user's own."""
    limited = any(state.get(key) is not None for key in ("collection", "only", "document"))
    asked = state["asked"]
    return state.get("grounded", True) and asks_fact(asked) and (limited or about_own_documents(asked))


def nearest_words(passages: Sequence[Passage]) -> str:
    """Where the nearest passages stand, for the user to look himself."""
    places: dict[str, None] = {}
    for passage in passages:
        name = passage.source.replace("\\", "/").rstrip("/").rpartition("/")[2] or passage.source
        places[name if passage.page is None else f"{name}, page {passage.page}"] = None
    named = list(places)[:_NEAREST]
    return f" The nearest passages stand in {'; '.join(named)}." if named else ""


def held_back(passages: Sequence[Passage], tier: str, why: Reason) -> Notice:
    """Tell that an answer was held back because its passages do not bear it out."""
    cause = why.text.replace("the draft", f"the answer of {tier}")
    return Notice(
        "not_in_documents",
        f"{cause}{nearest_words(passages)} What {tier} wrote is kept in the turn's record. {_BEYOND}",
    )


def nothing_found(collection: str | None) -> Notice:
    """Tell that the question was limited to documents, and none of them is about it."""
    where = f"in the collection {collection}" if collection else "in the documents it is limited to"
    return Notice(
        "nothing_in_documents",
        f"Nothing {where} is about this question, so no model was asked. {_BEYOND}",
    )


def own_knowledge() -> Notice:
    """Tell that the documents were searched in vain, and the answer is not from them."""
    return Notice("not_from_documents", "Nothing in your documents is about this: the answer is the model's own.")
