"""The protocol of whatever assesses a question before a draft exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tierwise.types import Assessment, Message, Passage, Wish

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Question:
    """What a router may look at.

    Attributes:
        text: the user's message.
        tiers: names of the tiers that are allowed, cheapest first.
        history: earlier messages of the thread, oldest first.
        passages: what retrieval found, best first.
        vector: embedding of ``text``, shape ``(dimension,)``; ``None`` if there is none.
        dial: the user's wish.
        conversation: features of the thread so far, see :func:`~tierwise.routing.features.conversation_features`.
    """

    text: str
    tiers: tuple[str, ...]
    history: tuple[Message, ...] = ()
    passages: tuple[Passage, ...] = ()
    vector: NDArray[np.float32] | None = None
    dial: Wish = "balanced"
    conversation: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Router(Protocol):
    """Assesses how likely each tier is to succeed. It may raise: a router that fails never fails the turn."""

    async def assess(self, question: Question) -> Assessment:
        """Chance of success per tier, as far as known, with reasons."""
        ...
