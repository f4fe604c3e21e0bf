"""Reading documents under the locks, for tools and for turns that are limited to a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tierwise.config import Tier
from tierwise.errors import StoreError
from tierwise.graph.context import TurnContext
from tierwise.graph.state import Json, TurnState
from tierwise.guards import locks
from tierwise.jsonable import from_json
from tierwise.turns import Notice
from tierwise.types import Passage

if TYPE_CHECKING:
    from tierwise.knowledge.base import Retriever

_MORE = 100  # passages to look through for those that a tier off the device may have


def collection_lock(retriever: Retriever | None, state: TurnState) -> bool | None:
    """The lock of the collections a turn is limited to; ``None`` if it cannot be read: then it counts as locked."""
    ask = getattr(retriever, "is_locked", None)
    named = [name for name in (state.get("collection"), *(state.get("only") or {}).get("collections", ())) if name]
    if not named or ask is None:
        return False
    try:
        return any(ask(name) for name in named)
    except StoreError:
        return None


def search_limits(collection: str | None, only: Json | None) -> dict[str, Any]:
    """What a search is limited to, as its keyword arguments; retrievers of one's own need not know filters."""
    if only is None:
        return {"collection": collection}
    from tierwise.knowledge import Filter

    return {"collection": collection, "only": from_json(Filter, only)}


@dataclass
class ToolSearch:
    """``ToolContext.search`` for one tool call.

    A tier on the device may read locked passages, and that locks the turn before it gets them. From any other tier they
    are withheld: its next request would carry them away.

    Attributes:
        context: the turn.
        tier: whose model made the call.
        collection: the collection that the turn is limited to.
        only: what else it is limited to, a ``Filter`` in JSON.
        met_locks: a locked passage was found, and read or withheld.
    """

    context: TurnContext
    tier: Tier
    collection: str | None
    only: Json | None = None
    met_locks: bool = False

    def __call__(self, query: str, k: int) -> Sequence[Passage]:
        """The best ``k`` passages that the tier may read.

        Raises:
            LookupError: if no documents are connected.
        """
        retriever = self.context.services.retriever
        if retriever is None:
            raise LookupError("no documents are connected")
        limits = search_limits(self.collection, self.only)
        found = retriever.search(query, k=k, **limits)
        if not locks(passages=found):
            return found
        if self.tier.stays_on_device:
            self.context.services.record.lock_turn(self.context.turn_id)
        else:
            more = retriever.search(query, k=max(k, _MORE), **limits)
            found = [passage for passage in more if not passage.locked][:k]
        self.met_locks = True
        return found

    def notices(self) -> list[Notice]:
        """What the user must know about it."""
        if not self.met_locks:
            return []
        if self.tier.stays_on_device:
            text = "A tool read a passage of a locked collection: this turn stays on the device."
        else:
            text = f"A tool found passages of a locked collection; they were kept from {self.tier.name}."
        return [Notice("locked", text)]
